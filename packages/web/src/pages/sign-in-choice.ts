const STORED = 'enchilada-sign-in';

/** Signing in with an account of this gateway, and not through a provider. */
export const HERE = 'local';

/** The way somebody signed in last in this browser: the id of a provider, or `HERE`. One that is not offered any more is forgotten. */
export function lastChoice(offered: readonly { readonly id: string }[]): string | undefined {
  const last = localStorage.getItem(STORED) ?? undefined;
  if (last === undefined || last === HERE || offered.some(({ id }) => id === last)) return last;
  localStorage.removeItem(STORED);
  return undefined;
}

export function rememberChoice(id: string): void {
  localStorage.setItem(STORED, id);
}

/** The remembered one first, the others as they are. */
export function rememberedFirst<T extends { readonly id: string }>(
  all: readonly T[],
  remembered: string | undefined,
): readonly T[] {
  return [...all.filter(({ id }) => id === remembered), ...all.filter(({ id }) => id !== remembered)];
}
