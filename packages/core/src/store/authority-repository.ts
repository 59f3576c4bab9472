import type { AuthorityKey } from '../credential/index.ts';

/** INVARIANT: at most one key of each state, held by the database. */
export interface AuthorityRepository {
  list(): Promise<readonly AuthorityKey[]>;
  current(): Promise<AuthorityKey | undefined>;
  /** @throws Fault CONFLICT where there is a key of that state. */
  insert(key: AuthorityKey): Promise<void>;
  /** `next` becomes `current`, what was current becomes `previous`, and an older `previous` goes. @throws Fault CONFLICT where the key is not next. */
  activate(id: string): Promise<void>;
  /** @throws Fault CONFLICT for the current one. */
  delete(id: string): Promise<void>;
}
