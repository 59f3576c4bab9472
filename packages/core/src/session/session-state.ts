import { Fault } from '../fault/index.ts';
import type { SessionState } from './session.ts';

/** The one state machine of a session; the database holds the same rule as a constraint on `ended`. */
const MAY_BECOME: Readonly<Record<SessionState, readonly SessionState[]>> = {
  requested: ['opening', 'ended'],
  opening: ['live', 'ended'],
  live: ['grace', 'ended'],
  grace: ['live', 'ended'],
  ended: [],
};

export function mayBecome(from: SessionState, to: SessionState): boolean {
  return MAY_BECOME[from].includes(to);
}

/** @throws Fault INTERNAL on an illegal transition: that is a defect, never a person's mistake. */
export function transition(from: SessionState, to: SessionState): SessionState {
  if (!mayBecome(from, to)) throw new Fault('INTERNAL', `a session may not go from ${from} to ${to}`);
  return to;
}
