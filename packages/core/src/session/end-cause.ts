import type { ConnectStep, SessionEnd } from '../engine/index.ts';
import type { Fault } from '../fault/index.ts';
import type { EndedEvent } from './session-event.ts';
import type { EndReason } from './session.ts';

export interface EndCause {
  readonly reason: EndReason;
  /** An administrator's words, or a fault's message. */
  readonly detail?: string;
  readonly fault?: Fault;
  readonly exitCode?: number;
  readonly exitSignal?: string;
}

export function causeOfEngineEnd({ fault, exitCode, exitSignal, reason }: SessionEnd): EndCause {
  return {
    reason: fault?.code ?? reason,
    ...(fault === undefined ? {} : { fault, detail: fault.message }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(exitSignal === undefined ? {} : { exitSignal }),
  };
}

/** What the viewers are told; `step` where the session ended before it was live. */
export function endedEvent(cause: EndCause, step: ConnectStep | undefined): EndedEvent {
  const { fault, exitCode, exitSignal, detail } = cause;
  return {
    type: 'ended',
    reason: cause.reason,
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(exitSignal === undefined ? {} : { exitSignal }),
    ...(detail === undefined ? {} : { detail }),
    ...(fault === undefined
      ? {}
      : { fault: { code: fault.code, facts: fault.facts, ...(step === undefined ? {} : { step }) } }),
  };
}
