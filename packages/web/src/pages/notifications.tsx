import { Switch } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconBell, IconSend } from '@tabler/icons-react';
import type { NotificationEndpoint, NotifierKind } from '@enchilada/contract';
import { useQuery, useQueryClient } from '@tanstack/react-query';
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
import { deliveryWords } from '../faults/delivery-problem.ts';
import { useText } from '../i18n/text.tsx';
import { AddKind, KindFields, SecretField, sentOf, useKindDraft, useRefusal } from './kind-form.tsx';

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
  const [, run] = useAction();
  const [tested, setTested] = useState<string>();
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
    setTested(id);
    const isDone = await run(() => api('testNotificationEndpoint', { params: { id } }));
    setTested(undefined);
    if (isDone)
      notifications.show({ title: text('notifications.tested'), message: text('notifications.tested-body', { name }) });
    await changed();
  };
  const add = mayWrite && (
    <AddKind
      label={text('notifications.add')}
      kinds={kinds.data?.items}
      onAdd={(kind) => setEditing({ endpoint: undefined, kind })}
    />
  );
  return (
    <Page title={text('nav.notifications')} lead={text('notifications.lead')} actions={add}>
      <Listing
        query={endpoints}
        items={endpoints.data?.items ?? []}
        empty={
          <EmptyState icon={<IconBell size={22} />} title={text('notifications.empty')} action={add}>
            {text('notifications.empty-body')}
          </EmptyState>
        }
      >
        {(items) => (
          <Table columns={[text('field.name'), text('field.state'), text('notifications.delivered')]} actions>
            {items.map((endpoint) => (
              <tr key={endpoint.id}>
                <td>
                  <button type="button" className="row-title" onClick={() => edit(endpoint)}>
                    {endpoint.name}
                  </button>
                  <div className="sub">
                    {text.of(kindOf(endpoint)?.label ?? { en: endpoint.kind, de: endpoint.kind })}
                  </div>
                </td>
                <td>
                  <Delivery endpoint={endpoint} />
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
                        loading={tested === endpoint.id}
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

/** Whether news arrive there, and what became of the last. */
function Delivery({ endpoint }: { readonly endpoint: NotificationEndpoint }) {
  const text = useText();
  const { enabled, problem } = endpoint;
  if (!enabled || problem === undefined)
    return (
      <span className="state" data-tone={enabled ? 'ok' : 'quiet'}>
        {text(enabled ? 'providers.on' : 'providers.off')}
      </span>
    );
  return (
    <>
      <span className="state" data-tone="bad">
        {text('notifications.failed')}
      </span>
      <div className="sub request-reason">{deliveryWords(problem, text)}</div>
    </>
  );
}

function EndpointForm({
  endpoint,
  kind,
  ...props
}: Editing & { readonly onClose: () => void; readonly onSaved: () => void }) {
  const text = useText();
  const { title, draft, set } = useKindDraft(kind, endpoint);
  const [enabled, setEnabled] = useState(endpoint?.enabled ?? true);
  const save = useSave(async () => {
    const fields = { ...sentOf(draft), enabled };
    if (endpoint === undefined) await api('createNotificationEndpoint', { body: { ...fields, kind: kind.kind } });
    else
      await api('updateNotificationEndpoint', {
        params: { id: endpoint.id },
        body: { ...fields, version: endpoint.version },
      });
    props.onSaved();
  });
  const { refused, next } = useRefusal(kind, save.fault);
  return (
    <FormDrawer title={title} size={480} save={save} next={next} onClose={props.onClose}>
      <KindFields refused={refused} kind={kind} draft={draft} onChange={set} />
      <SecretField
        label={kind.secret.label}
        help={kind.secret.help}
        required={kind.secret.required}
        stored={endpoint?.hasSecret === true ? endpoint : undefined}
        goesBy={kind.parameters}
        draft={draft}
        onChange={set}
      />
      <Switch
        label={text('notifications.enabled')}
        checked={enabled}
        onChange={(event) => setEnabled(event.currentTarget.checked)}
      />
    </FormDrawer>
  );
}
