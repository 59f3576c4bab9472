import { Button, Checkbox, Drawer, Group, Stack, Textarea, Title } from '@mantine/core';
import { IconBroadcast, IconEye, IconPower } from '@tabler/icons-react';
import type { Session } from '@enchilada/contract';
import { useQuery } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { EmptyState } from '../app/page-states.tsx';
import { Listing, Moment } from '../components/listing.tsx';
import { openTab } from '../components/platform.ts';
import { printable } from '../components/printable.ts';
import { useAction } from '../components/use-action.ts';
import { useText } from '../i18n/text.tsx';

const REFRESH_MS = 5000;
const TONES = { requested: 'quiet', opening: 'quiet', live: 'ok', grace: 'warn', ended: 'quiet' } as const;

export function LivePage() {
  const text = useText();
  const me = useMe();
  const navigate = useNavigate();
  const search = useSearch({ strict: false });
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
    <div className="page">
      <div className="page-head">
        <Title order={1}>{text('nav.live')}</Title>
        {mayManage && (
          <Checkbox
            label={text('live.mine')}
            checked={!everybody}
            onChange={(event) =>
              void navigate({ to: '/live', search: event.currentTarget.checked ? { mine: '1' } : {} })
            }
          />
        )}
      </div>
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
          <table className="table cards">
            <thead>
              <tr>
                <th>{text('field.machine')}</th>
                <th>{text('field.person')}</th>
                <th>{text('field.state')}</th>
                <th>{text('live.since')}</th>
                <th className="number">{text('live.traffic')}</th>
                <th>
                  <span className="visually-hidden">{text('common.actions')}</span>
                </th>
              </tr>
            </thead>
            <tbody>
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
                        <Button size="xs" variant="default" onClick={() => openTab(`/s/${session.id}`)}>
                          {text('live.resume')}
                        </Button>
                      )}
                      {session.mayWatch && (
                        <Button
                          size="xs"
                          variant="default"
                          leftSection={<IconEye size={14} aria-hidden />}
                          onClick={() => openTab(`/s/${session.id}?watch=1`)}
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
            </tbody>
          </table>
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
    </div>
  );
}

function EndSession(props: { readonly session: Session; readonly onClose: () => void }) {
  const text = useText();
  const [reason, setReason] = useState('');
  const [busy, run] = useAction();
  const { session } = props;
  const end = (): Promise<void> =>
    run(() =>
      api('endSession', { params: { id: session.id }, body: reason.trim() === '' ? {} : { reason: reason.trim() } }),
    ).then((done) => {
      if (done) props.onClose();
    });
  return (
    <Drawer
      opened
      onClose={props.onClose}
      title={text('live.end-title', { name: session.target.name, person: session.user.username })}
      closeButtonProps={{ 'aria-label': text('common.close') }}
    >
      <Stack>
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
        <Group justify="flex-end">
          <Button variant="default" onClick={props.onClose}>
            {text('common.cancel')}
          </Button>
          <Button loading={busy} disabled={!session.own && reason.trim() === ''} onClick={() => void end()}>
            {text('session.end')}
          </Button>
        </Group>
      </Stack>
    </Drawer>
  );
}
