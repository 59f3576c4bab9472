import type { PersonalKey, PersonalKeyId } from '../credential/index.ts';
import type { UserId } from '../identity/index.ts';

/** Keys go with their person. */
export interface PersonalKeyRepository {
  /** @throws Fault CONFLICT where the person has `most` already, however many are made at once. */
  insertWithin(key: PersonalKey, most: number): Promise<void>;
  /** The newest first. */
  listOf(user: UserId): Promise<readonly PersonalKey[]>;
  noteUse(id: PersonalKeyId, at: number): Promise<void>;
  /** Whether it was there, and theirs. */
  delete(user: UserId, id: PersonalKeyId): Promise<boolean>;
}
