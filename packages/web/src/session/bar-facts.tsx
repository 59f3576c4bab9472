import { Tooltip } from '@mantine/core';
import {
  IconEye,
  IconLockOpen,
  IconPlugConnected,
  IconPlugConnectedX,
  IconPlugX,
  IconShieldOff,
  IconVideoOff,
} from '@tabler/icons-react';
import { Mark } from '../app/mark.tsx';
import type { ComponentProps } from 'react';
import { useText } from '../i18n/text.tsx';
import { isOver, type SessionView } from './session-view.ts';

/** What every session's bar says: which machine, how the connection is, who records and who looks. */
export function BarFacts(props: { readonly title: string; readonly view: SessionView; readonly watching: boolean }) {
  const text = useText();
  const { view } = props;
  const watchers = view.viewers.filter((viewer) => viewer.mode === 'watch');
  return (
    <>
      <a href="/" className="bar-mark" aria-label={text('session.to-machines')} data-bar-first>
        <Mark size={18} />
      </a>
      <div className="bar-about">
        <strong className="bar-title truncate">{props.title}</strong>
        <div className="bar-facts">
          <LinkBadge view={view} />
          {view.recorded === true && (
            <Tooltip label={text('session.recorded-help')}>
              <RecordedFact />
            </Tooltip>
          )}
          {view.recorded === false && (
            <Tooltip label={text('session.unrecorded-help')} multiline w={280}>
              <UnrecordedFact />
            </Tooltip>
          )}
          {view.facts['encryption'] === 'none' && (
            <Tooltip label={text('session.cleartext-help')} multiline w={280}>
              <span className="bar-fact" data-tone="warn">
                <IconLockOpen size={14} aria-hidden /> <span className="bar-word">{text('session.cleartext')}</span>
              </span>
            </Tooltip>
          )}
          {view.facts['identity'] === 'unproven' && (
            <Tooltip label={text('session.unproven-help')} multiline w={280}>
              <span className="bar-fact" data-tone="warn">
                <IconShieldOff size={14} aria-hidden /> <span className="bar-word">{text('session.unproven')}</span>
              </span>
            </Tooltip>
          )}
          {watchers.length > 0 && (
            <Tooltip label={watchers.map((viewer) => viewer.user).join(', ')}>
              <span className="bar-fact" data-tone="warn" role="status">
                <IconEye size={14} aria-hidden />{' '}
                <span className="bar-word">{text.count('session.watched', watchers.length)}</span>
              </span>
            </Tooltip>
          )}
          {props.watching && (
            <Tooltip label={text('session.watching-help')}>
              <span className="bar-fact" data-view-only>
                <IconEye size={14} aria-hidden /> <span className="bar-word">{text('session.watching')}</span>
              </span>
            </Tooltip>
          )}
        </div>
      </div>
    </>
  );
}

/** In full screen, where the bar is out of sight, what stays in sight of it. Whoever listens has the bar itself. */
export function BarBadge(props: { readonly view: SessionView }) {
  return (
    <div className="bar-badge" aria-hidden>
      <LinkBadge view={props.view} />
      {props.view.recorded === true && <RecordedFact />}
      {props.view.recorded === false && <UnrecordedFact />}
    </div>
  );
}

/** What a tooltip gives its target, it passes on. */
function RecordedFact(given: ComponentProps<'span'>) {
  const text = useText();
  return (
    <span {...given} className="bar-fact" data-recorded>
      <span className="dot" aria-hidden />
      <span className="bar-word">{text('session.recorded')}</span>
      <span className="bar-short" aria-hidden>
        {text('session.recorded-short')}
      </span>
    </span>
  );
}

function UnrecordedFact(given: ComponentProps<'span'>) {
  const text = useText();
  return (
    <span {...given} className="bar-fact" data-tone="warn" data-unrecorded>
      <IconVideoOff size={14} aria-hidden /> <span className="bar-word">{text('session.unrecorded')}</span>
      <span className="bar-short" aria-hidden>
        {text('session.unrecorded-short')}
      </span>
    </span>
  );
}

function LinkBadge(props: { readonly view: SessionView }) {
  const text = useText();
  const { view } = props;
  const roundTrip = `${view.roundTripMs ?? '…'} ms`;
  const [tone, Icon, label] = isOver(view)
    ? (['quiet', IconPlugX, text('link.ended')] as const)
    : view.link === 'lost'
      ? (['warn', IconPlugConnectedX, text('link.lost')] as const)
      : view.phase === 'live' && view.link === 'open'
        ? (['ok', IconPlugConnected, text('link.live')] as const)
        : (['quiet', IconPlugConnected, text('link.opening')] as const);
  return (
    <>
      <span className="bar-fact" data-tone={tone} role="status">
        <Icon size={14} aria-hidden /> <span className="bar-word">{label}</span>
      </span>
      {tone === 'ok' && (
        // Its place is kept until it is measured: nothing moves away from under a pointer.
        <span
          className="bar-fact bar-rtt"
          title={text('session.round-trip')}
          aria-label={`${text('session.round-trip')} ${roundTrip}`}
        >
          {roundTrip}
        </span>
      )}
    </>
  );
}
