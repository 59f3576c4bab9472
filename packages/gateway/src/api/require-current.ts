import { Fault } from '@enchilada/core/fault';

/**
 * INVARIANT: what is changed is what was judged. What was read before is not written over a version that somebody made meanwhile, however early
 * the caller knew its number.
 * @throws Fault CONFLICT
 */
export function requireCurrent(before: { readonly version: number }, version: number): void {
  if (before.version !== version) throw new Fault('CONFLICT', 'it was changed by someone else in the meantime');
}
