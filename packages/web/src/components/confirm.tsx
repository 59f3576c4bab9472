import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useText } from '../i18n/text.tsx';
import { useAction } from './use-action.ts';

export interface Confirmation {
  readonly title: string;
  readonly body: ReactNode;
  readonly action: string;
  readonly run: () => Promise<unknown>;
}

/** Asks before something is lost; the button says what happens. */
export function Confirm(props: { readonly asked: Confirmation | undefined; readonly onClose: () => void }) {
  const text = useText();
  const [busy, run] = useAction();
  const { asked } = props;
  return (
    <Modal
      opened={asked !== undefined}
      onClose={props.onClose}
      title={asked?.title}
      closeButtonProps={{ 'aria-label': text('common.close') }}
    >
      {asked !== undefined && (
        <Stack>
          <Text size="sm" component="div">
            {asked.body}
          </Text>
          <Group justify="flex-end">
            <Button variant="default" data-autofocus onClick={props.onClose}>
              {text('common.cancel')}
            </Button>
            <Button
              loading={busy}
              onClick={() =>
                void run(asked.run).then((done) => {
                  if (done) props.onClose();
                })
              }
            >
              {asked.action}
            </Button>
          </Group>
        </Stack>
      )}
    </Modal>
  );
}
