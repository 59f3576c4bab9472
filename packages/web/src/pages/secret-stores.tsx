import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import type { RouteOutput } from '@enchilada/contract';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { removal, useConfirm } from '../components/confirm.tsx';
import { CopyField } from '../components/copy-field.tsx';
import { FormDrawer, useSave } from '../components/form.tsx';
import { Loading } from '../components/listing.tsx';
import { Section } from '../components/page.tsx';
import { EditAction, RemoveAction, Table } from '../components/table.tsx';
import { useText } from '../i18n/text.tsx';
import { KindFields, SecretField, sentOf, useKindDraft, useRefusal } from './kind-form.tsx';

type Kind = RouteOutput<'listSecretStoreKinds'>['items'][number];
type Store = RouteOutput<'listSecretStores'>['items'][number];

/** The stores outside that credentials refer to. */
export function SecretStores() {
  const text = useText();
  const client = useQueryClient();
  const mayWrite = can(useMe(), 'credential.write');
  const [open, setOpen] = useState<{ readonly store: Store | undefined; readonly kind: Kind }>();
  const [confirmation, ask] = useConfirm();
  const kinds = useQuery({
    queryKey: ['secret-store-kinds'],
    queryFn: ({ signal }) => api('listSecretStoreKinds', {}, { signal }),
    staleTime: Infinity,
  });
  const stores = useQuery({
    queryKey: ['secret-stores'],
    queryFn: ({ signal }) => api('listSecretStores', {}, { signal }),
  });
  const changed = (): Promise<void> => client.invalidateQueries({ queryKey: ['secret-stores'] });
  const kindOf = ({ kind }: Store): Kind | undefined => kinds.data?.items.find((one) => one.kind === kind);
  const edit = (store: Store): void => {
    const kind = kindOf(store);
    if (kind !== undefined) setOpen({ store, kind });
  };
  const remove = ({ id, name }: Store): void =>
    ask(
      removal(text, {
        name,
        body: text('secret-stores.remove-body'),
        run: async () => {
          await api('deleteSecretStore', { params: { id } });
          await changed();
        },
      }),
    );
  const items = stores.data?.items ?? [];
  return (
    <Section title={text('secret-stores.title')} lead={text('secret-stores.lead')}>
      <Stack>
        <Loading query={stores} />
        {stores.data !== undefined && items.length === 0 && <Text size="sm">{text('secret-stores.none')}</Text>}
        {items.length > 0 && (
          <Table columns={[text('field.name'), { number: text('secret-stores.uses') }]} actions>
            {items.map((store) => (
              <tr key={store.id}>
                <td>
                  <button type="button" className="row-title" onClick={() => edit(store)}>
                    {store.name}
                  </button>
                  <div className="sub">{text.of(kindOf(store)?.label ?? { en: store.kind, de: store.kind })}</div>
                </td>
                <td className="number" data-label={text('secret-stores.uses')}>
                  {text.number(store.credentials)}
                </td>
                <td className="actions">
                  {mayWrite && (
                    <>
                      <EditAction name={store.name} onClick={() => edit(store)} />
                      <RemoveAction name={store.name} onClick={() => remove(store)} />
                    </>
                  )}
                </td>
              </tr>
            ))}
          </Table>
        )}
        {mayWrite && (
          <Group gap="sm">
            {(kinds.data?.items ?? []).map((kind) => (
              <Button
                key={kind.kind}
                variant="default"
                leftSection={<IconPlus size={16} aria-hidden />}
                aria-label={text('secret-stores.add', { kind: text.of(kind.label) })}
                onClick={() => setOpen({ store: undefined, kind })}
              >
                {text.of(kind.label)}
              </Button>
            ))}
          </Group>
        )}
      </Stack>
      {open !== undefined && (
        <SecretStoreForm
          key={open.store?.id ?? 'new'}
          store={open.store}
          kind={open.kind}
          readOnly={!mayWrite}
          onClose={() => setOpen(undefined)}
          onSaved={() => {
            setOpen(undefined);
            void changed();
          }}
        />
      )}
      {confirmation}
    </Section>
  );
}

function SecretStoreForm(props: {
  readonly store: Store | undefined;
  readonly kind: Kind;
  readonly readOnly: boolean;
  readonly onClose: () => void;
  readonly onSaved: () => void;
}) {
  const text = useText();
  const { store, kind } = props;
  const { title, draft, set } = useKindDraft(kind, store);
  const save = useSave(async () => {
    const fields = sentOf(draft);
    if (store === undefined) await api('createSecretStore', { body: { ...fields, kind: kind.kind } });
    else await api('updateSecretStore', { params: { id: store.id }, body: { ...fields, version: store.version } });
    props.onSaved();
  });
  const { refused, next } = useRefusal(kind, save.fault);
  return (
    <FormDrawer title={title} size={560} save={save} next={next} readOnly={props.readOnly} onClose={props.onClose}>
      <KindFields refused={refused} kind={kind} draft={draft} readOnly={props.readOnly} onChange={set} />
      {kind.usesExternalId === true &&
        (store?.externalId === undefined ? (
          <Alert color="gray">{text('secret-stores.external-id-later')}</Alert>
        ) : (
          <CopyField
            label={text('secret-stores.external-id')}
            description={text('secret-stores.external-id-help')}
            value={store.externalId}
          />
        ))}
      {kind.secret !== undefined && (
        <SecretField
          label={kind.secret}
          stored={store?.hasSecret === true ? store : undefined}
          goesBy={kind.parameters}
          draft={draft}
          onChange={set}
        />
      )}
    </FormDrawer>
  );
}
