import { Button, Group, SegmentedControl, Text } from '@mantine/core';
import { IconExternalLink, IconHourglass } from '@tabler/icons-react';
import type { AccessRequest } from '@enchilada/contract';
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { api } from '../api/client.ts';
import { useMe } from '../api/me.ts';
import { usePlainSearch } from '../app/plain-search.ts';
import { EmptyState } from '../app/page-states.tsx';
import { useConfirm } from '../components/confirm.tsx';
import { Drawer } from '../components/layer.tsx';
import { Listing, Moment } from '../components/listing.tsx';
import { Page } from '../components/page.tsx';
import { MoreButton, pagesOf } from '../components/pages-of.tsx';
import { sessionPath } from '../components/platform.ts';
import { printable } from '../components/printable.ts';
import { Table } from '../components/table.tsx';
import { FaultNotice } from '../faults/fault-notice.tsx';
import { useText } from '../i18n/text.tsx';
import { RequestDrawer, RequestStatus } from './request-drawer.tsx';

const REFRESH_MS = 5_000;
const VIEWS = ['mine', 'decide', 'history'] as const;
type View = (typeof VIEWS)[number];

export function RequestsPage() {
  const text = useText();
  const me = useMe();
  const client = useQueryClient();
  const navigate = useNavigate();
  const search = usePlainSearch();
  const [confirmation, confirm] = useConfirm();
  const counts = useQuery({
    queryKey: ['requests', 'counts'],
    queryFn: ({ signal }) => api('countRequests', {}, { signal, background: true }),
    refetchInterval: REFRESH_MS,
  });
  const waiting = counts.data?.decide ?? 0;
  const view: View = VIEWS.find((known) => known === search['view']) ?? 'mine';
  const listed = useInfiniteQuery({
    queryKey: ['requests', 'list', view],
    ...pagesOf((page, signal) => api('listRequests', { query: { view, ...page } }, { signal, background: true })),
    refetchInterval: ({ state }) => ((state.data?.pages.length ?? 0) <= 1 ? REFRESH_MS : false),
  });
  const shown = search['show'];
  const opened = useQuery({
    queryKey: ['requests', 'one', shown],
    queryFn: ({ signal }) => api('getRequest', { params: { id: shown ?? '' } }, { signal, background: true }),
    enabled: shown !== undefined,
    refetchInterval: REFRESH_MS,
  });
  const changed = (): Promise<unknown> =>
    Promise.all(['machines', 'requests'].map((key) => client.invalidateQueries({ queryKey: [key] })));
  const go = (next: { readonly view?: View; readonly show?: string }): void =>
    void navigate({
      to: '/requests',
      search: { view: next.view ?? view, ...(next.show === undefined ? {} : { show: next.show }) },
    });

  return (
    <Page title={text('nav.requests')} lead={text('requests.lead')}>
      <Group justify="space-between" mb="sm">
        <SegmentedControl
          size="sm"
          aria-label={text('requests.view')}
          value={view}
          data={VIEWS.map((value) => ({ value, label: text(`requests.view-${value}`) }))}
          onChange={(value) => go({ view: value })}
        />
        <Text size="sm" role="status" aria-live="polite" className="requests-waiting">
          {waiting === 0 ? '' : text.count('requests.waiting', waiting)}
        </Text>
      </Group>
      <Listing
        query={listed}
        items={listed.data?.pages.flatMap(({ items }) => items) ?? []}
        empty={
          <EmptyState icon={<IconHourglass size={22} />} title={text(`requests.empty-${view}`)}>
            {text(`requests.empty-${view}-body`)}
          </EmptyState>
        }
      >
        {(items) => (
          <Table
            columns={[
              text('field.machine'),
              text(view === 'mine' ? 'requests.asked' : 'field.person'),
              text('requests.when'),
              text('requests.why'),
              text('field.state'),
            ]}
            actions
          >
            {items.map((request) => (
              <tr key={request.id}>
                <td>
                  <div className="request-name">
                    <button type="button" className="row-title" onClick={() => go({ show: request.id })}>
                      {printable(request.scopeName)}
                    </button>
                    {request.breakGlass && <span className="chip request-loud">{text('requests.break-glass')}</span>}
                  </div>
                  <div className="sub">
                    {request.actions.map((action) => text(`grant-action.${action}`)).join(', ')}
                  </div>
                </td>
                <td>
                  {view !== 'mine' && request.username}
                  <div className="sub">
                    <Moment at={request.createdAt} />
                  </div>
                </td>
                <td className="sub">{text.span(request.from, request.until)}</td>
                <td className="request-reason">{printable(request.reason)}</td>
                <td>
                  <RequestStatus request={request} />
                </td>
                <td className="actions">
                  <NextStep
                    request={request}
                    isMine={request.userId === me.user.id}
                    onDecide={() => go({ show: request.id })}
                  />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Listing>
      <MoreButton query={listed} />
      {shown !== undefined && opened.isError && (
        <Drawer opened onClose={() => go({})} size={480} title={text('nav.requests')}>
          <FaultNotice error={opened.error} />
        </Drawer>
      )}
      {shown !== undefined && opened.data !== undefined && (
        <RequestDrawer
          key={opened.data.id}
          request={opened.data}
          onClose={() => go({})}
          onDone={() => void changed().then(() => go({}))}
          onCancel={(request) =>
            confirm({
              title: text('requests.cancel-title', { name: request.scopeName }),
              body: text('requests.cancel-body'),
              action: text('requests.cancel'),
              run: async () => {
                await api('cancelRequest', { params: { id: request.id } });
                await changed();
                go({});
              },
            })
          }
        />
      )}
      {confirmation}
    </Page>
  );
}

/** What is to be done with it now: to decide on it, or to go where it leads. */
function NextStep(props: { readonly request: AccessRequest; readonly isMine: boolean; readonly onDecide: () => void }) {
  const text = useText();
  const { request } = props;
  const subject = text('requests.title', { person: request.username, machine: printable(request.scopeName) });
  if (request.mayDecide && request.status === 'pending')
    return (
      <Button
        size="compact-sm"
        variant="default"
        aria-label={`${text('requests.decide')}: ${subject}`}
        onClick={props.onDecide}
      >
        {text('requests.decide')}
      </Button>
    );
  const now = Date.now();
  const { scope, from, until, uses, sessions } = request;
  const isOpen = request.status === 'approved' && from <= now && now < until && uses < sessions;
  if (!props.isMine || !isOpen || scope.kind !== 'target') return null;
  return (
    <Button
      component="a"
      href={sessionPath(scope.id)}
      target="_blank"
      rel="noopener"
      size="compact-sm"
      leftSection={<IconExternalLink size={14} aria-hidden />}
      aria-label={text('machines.open-name', { name: printable(request.scopeName) })}
    >
      {text('machines.open')}
    </Button>
  );
}
