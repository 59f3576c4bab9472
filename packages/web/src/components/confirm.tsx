import { Button, Group, Stack, Text } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { useText, type Text as Words } from '../i18n/text.tsx';
import { Modal } from './layer.tsx';
import { useAction } from './use-action.ts';

export interface Confirmation {
  readonly title: string;
  readonly body: ReactNode;
  readonly action: string;
  readonly run: () => Promise<unknown>;
}

/** Asks before something is lost; the button says what happens. */
export function useConfirm(): readonly [dialog: ReactNode, ask: (confirmation: Confirmation) => void] {
  const text = useText();
  const [asked, setAsked] = useState<Confirmation>();
  const [busy, run] = useAction();
  const close = (): void => setAsked(undefined);
  const dialog = (
    <Modal opened={asked !== undefined} onClose={close} title={asked?.title}>
      {asked !== undefined && (
        <Stack>
          <Text size="sm" component="div">
            {asked.body}
          </Text>
          <Group justify="flex-end">
            <Button variant="default" data-autofocus onClick={close}>
              {text('common.cancel')}
            </Button>
            <Button
              loading={busy}
              onClick={() =>
                void run(asked.run).then((done) => {
                  if (done) close();
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
  return [dialog, setAsked];
}

/** The question before something with a name is removed. */
export function removal(
  text: Words,
  what: { readonly name: string; readonly body: ReactNode; readonly run: () => Promise<unknown> },
): Confirmation {
  const { name, ...rest } = what;
  return { ...rest, title: text('catalog.remove-title', { name }), action: text('common.remove') };
}
