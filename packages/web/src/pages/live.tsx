import { Button, Checkbox, Textarea } from '@mantine/core';
import { IconBroadcast, IconEye, IconPower, IconVideoOff } from '@tabler/icons-react';
import type { Session } from '@enchilada/contract';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { usePlainSearch } from '../app/plain-search.ts';
import { EmptyState } from '../app/page-states.tsx';
import { Listing, Moment } from '../components/listing.tsx';
import { joinPath, openTab } from '../components/platform.ts';
import { printable } from '../components/printable.ts';
import { Table } from '../components/table.tsx';
import { FormDrawer, useSave } from '../components/form.tsx';
import { Page } from '../components/page.tsx';
import { useText } from '../i18n/text.tsx';

const REFRESH_MS = 5000;
const TONES = { requested: 'quiet', opening: 'quiet', live: 'ok', grace: 'warn', ended: 'quiet' } as const;

export function LivePage() {
  const text = useText();
  const me = useMe();
  const navigate = useNavigate();
  const search = usePlainSearch();
  const mayManage = can(me, 'session.manage');
  const everybody = mayManage && search['mine'] !== '1';
  const [ending, setEnding] = useState<Session>();
  const target = search['target'];
  const sessions = useQuery({
    queryKey: ['sessions', everybody, mayManage, target],
    queryFn: async ({ signal }) => {
      const list = (scope: 'own' | 'watchable' | 'all') =>
        api(
          'listSessions',
          { query: { live: true, scope, limit: 500, ...(target === undefined ? {} : { targetId: target }) } },
          { signal, background: true },
        );
      if (everybody) return list('all');
      if (mayManage) return list('own');
      const [own, others] = await Promise.all([list('own'), list('watchable')]);
      return { items: [...own.items, ...others.items] };
    },
    refetchInterval: REFRESH_MS,
  });
  return (
    <Page
      title={text('nav.live')}
      actions={
        mayManage && (
          <Checkbox
            label={text('live.mine')}
            checked={!everybody}
            onChange={(event) =>
              void navigate({ to: '/live', search: event.currentTarget.checked ? { mine: '1' } : {} })
            }
          />
        )
      }
    >
      <Listing
        query={sessions}
        items={sessions.data?.items ?? []}
        empty={
          <EmptyState icon={<IconBroadcast size={22} />} title={text('live.empty')}>
            {text('live.empty-body')}
          </EmptyState>
        }
      >
        {(items) => (
          <Table
            columns={[
              text('field.machine'),
              text('field.person'),
              text('field.state'),
              text('live.since'),
              { number: text('live.traffic') },
            ]}
            actions
          >
            {items.map((session) => {
              const watchers = session.viewers?.filter((viewer) => viewer.mode === 'watch').length ?? 0;
              return (
                <tr key={session.id}>
                  <td>
                    <strong>{printable(session.target.name)}</strong>
                    <div className="sub mono">{session.address}</div>
                  </td>
                  <td>{session.user.username}</td>
                  <td>
                    <span className="state" data-tone={TONES[session.state]}>
                      {text(`session-state.${session.state}`)}
                      {session.recordExempt && (
                        <span className="sub" data-tone="warn">
                          <IconVideoOff size={12} aria-hidden /> {text('session.unrecorded')}
                        </span>
                      )}
                      {session.viewOnly && <span className="sub">{text('session.watching')}</span>}
                      {watchers > 0 && (
                        <span className="sub">
                          <IconEye size={12} aria-hidden /> {text.count('session.watched', watchers)}
                        </span>
                      )}
                    </span>
                  </td>
                  <td className="sub">
                    <Moment at={session.openedAt ?? session.requestedAt} />
                  </td>
                  <td className="number">
                    ↓ {text.bytes(session.bytesOut)} <span className="sub">↑ {text.bytes(session.bytesIn)}</span>
                  </td>
                  <td className="actions">
                    {session.own && (
                      <Button size="xs" variant="default" onClick={() => openTab(joinPath(session.id, 'control'))}>
                        {text('live.resume')}
                      </Button>
                    )}
                    {session.mayWatch && (
                      <Button
                        size="xs"
                        variant="default"
                        leftSection={<IconEye size={14} aria-hidden />}
                        onClick={() => openTab(joinPath(session.id, 'watch'))}
                      >
                        {text('machines.watch')}
                      </Button>
                    )}{' '}
                    {(session.own || mayManage) && (
                      <Button
                        size="xs"
                        variant="default"
                        leftSection={<IconPower size={14} aria-hidden />}
                        onClick={() => setEnding(session)}
                      >
                        {text('session.end')}
                      </Button>
                    )}
                  </td>
                </tr>
              );
            })}
          </Table>
        )}
      </Listing>
      {ending !== undefined && (
        <EndSession
          session={ending}
          onClose={() => {
            setEnding(undefined);
            void sessions.refetch();
          }}
        />
      )}
    </Page>
  );
}

function EndSession(props: { readonly session: Session; readonly onClose: () => void }) {
  const text = useText();
  const [reason, setReason] = useState('');
  const { session } = props;
  const end = useSave(async () => {
    const body = reason.trim() === '' ? {} : { reason: reason.trim() };
    await api('endSession', { params: { id: session.id }, body });
    props.onClose();
  });
  return (
    <FormDrawer
      title={text('live.end-title', { name: session.target.name, person: session.user.username })}
      size={440}
      save={end}
      submit={text('session.end')}
      ready={session.own || reason.trim() !== ''}
      onClose={props.onClose}
    >
      <Textarea
        label={text('live.reason')}
        description={session.own ? undefined : text('live.reason-help')}
        required={!session.own}
        maxLength={500}
        autosize
        minRows={3}
        value={reason}
        onChange={(event) => setReason(event.currentTarget.value)}
        data-autofocus
      />
    </FormDrawer>
  );
}
