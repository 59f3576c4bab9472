import { Alert, Button, Group, Progress, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import type { RouteOutput } from '@enchilada/contract';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { api } from '../api/client.ts';
import { can, useMe } from '../api/me.ts';
import { Loading, Moment } from '../components/listing.tsx';
import { Section } from '../components/page.tsx';
import { printable } from '../components/printable.ts';
import { Table } from '../components/table.tsx';
import { useAction } from '../components/use-action.ts';
import { useText } from '../i18n/text.tsx';

type Status = RouteOutput<'getKeyEncryption'>;
type Service = NonNullable<Status['keys'][number]['service']>;

const QUERY = ['key-encryption'];
const REFRESH_MS = 30_000;
const PROGRESS_MS = 2_000;

/** Which key seals, what became of its service, and how what is sealed comes under a new one. */
export function KeyEncryption() {
  const status = useQuery({
    queryKey: QUERY,
    queryFn: ({ signal }) => api('getKeyEncryption', {}, { signal, background: true }),
    refetchInterval: ({ state }) => (state.data?.rewrapping === true ? PROGRESS_MS : REFRESH_MS),
  });
  const text = useText();
  return (
    <Section title={text('keys.title')} lead={text('keys.lead')}>
      <Loading query={status} />
      {status.data !== undefined && (
        <Stack>
          <Keys status={status.data} />
          <Rewrapping status={status.data} />
          <Text size="sm" c="dimmed">
            {text('keys.of-node', { node: printable(status.data.node) })} {text('keys.recordings')}
          </Text>
        </Stack>
      )}
    </Section>
  );
}

function countOf(rows: Status['sealed']): number {
  return rows.reduce((sum, { count }) => sum + count, 0);
}

function Keys({ status: { current, keys, sealed } }: { readonly status: Status }) {
  const text = useText();
  const lost = [...Map.groupBy(sealed, ({ keyId }) => keyId)].filter(([, rows]) => rows.every(({ opens }) => !opens));
  return (
    <Table columns={[text('keys.key'), text('keys.use'), text('keys.service'), { number: text('keys.sealed') }]}>
      {keys.map(({ id, name, service }) => (
        <Row
          key={id}
          title={service?.label ?? text('keys.file')}
          name={service === undefined ? undefined : name}
          id={id}
          use={
            <State tone={id === current ? 'ok' : 'quiet'}>{text(id === current ? 'keys.seals' : 'keys.opens')}</State>
          }
          answer={
            service === undefined ? (
              <span className="sub">{text('keys.no-service')}</span>
            ) : (
              <Answer service={service} />
            )
          }
          count={countOf(sealed.filter(({ keyId }) => keyId === id))}
        />
      ))}
      {lost.map(([id, rows]) => (
        <Row
          key={id}
          title={text('keys.unknown')}
          name={undefined}
          id={id}
          use={<State tone="bad">{text('keys.lost')}</State>}
          answer="–"
          count={countOf(rows)}
        />
      ))}
    </Table>
  );
}

function Row(props: {
  readonly title: string;
  readonly name: string | undefined;
  readonly id: string;
  readonly use: ReactNode;
  readonly answer: ReactNode;
  readonly count: number;
}) {
  const text = useText();
  return (
    <tr>
      <td>
        <strong>{props.title}</strong>
        {props.name !== undefined && <div className="sub mono">{printable(props.name)}</div>}
        <div className="sub mono">{props.id}</div>
      </td>
      <td>{props.use}</td>
      <td>{props.answer}</td>
      <td className="number" data-label={text('keys.sealed')}>
        {text.number(props.count)}
      </td>
    </tr>
  );
}

function State(props: { readonly tone: 'ok' | 'quiet' | 'warn' | 'bad'; readonly children: ReactNode }) {
  return (
    <span className="state" data-tone={props.tone}>
      {props.children}
    </span>
  );
}

function Answer({ service: { answeredAt, failure } }: { readonly service: Service }) {
  const text = useText();
  if (failure !== undefined)
    return (
      <>
        <State tone="bad">{text('keys.failed')}</State> <Moment at={failure.at} />
        <div className="sub">
          {text('keys.reason')} <span lang="en">{printable(failure.reason)}</span>
        </div>
        {answeredAt !== undefined && (
          <div className="sub">
            {text('keys.answered-before')} <Moment at={answeredAt} />
          </div>
        )}
      </>
    );
  if (answeredAt === undefined) return <State tone="quiet">{text('keys.not-asked')}</State>;
  return (
    <>
      <State tone="ok">{text('keys.answered')}</State> <Moment at={answeredAt} />
    </>
  );
}

function Rewrapping({ status }: { readonly status: Status }) {
  const text = useText();
  const { current, sealed, nodesWithout, rewrapping } = status;
  const others = sealed.filter(({ keyId }) => keyId !== current);
  const lost = countOf(others.filter(({ opens }) => !opens));
  const remaining = countOf(others) - lost;
  const total = countOf(sealed) - lost;
  return (
    <>
      {nodesWithout.length > 0 && (
        <Warning title={text('keys.nodes-title')}>
          {text('keys.nodes', { nodes: nodesWithout.map(printable).join(', ') })}
        </Warning>
      )}
      {lost > 0 && <Warning title={text.count('keys.lost-title', lost)}>{text('keys.lost-next')}</Warning>}
      {remaining === 0 && lost === 0 && <Text size="sm">{text('keys.all-current')}</Text>}
      {remaining > 0 && (
        <>
          <Text size="sm" role="status">
            {text.count('keys.remaining', remaining)} {rewrapping && text('keys.running')}
          </Text>
          <Progress value={(100 * (total - remaining)) / total} aria-label={text('keys.progress')} />
        </>
      )}
      <RewrapAction isDue={remaining > 0 && nodesWithout.length === 0} />
    </>
  );
}

function Warning(props: { readonly title: string; readonly children: ReactNode }) {
  return (
    <Alert variant="default" icon={<IconAlertTriangle size={18} aria-hidden color="var(--warn)" />} title={props.title}>
      {props.children}
    </Alert>
  );
}

/** Asks turn after turn until nothing remains, or none of what remains can be sealed anew. */
function RewrapAction({ isDue }: { readonly isDue: boolean }) {
  const text = useText();
  const client = useQueryClient();
  const mayWrite = can(useMe(), 'settings.write');
  const [busy, run] = useAction();
  const [failed, setFailed] = useState(0);
  const rewrap = async (): Promise<void> => {
    setFailed(0);
    for (;;) {
      const turn = await api('rewrapKeys', {});
      await client.invalidateQueries({ queryKey: QUERY });
      setFailed(turn.failed);
      if (turn.remaining === 0 || turn.rewrapped === 0) return;
    }
  };
  return (
    <>
      {failed > 0 && !busy && <Warning title={text.count('keys.stuck', failed)}>{text('keys.stuck-next')}</Warning>}
      {isDue && (
        <Text size="sm" c="dimmed">
          {text('keys.rewrap-help')}
        </Text>
      )}
      {mayWrite && (isDue || busy) && (
        <Group>
          <Button variant="default" loading={busy} onClick={() => void run(rewrap)}>
            {text('keys.rewrap')}
          </Button>
        </Group>
      )}
    </>
  );
}
