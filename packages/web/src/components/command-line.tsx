import { ActionIcon, Code, CopyButton, Group } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useText } from '../i18n/text.tsx';

/** A line for a shell: whole, and copied with one click. */
export function CommandLine({ line }: { readonly line: string }) {
  const text = useText();
  return (
    <Group gap="xs" wrap="nowrap" align="flex-start">
      <Code block className="mono" flex={1} style={{ whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
        {line}
      </Code>
      <CopyButton value={line}>
        {({ copied, copy }) => (
          <ActionIcon
            size="md"
            aria-label={
              copied ? text('common.copied') : text('common.copy-field', { name: line.split(' --')[0] ?? '' })
            }
            onClick={copy}
          >
            {copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
          </ActionIcon>
        )}
      </CopyButton>
    </Group>
  );
}
