import { Alert, Button, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import type { RouteOutput } from '@enchilada/contract';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { changedFields } from '@enchilada/core/engine';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { removal, useConfirm } from '../components/confirm.tsx';
import { FormDrawer, useSave } from '../components/form.tsx';
import { Section } from '../components/page.tsx';
import { EditAction, RemoveAction, Table } from '../components/table.tsx';
import { useText } from '../i18n/text.tsx';
import { ParameterInput } from './parameter-field.tsx';
import { filled, type ParameterValue } from './target-values.ts';

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
                <td className="number">{text.number(store.credentials)}</td>
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
  const [name, setName] = useState(store?.name ?? text.of(kind.label));
  const [parameters, setParameters] = useState<Readonly<Record<string, ParameterValue>>>(store?.parameters ?? {});
  const [secret, setSecret] = useState('');
  const secretMoves =
    store?.hasSecret === true && changedFields(kind.parameters, store.parameters, filled(parameters)).length > 0;
  const save = useSave(async () => {
    const fields = {
      ...{ name: name.trim(), parameters: filled(parameters) },
      ...(secret === '' ? {} : { secret }),
    };
    if (store === undefined) await api('createSecretStore', { body: { ...fields, kind: kind.kind } });
    else await api('updateSecretStore', { params: { id: store.id }, body: { ...fields, version: store.version } });
    props.onSaved();
  });
  return (
    <FormDrawer
      title={store?.name ?? text.of(kind.label)}
      size={560}
      save={save}
      readOnly={props.readOnly}
      onClose={props.onClose}
    >
      <TextInput
        label={text('field.name')}
        required
        maxLength={100}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        data-autofocus
      />
      {kind.parameters.map((field) => (
        <ParameterInput
          key={field.name}
          field={field}
          value={parameters[field.name]}
          disabled={props.readOnly}
          onChange={(value) => setParameters({ ...parameters, [field.name]: value })}
        />
      ))}
      {kind.usesExternalId === true &&
        (store?.externalId === undefined ? (
          <Alert color="gray">{text('secret-stores.external-id-later')}</Alert>
        ) : (
          <TextInput
            label={text('secret-stores.external-id')}
            description={text('secret-stores.external-id-help')}
            readOnly
            classNames={{ input: 'mono' }}
            value={store.externalId}
          />
        ))}
      {kind.secret !== undefined && (
        <PasswordInput
          label={text.of(kind.secret)}
          description={
            store?.hasSecret === true
              ? text(secretMoves ? 'providers.secret-anew' : 'providers.secret-kept')
              : undefined
          }
          required={secretMoves}
          value={secret}
          maxLength={4000}
          onChange={(event) => setSecret(event.currentTarget.value)}
          autoComplete="new-password"
          visibilityToggleButtonProps={{ 'aria-label': text('field.show-password') }}
        />
      )}
    </FormDrawer>
  );
}
