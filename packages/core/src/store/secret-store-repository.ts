import type { SecretStoreId, SecretStoreRecord } from '../credential/index.ts';

export interface SecretStoreRepository {
  list(): Promise<readonly (SecretStoreRecord & { readonly credentials: number })[]>;
  find(id: SecretStoreId): Promise<SecretStoreRecord | undefined>;
  /** @throws Fault CONFLICT where the name is taken. */
  insert(store: SecretStoreRecord): Promise<void>;
  /** Writes all columns where the stored version is `store.version`, and raises it. */
  update(store: SecretStoreRecord): Promise<SecretStoreRecord>;
  /** @throws Fault CONFLICT while a credential refers to it. */
  delete(id: SecretStoreId): Promise<void>;
}
