import type { Grant } from '../access/index.ts';
import type { GroupId, User, UserId } from '../identity/index.ts';
import type { Target, TargetGroup } from '../target/index.ts';

/** What the policy looks at, by kind, as it is kept for later: without what no decision rests on. */
export interface PolicyStates {
  readonly user: Pick<User, 'id' | 'username' | 'displayName' | 'role' | 'disabledAt'>;
  readonly group: { readonly id: GroupId; readonly name: string };
  /** The groups of the person who has this id. */
  readonly membership: { readonly id: UserId; readonly groups: readonly GroupId[] };
  readonly target: Pick<Target, 'id' | 'name' | 'protocol' | 'groupId' | 'labels' | 'goneAt'>;
  readonly 'target-group': TargetGroup;
  readonly grant: Grant;
}
export type PolicyKind = keyof PolicyStates;

/**
 * What access rested on at any time since the history began, by the database's clock. Append only: there is neither update nor delete.
 * The repositories whose rows the policy looks at write it, in the transaction of the change.
 */
export interface PolicyHistoryRepository {
  /** Since when it is known. */
  knownSince(): Promise<number>;
  /** The catalog's version that held then; undefined for a time before the history. */
  versionAt(time: number): Promise<number | undefined>;
  /** All that there was at that version, or of it what has one of the ids. */
  states<K extends PolicyKind>(
    kind: K,
    version: number,
    ids?: readonly string[],
  ): Promise<ReadonlyMap<string, PolicyStates[K]>>;
}
