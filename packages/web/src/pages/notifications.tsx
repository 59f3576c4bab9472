import { Button, Menu, PasswordInput, Switch, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconBell, IconPlus, IconSend } from '@tabler/icons-react';
import type { NotificationEndpoint, NotifierKind } from '@enchilada/contract';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { changedFields } from '@enchilada/core/engine';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { EmptyState } from '../app/page-states.tsx';
import { removal, useConfirm } from '../components/confirm.tsx';
import { FormDrawer, useSave } from '../components/form.tsx';
import { Listing, Moment } from '../components/listing.tsx';
import { Page } from '../components/page.tsx';
import { EditAction, RemoveAction, RowAction, Table } from '../components/table.tsx';
import { useAction } from '../components/use-action.ts';
import { useText } from '../i18n/text.tsx';
import { ParameterInput } from './parameter-field.tsx';
import { filled, type ParameterValue } from './target-values.ts';

interface Editing {
  readonly endpoint: NotificationEndpoint | undefined;
  readonly kind: NotifierKind;
}

export function NotificationsPage() {
  const text = useText();
  const client = useQueryClient();
  const mayWrite = can(useMe(), 'settings.write');
  const [editing, setEditing] = useState<Editing>();
  const [confirmation, ask] = useConfirm();
  const [busy, run] = useAction();
  const kinds = useQuery({
    queryKey: ['notifier-kinds'],
    queryFn: ({ signal }) => api('listNotifierKinds', {}, { signal }),
    staleTime: Infinity,
  });
  const endpoints = useQuery({
    queryKey: ['notification-endpoints'],
    queryFn: ({ signal }) => api('listNotificationEndpoints', {}, { signal }),
  });
  const changed = (): Promise<void> => client.invalidateQueries({ queryKey: ['notification-endpoints'] });
  const kindOf = ({ kind }: NotificationEndpoint) => kinds.data?.items.find((one) => one.kind === kind);
  const edit = (endpoint: NotificationEndpoint): void => {
    const kind = kindOf(endpoint);
    if (kind !== undefined) setEditing({ endpoint, kind });
  };
  const tryOut = async ({ id, name }: NotificationEndpoint): Promise<void> => {
    const isDone = await run(() => api('testNotificationEndpoint', { params: { id } }));
    if (isDone)
      notifications.show({ title: text('notifications.tested'), message: text('notifications.tested-body', { name }) });
    await changed();
  };
  const add = mayWrite && (
    <Menu>
      <Menu.Target>
        <Button leftSection={<IconPlus size={16} aria-hidden />}>{text('notifications.add')}</Button>
      </Menu.Target>
      <Menu.Dropdown>
        {(kinds.data?.items ?? []).map((kind) => (
          <Menu.Item key={kind.kind} onClick={() => setEditing({ endpoint: undefined, kind })}>
            {text.of(kind.label)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
  return (
    <Page title={text('nav.notifications')} lead={text('notifications.lead')} actions={add}>
      <Listing
        query={endpoints}
        items={endpoints.data?.items ?? []}
        empty={
          <EmptyState icon={<IconBell size={22} />} title={text('notifications.empty')}>
            {text('notifications.empty-body')}
          </EmptyState>
        }
      >
        {(items) => (
          <Table columns={[text('field.name'), text('field.state'), text('notifications.delivered')]} actions>
            {items.map((endpoint) => (
              <tr key={endpoint.id}>
                <td>
                  <strong>{endpoint.name}</strong>
                  <div className="sub">
                    {text.of(kindOf(endpoint)?.label ?? { en: endpoint.kind, de: endpoint.kind })}
                  </div>
                </td>
                <td>
                  <span
                    className="state"
                    data-tone={endpoint.problem !== undefined ? 'bad' : endpoint.enabled ? 'ok' : 'quiet'}
                  >
                    {text(endpoint.enabled ? 'providers.on' : 'providers.off')}
                  </span>
                  {endpoint.problem !== undefined && <div className="sub request-reason">{endpoint.problem}</div>}
                </td>
                <td className="sub">
                  <Moment at={endpoint.deliveredAt} />
                </td>
                <td className="actions">
                  {mayWrite && (
                    <>
                      <RowAction
                        icon={IconSend}
                        label={text('notifications.test', { name: endpoint.name })}
                        loading={busy}
                        onClick={() => void tryOut(endpoint)}
                      />
                      <EditAction name={endpoint.name} onClick={() => edit(endpoint)} />
                      <RemoveAction
                        name={endpoint.name}
                        onClick={() =>
                          ask(
                            removal(text, {
                              name: endpoint.name,
                              body: text('notifications.remove-body'),
                              run: async () => {
                                await api('deleteNotificationEndpoint', { params: { id: endpoint.id } });
                                await changed();
                              },
                            }),
                          )
                        }
                      />
                    </>
                  )}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Listing>
      {editing !== undefined && (
        <EndpointForm
          {...editing}
          onClose={() => setEditing(undefined)}
          onSaved={() => {
            setEditing(undefined);
            void changed();
          }}
        />
      )}
      {confirmation}
    </Page>
  );
}

function EndpointForm({
  endpoint,
  kind,
  ...props
}: Editing & { readonly onClose: () => void; readonly onSaved: () => void }) {
  const text = useText();
  const [name, setName] = useState(endpoint?.name ?? text.of(kind.label));
  const [parameters, setParameters] = useState<Readonly<Record<string, ParameterValue>>>(endpoint?.parameters ?? {});
  const [secret, setSecret] = useState('');
  const [enabled, setEnabled] = useState(endpoint?.enabled ?? true);
  const secretMoves =
    endpoint?.hasSecret === true && changedFields(kind.parameters, endpoint.parameters, filled(parameters)).length > 0;
  const save = useSave(async () => {
    const fields = { name: name.trim(), parameters: filled(parameters), enabled, ...(secret === '' ? {} : { secret }) };
    if (endpoint === undefined) await api('createNotificationEndpoint', { body: { ...fields, kind: kind.kind } });
    else
      await api('updateNotificationEndpoint', {
        params: { id: endpoint.id },
        body: { ...fields, version: endpoint.version },
      });
    props.onSaved();
  });
  return (
    <FormDrawer title={endpoint?.name ?? text.of(kind.label)} size={480} save={save} onClose={props.onClose}>
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
          disabled={false}
          onChange={(value) => setParameters({ ...parameters, [field.name]: value })}
        />
      ))}
      <PasswordInput
        label={text.of(kind.secret.label)}
        description={
          endpoint?.hasSecret === true
            ? text(secretMoves ? 'providers.secret-anew' : 'providers.secret-kept')
            : text.of(kind.secret.help)
        }
        required={secretMoves || (kind.secret.required && endpoint?.hasSecret !== true)}
        value={secret}
        maxLength={4000}
        onChange={(event) => setSecret(event.currentTarget.value)}
        autoComplete="new-password"
        visibilityToggleButtonProps={{ 'aria-label': text('field.show-password') }}
      />
      <Switch
        label={text('notifications.enabled')}
        checked={enabled}
        onChange={(event) => setEnabled(event.currentTarget.checked)}
      />
    </FormDrawer>
  );
}
