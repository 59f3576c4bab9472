import { Button, Group, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck, IconPlayerPlay, IconRefresh } from '@tabler/icons-react';
import type { Session, Tickets } from '@enchilada/contract';
import type { FaultCode } from '@enchilada/core/fault';
import { useEffect, useRef, useState } from 'react';
import { ApiFault } from '../api/http.ts';
import { joinPath, sessionPath } from '../components/platform.ts';
import { printable, printableLines } from '../components/printable.ts';
import { presentFault } from '../faults/fault-notice.tsx';
import { useText, type Text as Words } from '../i18n/text.tsx';
import { PathSteps } from './connection-path.tsx';
import { failedStep, goesOn, isFaultCode, type SessionView } from './session-view.ts';

const PLAIN_REASONS = ['closed-by-user', 'closed-by-target', 'grace-expired', 'node-lost'] as const;
type PlainReason = (typeof PLAIN_REASONS)[number];

interface Why {
  readonly title: string;
  readonly next: string | undefined;
  readonly reference: string | undefined;
  readonly bad: boolean;
  /** What helps stands on the page of the account. */
  readonly atAccount?: boolean;
}

const AT_ACCOUNT: readonly FaultCode[] = ['PERSONAL_KEY_MISSING', 'PERSONAL_KEY_REFUSED'];

function why(view: SessionView, text: Words): Why {
  if (view.ended === undefined) return { ...presentFault(view.error, text), bad: true };
  const { reason, fault, exitCode, exitSignal } = view.ended;
  const code = fault?.code ?? (isFaultCode(reason) ? reason : undefined);
  if (code !== undefined) {
    const presented = presentFault(
      new ApiFault({
        code,
        status: 0,
        detail: view.ended.detail ?? code,
        ...(fault === undefined ? {} : { facts: fault.facts }),
      }),
      text,
    );
    return { ...presented, bad: true, atAccount: AT_ACCOUNT.includes(code) };
  }
  const known = (PLAIN_REASONS as readonly string[]).includes(reason) ? (reason as PlainReason) : 'closed-by-target';
  const next =
    exitCode === undefined
      ? undefined
      : exitSignal === undefined
        ? text('ended.exit-code', { code: exitCode })
        : text('ended.exit-signal', { signal: exitSignal, code: exitCode });
  return { title: text(`ended.${known}`), next, reference: undefined, bad: known === 'node-lost' };
}

export function EndedPage(props: {
  readonly view: SessionView;
  readonly title: string;
  readonly session: Session | undefined;
  readonly targetId: string;
  /** Whether that was asked for. */
  readonly viewOnly: boolean;
  readonly mode: Tickets['mode'];
}) {
  const text = useText();
  const [shown, setShown] = useState(true);
  const again = useRef<HTMLAnchorElement>(null);
  // React focuses no links by itself.
  useEffect(() => again.current?.focus(), [shown]);
  const reason = why(props.view, text);
  const detail = props.view.ended?.detail;
  // Undefined where it is over for everybody.
  const ongoing = goesOn(props.view) ? props.session : undefined;
  const way =
    ongoing === undefined
      ? { href: sessionPath(props.targetId, props.viewOnly), label: text('ended.again') }
      : { href: joinPath(ongoing.id, props.mode), label: text('ended.connect') };
  const fingerprint = props.view.ended?.fault?.facts['fingerprint'];
  if (!shown) {
    return (
      <div className="session-lost">
        <Button size="xs" variant="default" onClick={() => setShown(true)}>
          {text('ended.why')}
        </Button>
        <Button size="xs" component="a" href={way.href}>
          {way.label}
        </Button>
      </div>
    );
  }
  return (
    <div className="session-cover" data-dim>
      <section className="panel path-panel" role="alert" aria-labelledby="ended-title">
        <Stack gap="sm">
          <Text size="sm" c="dimmed">
            {props.title}
          </Text>
          <Group gap="xs" wrap="nowrap" align="flex-start" className="state" data-tone={reason.bad ? 'bad' : 'ok'}>
            {reason.bad ? <IconAlertTriangle size={20} aria-hidden /> : <IconCircleCheck size={20} aria-hidden />}
            <h2 id="ended-title" className="ended-title">
              {reason.title}
            </h2>
          </Group>
          {reason.next !== undefined && <Text size="sm">{reason.next}</Text>}
          {detail !== undefined && detail !== '' && reason.next?.includes(detail) !== true && (
            <Text size="sm" className="ended-detail banner-text">
              {printableLines(detail)}
            </Text>
          )}
          {fingerprint !== undefined && (
            <dl className="detail-list">
              <dt>{text('host-key.shown')}</dt>
              <dd className="fingerprint">{printable(String(fingerprint))}</dd>
            </dl>
          )}
          {failedStep(props.view) !== 'none' && <PathSteps view={props.view} />}
          <Group gap="xs" mt="xs">
            <Button component="a" href={way.href} leftSection={<IconRefresh size={16} aria-hidden />} ref={again}>
              {way.label}
            </Button>
            {ongoing === undefined && <RecordingButton session={props.session} />}
            {reason.atAccount === true && (
              <Button variant="default" component="a" href="/me">
                {text('own-keys.to-account')}
              </Button>
            )}
            <Button variant="default" component="a" href="/">
              {text('page.to-machines')}
            </Button>
            {props.view.phase === 'ended' && failedStep(props.view) === 'none' && (
              <Button variant="subtle" color="gray" onClick={() => setShown(false)}>
                {text('ended.screen')}
              </Button>
            )}
          </Group>
          {reason.reference !== undefined && (
            <Text size="xs" c="dimmed">
              {text('common.reference')} <span className="mono">{reason.reference}</span>
            </Text>
          )}
        </Stack>
      </section>
    </div>
  );
}

/** What is told of its end is not yet sealed: until it is, the player would show what is stored by then. */
function RecordingButton({ session }: { readonly session: Session | undefined }) {
  const text = useText();
  if (session?.recordingId === undefined) return null;
  const look = { variant: 'default', leftSection: <IconPlayerPlay size={16} aria-hidden /> } as const;
  return session.state === 'ended' ? (
    <Button {...look} component="a" href={`/r/${session.recordingId}`}>
      {text('ended.recording')}
    </Button>
  ) : (
    <Button {...look} disabled>
      {text('ended.recording')}
    </Button>
  );
}
