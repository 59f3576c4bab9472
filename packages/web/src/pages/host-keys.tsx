import { Button, Group, Stack, Text, Textarea } from '@mantine/core';
import type { HostKey, Target } from '@enchilada/contract';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { Drawer } from '../components/layer.tsx';
import { Listing, Moment } from '../components/listing.tsx';
import { useAction } from '../components/use-action.ts';
import { Table } from '../components/table.tsx';
import { useText } from '../i18n/text.tsx';

export function HostKeysDrawer(props: {
  readonly target: Target | undefined;
  readonly mayWrite: boolean;
  readonly onClose: () => void;
}) {
  const text = useText();
  const id = props.target?.id ?? '';
  const [publicKey, setPublicKey] = useState('');
  const [busy, run] = useAction();
  const keys = useQuery({
    queryKey: ['host-keys', id],
    queryFn: ({ signal }) => api('listHostKeys', { params: { id } }, { signal }),
    enabled: id !== '',
  });
  const pinner = ({ pinnedBy, pinnedByName }: HostKey): string => {
    if (pinnedBy === 'trust-first' || pinnedBy === 'asked') return text(`host-key-pinner.${pinnedBy}`);
    return pinnedByName ?? text('host-key-pinner.gone');
  };
  const pin = (): Promise<boolean> =>
    run(async () => {
      await api('pinHostKey', { params: { id }, body: { publicKey } });
      setPublicKey('');
      await keys.refetch();
    });
  const remove = (fingerprint: string): Promise<boolean> =>
    run(async () => {
      await api('removeHostKey', { params: { id, fingerprint } });
      await keys.refetch();
    });
  return (
    <Drawer
      opened={props.target !== undefined}
      onClose={props.onClose}
      size={560}
      title={`${text('host-keys.title')} · ${props.target?.name ?? ''}`}
    >
      <Stack>
        <Text size="sm" c="dimmed">
          {text('host-keys.lead')}
        </Text>
        <Listing
          query={keys}
          items={keys.data?.items ?? []}
          empty={<p className="palette-none">{text('host-keys.none')}</p>}
        >
          {(items) => (
            <Table columns={[text('host-key.fingerprint')]} actions short>
              {items.map((key) => (
                <tr key={key.fingerprint}>
                  <td className="mono">
                    {key.fingerprint}
                    <div className="sub">
                      {key.keyType} · {text(`host-key-state.${key.state}`)} · <Moment at={key.pinnedAt} /> ·{' '}
                      {pinner(key)}
                    </div>
                  </td>
                  <td className="actions">
                    {props.mayWrite && (
                      <Button size="xs" variant="default" loading={busy} onClick={() => void remove(key.fingerprint)}>
                        {text('host-keys.forget')}
                      </Button>
                    )}
                  </td>
                </tr>
              ))}
            </Table>
          )}
        </Listing>
        {props.mayWrite && (
          <>
            <Textarea
              classNames={{ input: 'mono' }}
              label={text('host-keys.add')}
              description={text('host-keys.add-help')}
              autosize
              minRows={2}
              value={publicKey}
              onChange={(event) => setPublicKey(event.currentTarget.value)}
              spellCheck={false}
            />
            <Group justify="flex-end">
              <Button loading={busy} disabled={publicKey.trim() === ''} onClick={() => void pin()}>
                {text('host-keys.pin')}
              </Button>
            </Group>
          </>
        )}
      </Stack>
    </Drawer>
  );
}
