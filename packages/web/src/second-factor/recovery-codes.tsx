import { Button, CopyButton, Group, Stack, Text, Title } from '@mantine/core';
import { useText } from '../i18n/text.tsx';

export function RecoveryCodes(props: { readonly codes: readonly string[]; readonly onKept: () => void }) {
  const text = useText();
  return (
    <Stack>
      <Title order={2}>{text('factor.recovery-title')}</Title>
      <Text size="sm">{text('factor.recovery-lead')}</Text>
      <ol className="recovery-codes mono" tabIndex={0} aria-label={text('factor.recovery-title')}>
        {props.codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ol>
      <Group justify="flex-end">
        <CopyButton value={props.codes.join('\n')}>
          {({ copied, copy }) => (
            <Button variant="default" onClick={copy}>
              {text(copied ? 'common.copied' : 'factor.recovery-copy')}
            </Button>
          )}
        </CopyButton>
        <Button onClick={props.onKept}>{text('factor.recovery-kept')}</Button>
      </Group>
    </Stack>
  );
}
