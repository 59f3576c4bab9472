import { Fault } from '@enchilada/core/fault';

const LONGEST_MESSAGE = 300;
/** Shells say 128 and the signal's number. */
const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  6: 'SIGABRT',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  15: 'SIGTERM',
};

/** [Status](https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/), as far as it is used. */
export interface Status {
  readonly status: 'Success' | 'Failure';
  readonly reason: string;
  /** The server's words: bounded, without control characters. */
  readonly message: string;
  readonly exitCode: number | undefined;
}

export interface Outcome {
  readonly exitCode?: number;
  readonly exitSignal?: string;
  /** Why nothing ran, or why it could not go on. */
  readonly failure?: string;
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function words(value: unknown): string {
  if (typeof value !== 'string') return '';
  return value.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ').slice(0, LONGEST_MESSAGE);
}

/** Undefined for what is no status. */
export function readStatus(text: string): Status | undefined {
  let value: Readonly<Record<string, unknown>> | undefined;
  try {
    value = record(JSON.parse(text));
  } catch {
    return undefined;
  }
  if (value === undefined || (value['status'] !== 'Success' && value['status'] !== 'Failure')) return undefined;
  const causes = record(value['details'])?.['causes'];
  const exit = (Array.isArray(causes) ? (causes as readonly unknown[]) : [])
    .map(record)
    .find((cause) => cause?.['reason'] === 'ExitCode');
  const code = /^\d{1,10}$/u.exec(words(exit?.['message']));
  return {
    status: value['status'],
    reason: words(value['reason']),
    message: words(value['message']),
    exitCode: code === null ? undefined : Number(code[0]),
  };
}

/** What the last message says about how the command ended. @throws Fault TARGET_PROTOCOL_VIOLATION for what is no status */
export function outcomeOf(text: string): Outcome {
  const status = readStatus(text);
  if (status === undefined) throw new Fault('TARGET_PROTOCOL_VIOLATION', 'the target ended with what is no status');
  if (status.status === 'Success') return { exitCode: 0 };
  const { exitCode } = status;
  if (exitCode === undefined) return { failure: status.message === '' ? status.reason : status.message };
  const exitSignal = SIGNALS[exitCode - 128];
  return { exitCode, ...(exitSignal === undefined ? {} : { exitSignal }) };
}
