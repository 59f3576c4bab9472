const STORED = 'enchilada-sign-in';

/** The way somebody signed in last in this browser: the id of a provider, or `local`. */
export function lastChoice(): string | undefined {
  return localStorage.getItem(STORED) ?? undefined;
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
