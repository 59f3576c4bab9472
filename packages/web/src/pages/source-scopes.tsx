import { Alert, Button, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { RouteOutput } from '@enchilada/contract';
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { api } from '../api/client.ts';
import { Drawer } from '../components/layer.tsx';
import { Listing, Moment } from '../components/listing.tsx';
import { printable } from '../components/printable.ts';
import { MoreButton, pagesOf } from '../components/pages-of.tsx';
import { useAction } from '../components/use-action.ts';
import { Table } from '../components/table.tsx';
import { useText } from '../i18n/text.tsx';
import type { Source } from './source.ts';

type SourceScope = RouteOutput<'listSourceScopes'>['items'][number];

const REFRESH_MS = 5_000;
const MINUTE_MS = 60_000;

/** Accounts and regions of a source, those with trouble first. */
export function ScopesDrawer(props: {
  readonly source: Source;
  readonly readOnly: boolean;
  readonly onClose: () => void;
  readonly onChanged: () => void;
}) {
  const text = useText();
  const client = useQueryClient();
  const { source } = props;
  const scopes = useQuery({
    queryKey: ['source-scopes', source.id],
    queryFn: ({ signal }) => api('listSourceScopes', { params: { id: source.id } }, { signal, background: true }),
    refetchInterval: REFRESH_MS,
  });
  const weight = (scope: SourceScope): number =>
    scope.heldSince !== undefined
      ? 0
      : scope.staleSince !== undefined
        ? 1
        : scope.late.length > 0
          ? 2
          : scope.retiredAt === undefined
            ? 3
            : 4;
  const items = [...(scopes.data?.items ?? [])].sort((a, b) => weight(a) - weight(b));
  return (
    <Drawer opened onClose={props.onClose} size={980} title={source.name}>
      <Stack>
        {items
          .filter(({ heldSince }) => heldSince !== undefined)
          .map((scope) => (
            <HeldRemovals
              key={`${scope.account} ${scope.region}`}
              scope={scope}
              source={source}
              readOnly={props.readOnly}
              onChanged={() => {
                void client.invalidateQueries({ queryKey: ['source-scopes', source.id] });
                props.onChanged();
              }}
            />
          ))}
        <Listing query={scopes} items={items} empty={<Text p="md">{text('sources.no-scopes')}</Text>}>
          {(rows) => (
            <Table
              columns={[
                text('sources.account'),
                text('sources.health'),
                { number: text('nav.machines') },
                text('sources.last-event'),
                text('sources.last-sweep'),
              ]}
            >
              {rows.map((scope) => (
                <tr key={`${scope.account} ${scope.region}`}>
                  <td>
                    <strong>{printable(scope.accountName)}</strong>
                    <div className="sub mono">
                      {scope.account} {scope.region}
                    </div>
                  </td>
                  <td>
                    <ScopeHealth scope={scope} />
                  </td>
                  <td className="number">{text.count('machines.count', scope.machines)}</td>
                  <td className="sub">
                    <Moment at={scope.lastEventAt} />
                  </td>
                  <td className="sub">
                    <Moment at={scope.lastSweepAt} />
                  </td>
                </tr>
              ))}
            </Table>
          )}
        </Listing>
      </Stack>
    </Drawer>
  );
}

function ScopeHealth({ scope }: { readonly scope: SourceScope }) {
  const text = useText();
  if (scope.retiredAt !== undefined)
    return (
      <>
        <span className="state" data-tone="quiet">
          {text('sources.retired')} <Moment at={scope.retiredAt} />
        </span>
        {scope.machines > 0 && (
          <div className="sub">{text(scope.heldSince === undefined ? 'sources.retired-help' : 'sources.held')}</div>
        )}
      </>
    );
  if (scope.staleSince !== undefined)
    return (
      <>
        <span className="state" data-tone="bad">
          {text('sources.stale-since')} <Moment at={scope.staleSince} />
        </span>
        {scope.problem !== undefined && <div className="sub">{printable(scope.problem.detail)}</div>}
      </>
    );
  if (scope.heldSince !== undefined)
    return (
      <span className="state" data-tone="warn">
        {text('sources.held')}
      </span>
    );
  if (scope.lastSweepAt === undefined)
    return (
      <span className="state" data-tone="quiet">
        {text('sources.starting')}
      </span>
    );
  if (scope.late.length > 0)
    return (
      <>
        {scope.late.map((what) => (
          <div key={what}>
            <span className="state" data-tone="warn">
              {what === 'events'
                ? text.count('sources.late-events', Math.round((scope.eventLagMs ?? 0) / MINUTE_MS))
                : text(`sources.late-${what}`)}
            </span>
            <div className="sub">{text(`sources.late-${what}-next`)}</div>
          </div>
        ))}
      </>
    );
  return (
    <span className="state" data-tone="ok">
      {text('sources.well')}
      {scope.missing > 0 && <span className="sub"> {text.count('sources.missing', scope.missing)}</span>}
    </span>
  );
}

/** Who would go, by name. */
function HeldMachines({ source, scope }: { readonly source: Source; readonly scope: SourceScope }) {
  const text = useText();
  const { account, region } = scope;
  const machines = useInfiniteQuery({
    queryKey: ['held-removals', source.id, account, region, scope.held.length],
    ...pagesOf((page, signal) =>
      api('listHeldRemovals', { params: { id: source.id }, query: { account, region, ...page } }, { signal }),
    ),
  });
  const items = machines.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <div className="panel table-wrap preview-list held-machines">
        <Table columns={[text('field.machine'), text('origin.native')]}>
          {items.map(({ machine, name, host }) => (
            <tr key={machine}>
              <td>
                <strong>{printable(name)}</strong>
                {host !== undefined && <div className="sub mono">{host}</div>}
              </td>
              <td className="sub mono">{printable(machine)}</td>
            </tr>
          ))}
        </Table>
      </div>
      <MoreButton query={machines} />
    </>
  );
}

function HeldRemovals(props: {
  readonly source: Source;
  readonly scope: SourceScope;
  readonly readOnly: boolean;
  readonly onChanged: () => void;
}) {
  const text = useText();
  const [busy, run] = useAction();
  const { scope } = props;
  return (
    <Alert
      color="yellow"
      icon={<IconAlertTriangle size={18} aria-hidden />}
      title={text('sources.held-scope', { name: scope.accountName, region: scope.region })}
    >
      <Stack gap="xs" align="flex-start">
        <span>{text('sources.held-scope-body', { held: scope.held.length, machines: scope.machines })}</span>
        <HeldMachines source={props.source} scope={scope} />
        {!props.readOnly && (
          <Button
            color="red"
            size="xs"
            loading={busy}
            onClick={() =>
              void run(async () => {
                const { account, region, held } = scope;
                await api('acceptRemovals', {
                  params: { id: props.source.id },
                  body: { account, region, machines: held },
                });
                props.onChanged();
              })
            }
          >
            {text.count('sources.accept', scope.held.length)}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}
