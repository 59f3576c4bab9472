import { Button, Group, Stack, TextInput } from '@mantine/core';
import { IconKey } from '@tabler/icons-react';
import { MOST_PERSONAL_KEYS } from '@enchilada/core/credential';
import { useQuery } from '@tanstack/react-query';
import { useState, type SyntheticEvent } from 'react';
import { api } from '../api/client.ts';
import { useConfirm } from '../components/confirm.tsx';
import { CopyField } from '../components/copy-field.tsx';
import { Modal } from '../components/layer.tsx';
import { Listing, Moment } from '../components/listing.tsx';
import { Section } from '../components/page.tsx';
import { useAction } from '../components/use-action.ts';
import { useText } from '../i18n/text.tsx';
import { useStepUp } from './step-up.tsx';

/** The own OpenSSH keys, on the page of the account: their public halves, for the machines that are opened with them. */
export function OwnKeys() {
  const text = useText();
  const keys = useQuery({
    queryKey: ['personal-keys'],
    queryFn: ({ signal }) => api('listPersonalKeys', {}, { signal }),
  });
  const [name, setName] = useState<string>();
  const [confirmation, ask] = useConfirm();
  const [busy, run] = useAction();
  const [dialog, attempt] = useStepUp();
  const create = (event: SyntheticEvent): void => {
    event.preventDefault();
    if (name === undefined) return;
    // The dialog for the fresh proof comes in place of this one.
    setName(undefined);
    void run(async () => {
      await attempt(() => api('createPersonalKey', { body: { name: name.trim() } }));
      await keys.refetch();
    }).then((done) => {
      if (!done) setName(name);
    });
  };
  const remove = (key: { readonly id: string; readonly name: string }): void =>
    ask({
      title: text('factor.remove-title', { name: key.name }),
      body: text('own-keys.remove-body'),
      action: text('common.remove'),
      run: async () => {
        await api('removePersonalKey', { params: { id: key.id } });
        await keys.refetch();
      },
    });
  return (
    <Section title={text('own-keys.title')} lead={text('own-keys.lead')}>
      <Listing
        query={keys}
        items={keys.data?.items ?? []}
        empty={<p className="palette-none">{text('own-keys.none')}</p>}
      >
        {(items) => (
          <Stack component="ul" m={0} p="sm" gap="md" style={{ listStyle: 'none' }}>
            {items.map((key) => (
              <li key={key.id}>
                <Group justify="space-between" align="flex-end" wrap="nowrap">
                  <div>
                    <strong>{key.name}</strong>
                    <div className="sub fingerprint">{key.fingerprint}</div>
                    <div className="sub">
                      {text('own-keys.made')} <Moment at={key.createdAt} /> · {text('factor.last-used')}{' '}
                      {key.lastUsedAt === undefined ? text('own-keys.never') : <Moment at={key.lastUsedAt} />}
                    </div>
                  </div>
                  <Button
                    size="xs"
                    variant="default"
                    aria-label={`${text('common.remove')} ${key.name}`}
                    onClick={() => remove(key)}
                  >
                    {text('common.remove')}
                  </Button>
                </Group>
                <CopyField label={text('own-keys.line')} value={key.line} />
              </li>
            ))}
          </Stack>
        )}
      </Listing>
      {keys.data !== undefined && keys.data.items.length < MOST_PERSONAL_KEYS && (
        <Group mt="md">
          <Button
            variant="default"
            leftSection={<IconKey size={16} aria-hidden />}
            loading={busy}
            onClick={() => setName('')}
          >
            {text('own-keys.add')}
          </Button>
        </Group>
      )}
      <Modal opened={name !== undefined} onClose={() => setName(undefined)} title={text('own-keys.add')}>
        {name !== undefined && (
          <form onSubmit={create}>
            <Stack>
              <TextInput
                label={text('field.name')}
                description={text('own-keys.name-help')}
                required
                maxLength={100}
                data-autofocus
                value={name}
                onChange={(event) => setName(event.currentTarget.value)}
              />
              <Button type="submit" disabled={name.trim() === ''}>
                {text('own-keys.add')}
              </Button>
            </Stack>
          </form>
        )}
      </Modal>
      {confirmation}
      {dialog}
    </Section>
  );
}
