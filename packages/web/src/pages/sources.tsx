import { Alert, Button } from '@mantine/core';
import { IconAlertTriangle, IconCloudSearch, IconHistory, IconListCheck, IconRefresh } from '@tabler/icons-react';
import type { RouteOutput } from '@enchilada/contract';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { EmptyState } from '../app/page-states.tsx';
import { removal, useConfirm } from '../components/confirm.tsx';
import { Listing, Moment } from '../components/listing.tsx';
import { useAction } from '../components/use-action.ts';
import { EditAction, RemoveAction, RowAction, Table } from '../components/table.tsx';
import { Page } from '../components/page.tsx';
import { printable } from '../components/printable.ts';
import { useText } from '../i18n/text.tsx';
import { AddKind } from './kind-form.tsx';
import { RulesDrawer } from './source-rules.tsx';
import { SourceForm } from './source-form.tsx';
import { ScopesDrawer } from './source-scopes.tsx';
import { TimelineDrawer } from './source-timeline.tsx';

export type Source = RouteOutput<'listSources'>['items'][number];
export type SourceKind = RouteOutput<'listSourceKinds'>['items'][number];

const REFRESH_MS = 5_000;

type Open =
  | { readonly what: 'form'; readonly source: Source | undefined; readonly kind: SourceKind }
  | { readonly what: 'scopes'; readonly source: Source }
  | { readonly what: 'timeline'; readonly source: Source | undefined }
  | { readonly what: 'rules' };

/** Of those with the same trouble. */
const SHOWN_ACCOUNTS = 3;

