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
import { useText, type Text } from '../i18n/text.tsx';
import { ExplainedFact, Fact } from './bar-fact.tsx';
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
          {lastingFacts(view, text).map((fact) => (
            <ExplainedFact key={fact.name} {...fact} />
          ))}
          {watchers.length > 0 && (
            <span role="status" className="bar-status">
              <ExplainedFact
                name="watched"
                tone="warn"
                icon={IconEye}
                word={text.count('session.watched', watchers.length)}
                short={String(watchers.length)}
                help={watchers.map((viewer) => viewer.user).join(', ')}
              />
            </span>
          )}
          {props.watching && (
            <ExplainedFact
              name="view-only"
              icon={IconEye}
              word={text('session.watching')}
              help={text('session.watching-help')}
            />
          )}
        </div>
      </div>
    </>
  );
}

/** In full screen, where the bar is out of sight, what stays in sight of it. Whoever listens has the bar itself. */
export function BarBadge(props: { readonly view: SessionView }) {
  const text = useText();
  return (
    <div className="bar-badge" aria-hidden>
      <LinkBadge view={props.view} />
      {lastingFacts(props.view, text).map((fact) => (
        <Fact key={fact.name} {...fact} />
      ))}
    </div>
  );
}

/** What holds for the whole of a session: whether it is recorded, and what its way to the machine lacks. */
function lastingFacts(view: SessionView, text: Text): readonly ComponentProps<typeof ExplainedFact>[] {
  const warn = { tone: 'warn' } as const;
  const facts: ComponentProps<typeof ExplainedFact>[] = [];
  if (view.recorded === true) {
    const help = text('session.recorded-help');
    facts.push({ name: 'recorded', word: text('session.recorded'), short: text('session.recorded-short'), help });
  }
  if (view.recorded === false) {
    const words = { word: text('session.unrecorded'), short: text('session.unrecorded-short') };
    facts.push({ name: 'unrecorded', ...warn, icon: IconVideoOff, ...words, help: text('session.unrecorded-help') });
  }
  if (view.facts['encryption'] === 'none') {
    const words = { word: text('session.cleartext'), short: text('session.cleartext-short') };
    facts.push({ name: 'cleartext', ...warn, icon: IconLockOpen, ...words, help: text('session.cleartext-help') });
  }
  if (view.facts['identity'] === 'unproven') {
    const words = { word: text('session.unproven'), short: text('session.unproven-short') };
    facts.push({ name: 'unproven', ...warn, icon: IconShieldOff, ...words, help: text('session.unproven-help') });
  }
  return facts;
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
