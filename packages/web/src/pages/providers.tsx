import { IconLogin2 } from '@tabler/icons-react';
import type { RouteOutput } from '@enchilada/contract';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { EmptyState } from '../app/page-states.tsx';
import { removal, useConfirm } from '../components/confirm.tsx';
import { Listing } from '../components/listing.tsx';
import { Page } from '../components/page.tsx';
import { EditAction, RemoveAction, Table } from '../components/table.tsx';
import { useText } from '../i18n/text.tsx';
import { AddKind } from './kind-form.tsx';
import { ProviderForm } from './provider-form.tsx';

export type Provider = RouteOutput<'listProviders'>['items'][number];
export type ProviderKind = RouteOutput<'listProviderKinds'>['items'][number];

/** How it goes with asking the provider again about those who are signed in. */
function RefreshState({ provider: { refresh } }: { readonly provider: Provider }) {
  const text = useText();
  if (refresh === undefined) return null;
  const { logins, failing, unansweredSince, reason } = refresh;
  if (failing === 0) return <div className="sub">{text.count('providers.refreshes', logins)}</div>;
  const since = unansweredSince === undefined ? '' : text.dateTime(unansweredSince);
  return (
    <div className="sub" role="status">
      <span className="state" data-tone="warn">
        {text.count('providers.unanswered', logins, { failing: text.number(failing), since })}
      </span>
      {reason !== undefined && <div lang="en">{reason}</div>}
    </div>
  );
}

export function ProvidersPage() {
  const text = useText();
  const client = useQueryClient();
  const mayWrite = can(useMe(), 'access.write');
  const [open, setOpen] = useState<{ readonly provider: Provider | undefined; readonly kind: ProviderKind }>();
  const [confirmation, ask] = useConfirm();
  const kinds = useQuery({
    queryKey: ['provider-kinds'],
    queryFn: ({ signal }) => api('listProviderKinds', {}, { signal }),
    staleTime: Infinity,
  });
  const providers = useQuery({
    queryKey: ['providers'],
    queryFn: ({ signal }) => api('listProviders', {}, { signal }),
  });
  const changed = (): Promise<void> => client.invalidateQueries({ queryKey: ['providers'] });
  const kindOf = (provider: Provider): ProviderKind | undefined =>
    kinds.data?.items.find(({ kind }) => kind === provider.kind);
  const edit = (provider: Provider): void => {
    const kind = kindOf(provider);
    if (kind !== undefined) setOpen({ provider, kind });
  };
  const remove = (provider: Provider): void =>
    ask(
      removal(text, {
        name: provider.name,
        body: text('providers.remove-body'),
        run: async () => {
          await api('deleteProvider', { params: { id: provider.id } });
          await changed();
        },
      }),
    );
  const add = mayWrite && (
    <AddKind
      label={text('providers.add')}
      kinds={kinds.data?.items}
      onAdd={(kind) => setOpen({ provider: undefined, kind })}
    />
  );
  return (
    <Page title={text('nav.providers')} lead={text('providers.lead')} actions={add}>
      <Listing
        query={providers}
        items={providers.data?.items ?? []}
        empty={
          <EmptyState icon={<IconLogin2 size={22} />} title={text('providers.empty')} action={add}>
            {text('providers.empty-body')}
          </EmptyState>
        }
      >
        {(items) => (
          <Table
            columns={[
              text('field.name'),
              text('field.state'),
              { number: text('providers.people') },
              text('providers.admits'),
            ]}
            actions
          >
            {items.map((provider) => (
              <tr key={provider.id}>
                <td>
                  <button type="button" className="row-title" onClick={() => edit(provider)}>
                    {provider.name}
                  </button>
                  <div className="sub">
                    {text.of(kindOf(provider)?.label ?? { en: provider.kind, de: provider.kind })}
                  </div>
                </td>
                <td>
                  <span className="state" data-tone={provider.enabled ? 'ok' : 'quiet'}>
                    {text(provider.enabled ? 'providers.on' : 'providers.off')}
                  </span>
                  <RefreshState provider={provider} />
                </td>
                <td className="number" data-label={text('providers.people')}>
                  {text.number(provider.people)}
                </td>
                <td className="sub">{text(`providers.admits-${provider.admits}`)}</td>
                <td className="actions">
                  {mayWrite && (
                    <>
                      <EditAction name={provider.name} onClick={() => edit(provider)} />
                      <RemoveAction name={provider.name} onClick={() => remove(provider)} />
                    </>
                  )}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Listing>
      {open !== undefined && (
        <ProviderForm
          key={open.provider?.id ?? 'new'}
          provider={open.provider}
          kind={open.kind}
          readOnly={!mayWrite}
          onClose={() => setOpen(undefined)}
          onSaved={(saved) => {
            void changed();
            // A new one stays open: now it has addresses to enter at the provider.
            setOpen(
              open.provider === undefined && saved.returnTo !== undefined
                ? { provider: saved, kind: open.kind }
                : undefined,
            );
          }}
        />
      )}
      {confirmation}
    </Page>
  );
}
