import { createHash } from 'node:crypto';
import {
  type Credential,
  type CredentialIssuer,
  MOST_PERSONAL_KEYS,
  type PersonalKey,
  type RowSealer,
  Secret,
  SecretBytes,
} from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { Store, StoreTransaction } from '@enchilada/core/store';
import { type Clock, type RandomSource, randomId } from '@enchilada/core/time';

/** A row keeps its key for life. */
const VERSION = 1;

export interface PersonalKeysParts {
  readonly store: Store;
  readonly rows: RowSealer;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly makeKey: () => { readonly publicKey: string; readonly privateKey: Secret };
  readonly report: (message: string, cause: unknown) => void;
}

/** People's own OpenSSH keys: made here, sealed, used for their person alone, and never given out. */
export class PersonalKeys implements CredentialIssuer {
  readonly #parts: PersonalKeysParts;

  constructor(parts: PersonalKeysParts) {
    this.#parts = parts;
  }

  /** Sealed, to be inserted. */
  async make(userId: string, name: string): Promise<PersonalKey> {
    const { rows, clock, random, makeKey } = this.#parts;
    const id = `pky_${randomId(random)}`;
    const { publicKey, privateKey } = makeKey();
    const blob = Buffer.from(publicKey.split(' ')[1] ?? '', 'base64');
    using plain = new SecretBytes(new TextEncoder().encode(privateKey.reveal()));
    return {
      ...{ id, userId, name, publicKey },
      fingerprint: `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/u, '')}`,
      sealed: await rows.seal({ kind: 'personal-key', id, version: VERSION }, plain),
      ...{ createdAt: clock.now(), lastUsedAt: undefined },
    };
  }

  /** @throws Fault CONFLICT where the person has as many as they may */
  insert(tx: StoreTransaction, key: PersonalKey): Promise<void> {
    return tx.personalKeys.insertWithin(key, MOST_PERSONAL_KEYS);
  }

  /** INVARIANT: of the person for whom the machine is opened, whoever made the credential. @throws Fault PERSONAL_KEY_MISSING */
  async issue(
    record: Parameters<CredentialIssuer['issue']>[0],
    { target, identity }: Parameters<CredentialIssuer['issue']>[1],
  ): Promise<Credential> {
    const { store, clock, report } = this.#parts;
    if (target.credentialId !== record.id)
      throw new Fault('CREDENTIAL_UNAVAILABLE', 'the credential does not belong to the authorised target');
    const keys = await store.now.personalKeys.listOf(identity.user.id);
    const [privateKey, ...others] = await Promise.all(keys.map((key) => this.#open(key)));
    if (privateKey === undefined)
      throw new Fault('PERSONAL_KEY_MISSING', `${identity.user.username} has no OpenSSH key of their own yet`);
    const accepted = (index: number): void => {
      const key = keys[index];
      if (key === undefined) return;
      store.now.personalKeys.noteUse(key.id, clock.now()).catch((cause: unknown) => {
        report('the use of an OpenSSH key could not be noted', cause);
      });
    };
    return { kind: 'private-key', username: record.username, privateKey, personal: { others, accepted } };
  }

  async #open({ id, sealed }: PersonalKey): Promise<Secret> {
    using plain = await this.#parts.rows.open({ kind: 'personal-key', id, version: VERSION }, sealed);
    return new Secret(new TextDecoder().decode(plain.reveal()));
  }
}
