import { ActionIcon, CopyButton, TextInput } from '@mantine/core';
import { IconCheck, IconCopy } from '@tabler/icons-react';
import { useText } from '../i18n/text.tsx';

/** A value to be entered elsewhere, whole also where it does not fit. */
export function CopyField(props: { readonly label: string; readonly description?: string; readonly value: string }) {
  const text = useText();
  return (
    <TextInput
      {...props}
      readOnly
      classNames={{ input: 'mono' }}
      onFocus={(event) => event.currentTarget.select()}
      rightSection={
        <CopyButton value={props.value}>
          {({ copied, copy }) => (
            <ActionIcon
              size="md"
              aria-label={copied ? text('common.copied') : text('common.copy-field', { name: props.label })}
              onClick={copy}
            >
              {copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
            </ActionIcon>
          )}
        </CopyButton>
      }
    />
  );
}
