import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconPackage, IconRefresh } from '@tabler/icons-react';
import { hrefOf } from '../api/client.ts';
import { useText } from '../i18n/text.tsx';
import { clockText } from './playback-clock.ts';
import type { StageFailure } from './stage.ts';

/** In the place of a picture that would look as if nothing had happened any more. */
export function UndrawnNotice(props: {
  readonly failure: StageFailure;
  readonly atMs: number;
  /** The recording, for who may take it away. */
  readonly downloadedFrom: string | undefined;
}) {
  const text = useText();
  const { failure, downloadedFrom: id } = props;
  return (
    <Alert
      role="alert"
      variant="default"
      className="fault"
      maw={520}
      icon={<IconAlertTriangle aria-hidden size={18} />}
      title={text('player.undrawn', { at: clockText(props.atMs) })}
      styles={{ title: { color: 'var(--warn)' }, icon: { color: 'var(--warn)' } }}
    >
      <Stack gap="xs">
        <Text size="sm">{text('player.undrawn-why')}</Text>
        <Text size="sm">{text(failure.isFinal ? 'player.undrawn-reload' : 'player.undrawn-elsewhere')}</Text>
        <Group gap="sm">
          <Button
            size="xs"
            variant="default"
            leftSection={<IconRefresh aria-hidden size={14} />}
            onClick={() => location.reload()}
          >
            {text('player.reload')}
          </Button>
          {id !== undefined && (
            <Button
              size="xs"
              variant="default"
              component="a"
              leftSection={<IconPackage aria-hidden size={14} />}
              href={hrefOf('downloadRecording', { params: { id } })}
              download
            >
              {text('player.download')}
            </Button>
          )}
        </Group>
      </Stack>
    </Alert>
  );
}
