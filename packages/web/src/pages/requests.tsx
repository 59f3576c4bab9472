import { Button, Group, SegmentedControl, Text, Textarea } from '@mantine/core';
import { IconCheck, IconEye, IconHandStop, IconHourglass, IconX } from '@tabler/icons-react';
import type { AccessRequest } from '@enchilada/contract';
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { usePlainSearch } from '../app/plain-search.ts';
import { EmptyState } from '../app/page-states.tsx';
import { useConfirm } from '../components/confirm.tsx';
import { FormDrawer, useSave } from '../components/form.tsx';
import { Listing, Moment } from '../components/listing.tsx';
import { Page } from '../components/page.tsx';
import { printable } from '../components/printable.ts';
import { RowAction, Table } from '../components/table.tsx';
import { useText, type Text as Words } from '../i18n/text.tsx';

const REFRESH_MS = 5_000;
const VIEWS = ['mine', 'decide', 'history'] as const;
type View = (typeof VIEWS)[number];
const TONES = {
  pending: 'warn',
  approved: 'ok',
  denied: 'bad',
  cancelled: 'quiet',
  used: 'quiet',
  expired: 'quiet',
} as const;

function windowWords(text: Words, { from, until }: AccessRequest): string {
  return text('requests.from-until', { from: text.dateTime(from), until: text.dateTime(until) });
}

export function RequestsPage() {
  const text = useText();
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
    queryFn: ({ pageParam, signal }) =>
      api(
        'listRequests',
        { query: { view, limit: 100, ...(pageParam === '' ? {} : { cursor: pageParam }) } },
        { signal, background: true },
      ),
    initialPageParam: '',
    getNextPageParam: (last) => last.next,
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
          size="xs"
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
              text('field.person'),
              text('requests.when'),
              text('requests.why'),
              text('field.state'),
            ]}
            actions
          >
            {items.map((request) => (
              <tr key={request.id}>
                <td>
                  <strong>{printable(request.scopeName)}</strong>
                  {request.breakGlass && <span className="chip request-loud">{text('requests.break-glass')}</span>}
                  <div className="sub">
                    {request.actions.map((action) => text(`grant-action.${action}`)).join(', ')}
                  </div>
                </td>
                <td>
                  {request.username}
                  <div className="sub">
                    <Moment at={request.createdAt} />
                  </div>
                </td>
                <td className="sub">{windowWords(text, request)}</td>
                <td className="request-reason">{printable(request.reason)}</td>
                <td>
                  <Status request={request} />
                </td>
                <td className="actions">
                  <RowAction
                    icon={IconEye}
                    label={`${text('requests.look')}: ${text('requests.title', { person: request.username, machine: request.scopeName })}`}
                    onClick={() => go({ show: request.id })}
                  />
                </td>
              </tr>
            ))}
          </Table>
        )}
      </Listing>
      {listed.hasNextPage && (
        <Button
          mt="sm"
          variant="default"
          loading={listed.isFetchingNextPage}
          onClick={() => void listed.fetchNextPage()}
        >
          {text('common.more')}
        </Button>
      )}
      {shown !== undefined && opened.data !== undefined && (
        <RequestDrawer
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

function Status({ request }: { readonly request: AccessRequest }) {
  const text = useText();
  const agreed = request.decisions.filter(({ verdict }) => verdict === 'approve').length;
  return (
    <span className="state" data-tone={TONES[request.status]}>
      {text(`request-status.${request.status}`)}
      {request.status === 'pending' && request.needed > 0 && (
        <div className="sub">{text('requests.agreed', { count: agreed, needed: request.needed })}</div>
      )}
      {(request.status === 'approved' || request.status === 'used') && (
        <div className="sub">{text('requests.uses', { uses: request.uses, sessions: request.sessions })}</div>
      )}
    </span>
  );
}

/** What is asked for, whole, and what may be done with it. */
function RequestDrawer(props: {
  readonly request: AccessRequest;
  readonly onClose: () => void;
  readonly onDone: () => void;
  readonly onCancel: (request: AccessRequest) => void;
}) {
  const text = useText();
  const [seen] = useState(props.request);
  const [words, setWords] = useState('');
  // What is shown is what is decided on: a later answer changes the state alone.
  const request = props.request.hash === seen.hash ? props.request : seen;
  const isOpen = request.status === 'pending';
  const decide = async (verdict: 'approve' | 'deny'): Promise<void> => {
    await api('decideRequest', {
      params: { id: request.id },
      body: { verdict, hash: seen.hash, ...(words.trim() === '' ? {} : { words: words.trim() }) },
    });
    props.onDone();
  };
  const approve = useSave(() => decide('approve'));
  const deny = useSave(() => decide('deny'));
  const save = isOpen && deny.fault === undefined ? approve : deny;
  return (
    <FormDrawer
      title={text('requests.title', { person: request.username, machine: request.scopeName })}
      size={480}
      save={{ ...save, busy: approve.busy || deny.busy }}
      readOnly={!request.mayDecide}
      submit={text(isOpen ? 'requests.approve' : 'requests.take-back')}
      aside={
        isOpen && (
          <Button
            variant="default"
            leftSection={<IconX size={16} aria-hidden />}
            loading={deny.busy}
            onClick={(event) => deny.onSubmit(event)}
          >
            {text('requests.deny')}
          </Button>
        )
      }
      below={
        request.mayCancel && (
          <Button
            mt="md"
            variant="default"
            leftSection={<IconHandStop size={16} aria-hidden />}
            onClick={() => props.onCancel(request)}
          >
            {text('requests.cancel')}
          </Button>
        )
      }
      onClose={props.onClose}
    >
      <dl className="detail-list">
        <dt>{text('requests.why')}</dt>
        <dd className="request-reason">{printable(request.reason)}</dd>
        <dt>{text('field.machine')}</dt>
        <dd>
          {printable(request.scopeName)}
          {request.breakGlass && <span className="chip request-loud">{text('requests.break-glass')}</span>}
        </dd>
        <dt>{text('requests.may')}</dt>
        <dd>{request.actions.map((action) => text(`grant-action.${action}`)).join(', ')}</dd>
        <dt>{text('requests.when')}</dt>
        <dd>{windowWords(text, request)}</dd>
        <dt>{text('field.state')}</dt>
        <dd>
          <Status request={request} />
        </dd>
        {request.decisions.length > 0 && (
          <>
            <dt>{text('requests.history')}</dt>
            <dd>
              {request.decisions.map(({ username, verdict, words: said, at }) => (
                <div key={`${username}${at}`}>
                  {verdict === 'approve' ? <IconCheck size={14} aria-hidden /> : <IconX size={14} aria-hidden />}{' '}
                  {text(`requests.verdict-${verdict}`, { person: username })} · <Moment at={at} />
                  {said !== '' && <div className="sub">{printable(said)}</div>}
                </div>
              ))}
            </dd>
          </>
        )}
      </dl>
      {request.mayDecide && (
        <Textarea
          label={text('requests.words')}
          description={text('requests.words-help')}
          maxLength={1000}
          autosize
          minRows={2}
          value={words}
          onChange={(event) => setWords(event.currentTarget.value.replaceAll('\n', ' '))}
        />
      )}
    </FormDrawer>
  );
}
