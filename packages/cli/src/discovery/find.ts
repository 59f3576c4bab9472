import type { SourceScope } from '@enchilada/contract';
import { pick } from '../catalog/find.ts';
import { CommandFailure } from '../frame/exit-code.ts';
import type { Api } from '../login/client.ts';

/** A listing failed, removals wait, or something is in trouble. */
export const INCOMPLETE = 5;

export async function findSource(api: Api, wanted: string) {
  const { items } = await api.listSources();
  if (items.length === 0)
    throw new CommandFailure(1, 'there is no source of machines yet; add one under Administration → Sources');
  return pick(items, wanted, { kind: 'source', name: ({ name }) => name });
}

export async function scopesOf(api: Api, id: string): Promise<readonly SourceScope[]> {
  return (await api.listSourceScopes({ params: { id } })).items;
}

/** An account as people call it, and as the cloud does. */
export function accountOf({ account, accountName }: Pick<SourceScope, 'account' | 'accountName'>): string {
  return accountName === '' || accountName === account ? account : `${accountName} (${account})`;
}

/** A word of a command that is shown, as a shell takes it. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/u.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

export function commandLine(...words: readonly string[]): string {
  return ['enchilada', ...words].map(shellWord).join(' ');
}
