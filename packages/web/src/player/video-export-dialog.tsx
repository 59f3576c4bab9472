import { Button, Group, Progress, Stack, Text } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { stream } from '../api/client.ts';
import { ApiFault } from '../api/http.ts';
import { Modal } from '../components/layer.tsx';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { desktopStages } from './desktop-stages.ts';
import { StageFailure } from './stage.ts';
import { renderVideo } from './video-export.ts';

export interface VideoSubject {
  readonly id: string;
  readonly surface: string;
  readonly durationMs: number;
}

/** Makes a film of a desktop's recording while it is open, and hands it to the browser as a download. */
export function VideoExportDialog(props: { readonly subject: VideoSubject; readonly onClose: () => void }) {
  const text = useText();
  const [share, setShare] = useState(0);
  const [error, setError] = useState<unknown>();
  const { subject, onClose } = props;
  const close = useRef(onClose);
  close.current = onClose;

  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    film(subject, setShare, signal).then(
      (blob) => {
        if (signal.aborted) return;
        save(blob, `${subject.id}.webm`);
        close.current();
      },
      (failure: unknown) => {
        if (!signal.aborted) setError(failure);
      },
    );
    return () => controller.abort();
  }, [subject]);

  return (
    <Modal opened onClose={onClose} title={text('player.video-title')} closeOnClickOutside={false}>
      <Stack>
        {error === undefined ? (
          <>
            <Progress value={share * 100} aria-label={text('player.video-progress')} />
            <Text size="sm" c="dimmed">
              {text('player.video-help')}
            </Text>
          </>
        ) : error instanceof ApiFault ? (
          <FaultNotice error={error} />
        ) : (
          <Text size="sm" role="alert">
            {text(error instanceof StageFailure ? 'player.video-undrawn' : 'player.video-failed')}
          </Text>
        )}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {text(error === undefined ? 'common.cancel' : 'common.close')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

async function film(subject: VideoSubject, onProgress: (share: number) => void, signal: AbortSignal): Promise<Blob> {
  const createStage = await desktopStages[subject.surface]?.();
  if (createStage === undefined) throw new DOMException('only desktops have pictures', 'NotSupportedError');
  return renderVideo({
    durationMs: subject.durationMs,
    createStage,
    onProgress,
    signal,
    open: async (reading) => {
      const { body } = await stream(
        'exportRecording',
        { params: { id: subject.id }, query: { format: 'events' } },
        { signal: AbortSignal.any([signal, reading]) },
      );
      if (body === null) throw new ApiFault({ code: 'NETWORK', status: 0 });
      return body;
    },
  });
}

function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