export function SourcesPage() {
  const text = useText();
  const client = useQueryClient();
  const mayWrite = can(useMe(), 'catalog.write');
  const [open, setOpen] = useState<Open>();
  const [confirmation, ask] = useConfirm();
  const kinds = useQuery({
    queryKey: ['source-kinds'],
    queryFn: ({ signal }) => api('listSourceKinds', {}, { signal }),
    staleTime: Infinity,
  });
  const sources = useQuery({
    queryKey: ['sources'],
    queryFn: ({ signal }) => api('listSources', {}, { signal, background: true }),
    refetchInterval: REFRESH_MS,
  });
  const changed = (): Promise<void> => client.invalidateQueries({ queryKey: ['sources'] });
  const items = sources.data?.items ?? [];
  const held = items.filter((source) => source.heldScopes > 0);
  const remove = (source: Source): void =>
    ask(
      removal(text, {
        name: source.name,
        body: text('sources.remove-body'),
        run: async () => {
          await api('deleteSource', { params: { id: source.id } });
          await changed();
        },
      }),
    );
  const kindOf = (source: Source): SourceKind | undefined => kinds.data?.items.find(({ kind }) => kind === source.kind);
  const edit = (source: Source): void => {
    const kind = kindOf(source);
    if (kind !== undefined) setOpen({ what: 'form', source, kind });
  };
  const close = (): void => setOpen(undefined);
  const addSource = mayWrite && (
    <AddKind
      label={text('sources.add')}
      kinds={kinds.data?.items}
      onAdd={(kind) => setOpen({ what: 'form', source: undefined, kind })}
    />
  );
  return (
    <Page
      title={text('nav.sources')}
      lead={text('sources.lead')}
      actions={
        <>
          <Button
            variant="default"
            leftSection={<IconHistory size={16} aria-hidden />}
            onClick={() => setOpen({ what: 'timeline', source: undefined })}
          >
            {text('sources.timeline')}
          </Button>
          <Button
            variant="default"
            leftSection={<IconListCheck size={16} aria-hidden />}
            onClick={() => setOpen({ what: 'rules' })}
          >
            {text('rules.title')}
          </Button>
          {addSource}
        </>
      }
    >
      {items.flatMap((source) =>
        byPart(source.troubles).map((troubles) => (
          <Troubles {...{ source, troubles }} key={`${source.id} ${troubles[0].part}`} />
        )),
      )}
      {held.map((source) => (
        <Alert
          key={source.id}
          color="yellow"
          mb="md"
          icon={<IconAlertTriangle size={18} aria-hidden />}
          title={text('sources.held-title', { name: source.name })}
        >
          {text('sources.held-body')}
          <div>
            <Button size="xs" mt="xs" variant="default" onClick={() => setOpen({ what: 'scopes', source })}>
              {text('sources.held-look')}
            </Button>
          </div>
        </Alert>
      ))}
      <Listing
        query={sources}
        items={items}
        empty={
          <EmptyState icon={<IconCloudSearch size={22} />} title={text('sources.empty')} action={addSource}>
            {text('sources.empty-body')}
          </EmptyState>
        }
      >
        {(rows) => (
          <Table
            columns={[
              text('field.name'),
              text('sources.health'),
              { number: text('nav.machines') },
              text('sources.last-event'),
              text('sources.last-sweep'),
            ]}
            actions
          >
            {rows.map((source) => (
              <tr key={source.id}>
                <td>
                  <button type="button" className="row-title" onClick={() => setOpen({ what: 'scopes', source })}>
                    {source.name}
                  </button>
                  <div className="sub">{text.of(kindOf(source)?.label ?? { en: source.kind, de: source.kind })}</div>
                </td>
                <td>
                  <Health source={source} />
                </td>
                <td className="number">{text.count('machines.count', source.machines)}</td>
                <td className="sub">
                  <Moment at={source.lastEventAt} />
                </td>
                <td className="sub">
                  <Moment at={source.lastSweepAt} />
                </td>
                <td className="actions">
                  {mayWrite && (
                    <>
                      <SweepButton source={source} onDone={changed} />
                      <EditAction name={source.name} onClick={() => edit(source)} />
                      <RemoveAction
                        name={source.name}
                        disabled={source.enabled}
                        title={source.enabled ? text('sources.remove-off-first') : undefined}
                        onClick={() => remove(source)}
                      />
                    </>
                  )}
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Listing>
      {open?.what === 'form' && (
        <SourceForm
          source={open.source}
          kind={open.kind}
          readOnly={!mayWrite}
          onClose={close}
          onSaved={() => {
            close();
            void changed();
          }}
        />
      )}
      {open?.what === 'scopes' && (
        <ScopesDrawer source={open.source} readOnly={!mayWrite} onClose={close} onChanged={() => void changed()} />
      )}
      {open?.what === 'timeline' && <TimelineDrawer source={open.source} onClose={close} />}
      {open?.what === 'rules' && <RulesDrawer sources={items} readOnly={!mayWrite} onClose={close} />}
      {confirmation}
    </Page>
  );
}

type Trouble = Source['troubles'][number];
type SameTroubles = readonly [Trouble, ...Trouble[]];

/** An organisation of many accounts has one notice of what is wrong with all of them, not one of each. */
function byPart(troubles: readonly Trouble[]): readonly SameTroubles[] {
  const parts = new Map<string, [Trouble, ...Trouble[]]>();
  for (const trouble of troubles) {
    const same = parts.get(trouble.part);
    if (same === undefined) parts.set(trouble.part, [trouble]);
    else same.push(trouble);
  }
  return [...parts.values()];
}

/** What no account and region shows: it is of the source as a whole, or of its accounts. */
function Troubles(props: { readonly source: Source; readonly troubles: SameTroubles }) {
  const text = useText();
  const { source, troubles } = props;
  const [{ part, account }] = troubles;
  const { name } = source;
  const title =
    part === 'regions' || part === 'trust' || part === 'networks'
      ? text.count(`trouble.${part}`, troubles.length, { name, account })
      : text(`trouble.${part}`, { name });
  const shown = troubles.slice(0, SHOWN_ACCOUNTS);
  return (
    <Alert color="red" mb="md" icon={<IconAlertTriangle size={18} aria-hidden />} title={title}>
      <div>{text(`trouble.${part}-next`)}</div>
      {shown.map(({ account: one, since, detail }) => (
        <div className="trouble" key={one}>
          {printable(detail)}{' '}
          <span className="sub">{text('sources.trouble-since', { time: text.dateTime(since) })}</span>
        </div>
      ))}
      {troubles.length > shown.length && (
        <div className="sub">{text.count('sources.trouble-more', troubles.length - shown.length)}</div>
      )}
    </Alert>
  );
}

/** One word for the whole source, and what stands behind it. */
function Health({ source }: { readonly source: Source }) {
  const text = useText();
  const [tone, label] = ((): readonly [string, string] => {
    if (!source.enabled) return ['quiet', text('sources.off')];
    if (source.troubles.length > 0) return ['bad', text('sources.troubled')];
    if (source.heldScopes > 0) return ['warn', text('sources.held')];
    if (source.staleScopes > 0) return ['bad', text.count('sources.stale', source.staleScopes)];
    if (source.lastSweepAt === undefined) return ['quiet', text('sources.starting')];
    if (source.lateScopes > 0) return ['warn', text.count('sources.late', source.lateScopes)];
    return ['ok', text('sources.well')];
  })();
  return (
    <>
      <span className="state" data-tone={tone}>
        {label}
      </span>
      <div className="sub">
        {text.count('sources.scopes', source.scopes)}
        {source.retiredScopes > 0 && `, ${text.count('sources.retired-count', source.retiredScopes)}`}
      </div>
    </>
  );
}

function SweepButton({ source, onDone }: { readonly source: Source; readonly onDone: () => Promise<void> }) {
  const text = useText();
  const [busy, run] = useAction();
  return (
    <RowAction
      icon={IconRefresh}
      label={`${text('sources.sweep')} ${source.name}`}
      title={text('sources.sweep')}
      loading={busy}
      disabled={!source.enabled}
      onClick={() =>
        void run(async () => {
          await api('sweepSource', { params: { id: source.id } });
          await onDone();
        })
      }
    />
  );
}
