export type Verdict = 'ok' | 'warn' | 'fail';

/** One line of the examination; `todo` says what to do about it. */
export interface Check {
  readonly name: string;
  readonly verdict: Verdict;
  readonly found: string;
  readonly todo?: string;
}

export function ok(name: string, found: string): Check {
  return { name, verdict: 'ok', found };
}

export function warn(name: string, found: string, todo: string): Check {
  return { name, verdict: 'warn', found, todo };
}

export function fail(name: string, found: string, todo: string): Check {
  return { name, verdict: 'fail', found, todo };
}
