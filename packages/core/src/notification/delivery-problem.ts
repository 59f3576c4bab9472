import { Fault } from '../fault/index.ts';

/** Why a notification did not arrive, in permanent words; the interface makes sentences of them. */
export const DELIVERY_REASONS = [
  'address-forbidden',
  'name-unknown',
  'unreachable',
  'timed-out',
  'tls-failed',
  'redirected',
  'refused',
  'throttled',
  'receiver-failed',
  'sign-in-refused',
  'mail-refused',
  'settings-invalid',
  'secret-unreadable',
  'other',
] as const;
export type DeliveryReason = (typeof DELIVERY_REASONS)[number];

export interface DeliveryProblem {
  readonly reason: DeliveryReason;
  readonly host?: string;
  /** Of HTTP or SMTP. */
  readonly status?: number;
  /** Of `other` alone: the words of the failure. */
  readonly detail?: string;
}

const MOST_DETAIL = 500;

export function deliveryFault({ reason, host, status }: Omit<DeliveryProblem, 'detail'>, message: string): Fault {
  const facts = {
    reason,
    ...(host === undefined ? {} : { host }),
    ...(status === undefined ? {} : { status }),
    ...(reason === 'other' ? { detail: message.slice(0, MOST_DETAIL) } : {}),
  };
  return new Fault('NOTIFICATION_FAILED', message, { facts });
}

/** What a failed attempt says of itself. */
export function deliveryProblemOf(fault: Fault): DeliveryProblem {
  if (fault.code === 'CONFIGURATION_INVALID' || fault.code === 'INVALID_REQUEST') return { reason: 'settings-invalid' };
  if (fault.code === 'KEY_UNAVAILABLE') return { reason: 'secret-unreadable' };
  return problemFrom(fault.facts) ?? inWords(fault.message);
}

/** The facts of a delivery that failed; undefined where they name no reason that is known. */
export function problemFrom(facts: Readonly<Record<string, unknown>>): DeliveryProblem | undefined {
  const { host, status, detail } = facts;
  const reason = DELIVERY_REASONS.find((one) => one === facts['reason']);
  if (reason === undefined) return undefined;
  return {
    reason,
    ...(typeof host === 'string' ? { host } : {}),
    ...(typeof status === 'number' ? { status } : {}),
    ...(typeof detail === 'string' ? { detail } : {}),
  };
}

/** Rows of earlier versions are words, and so is what a later version may have written. */
export function readDeliveryProblem(stored: string): DeliveryProblem {
  try {
    const value: unknown = JSON.parse(stored);
    const isObject = typeof value === 'object' && value !== null;
    return (isObject ? problemFrom(value as Record<string, unknown>) : undefined) ?? inWords(stored);
  } catch {
    return inWords(stored);
  }
}

function inWords(words: string): DeliveryProblem {
  return { reason: 'other', detail: words.slice(0, MOST_DETAIL) };
}
