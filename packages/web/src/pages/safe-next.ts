/** Where to go after sign-in. INVARIANT: a path of this origin, whatever the address says. */
export function safeNext(next: string | undefined): string {
  return next !== undefined && /^\/(?![/\\])[\u0021-\u007e]*$/u.test(next) ? next : '/';
}
