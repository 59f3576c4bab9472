import {
  type CredentialRecord,
  type CredentialVault,
  fillPlace,
  isPlacedByGivenName,
  type KeyEncryption,
  Secret,
  SecretBytes,
  type SecretStore,
  type SecretStoreManifest,
  type SecretStoreRecord,
  type SecretStoreType,
  type WrappedKey,
} from '@enchilada/core/credential';
import { isDiscovered } from '@enchilada/core/discovery';
import { Fault } from '@enchilada/core/fault';
import type { Store } from '@enchilada/core/store';
import type { Target } from '@enchilada/core/target';
import type { Clock } from '@enchilada/core/time';

const READ_MS = 10_000;

interface Opened {
  readonly manifest: SecretStoreManifest;
  readonly opened: SecretStore;
}

export interface SecretStoresParts {
  readonly store: Store;
  readonly keys: KeyEncryption;
  readonly types: readonly SecretStoreType[];
  readonly clock: Clock;
}

/** The stores of secrets outside. INVARIANT: what they answer is given to the one session that asked, and kept nowhere. */
export class SecretStores {
  readonly types: ReadonlyMap<string, SecretStoreType>;
  readonly #parts: SecretStoresParts;

  constructor(parts: SecretStoresParts) {
    this.#parts = parts;
    this.types = new Map(parts.types.map((type) => [type.manifest.kind, type]));
  }

  /** @throws Fault INVALID_REQUEST */
  typeOf(kind: string): SecretStoreType {
    const type = this.types.get(kind);
    if (type === undefined)
      throw new Fault('INVALID_REQUEST', `kind must be one of ${[...this.types.keys()].join(', ')}`, {
        facts: { field: 'body/kind' },
      });
    return type;
  }

  seal(id: string, secret: Secret): Promise<WrappedKey> {
    return this.#parts.keys.wrap(new SecretBytes(new TextEncoder().encode(secret.reveal())), storeSecretContext(id));
  }

  /** The vault, which goes outside for what lies outside. */
  around(vault: CredentialVault): CredentialVault {
    return {
      seal: (request) => vault.seal(request),
      unseal: async (record, leave) => {
        if (record.reference === undefined) return vault.unseal(record, leave);
        if (leave.target.credentialId !== record.id)
          throw new Fault('CREDENTIAL_UNAVAILABLE', 'the credential does not belong to the authorised target');
        const [secret, passphrase] = await this.#read(record, record.reference, leave.target);
        const { kind, username } = record;
        if (kind === 'password' && secret !== undefined) return { kind, username, password: secret };
        if (kind === 'private-key' && secret !== undefined)
          return { kind, username, privateKey: secret, ...(passphrase === undefined ? {} : { passphrase }) };
        throw new Fault('CREDENTIAL_MISSING', `the credential ${record.name} holds no ${kind}`);
      },
      signerOf: async (record, leave) => {
        const { reference, name } = record;
        if (leave.target.credentialId !== record.id)
          throw new Fault('CREDENTIAL_UNAVAILABLE', 'the credential does not belong to the authorised target');
        const { opened } = reference === undefined ? {} : await this.#open(name, reference.storeId);
        const sign = opened?.sign?.bind(opened);
        if (sign === undefined || reference === undefined)
          throw new Fault('CREDENTIAL_MISSING', `the secret store of ${name} signs nothing`);
        return {
          sign: (publicKey, request) => this.#limited((signal) => sign(reference.path, { publicKey, request }, signal)),
        };
      },
    };
  }

  async #read(
    { name, username }: CredentialRecord,
    { storeId, path, field, passphraseField }: NonNullable<CredentialRecord['reference']>,
    target: Target,
  ): Promise<readonly Secret[]> {
    const { opened, manifest } = await this.#open(name, storeId);
    if (manifest.passwordsOfMachines === true) {
      const computer = computerOf(path, target);
      return this.#limited((signal) => opened.read(computer, [username], signal));
    }
    return this.#limited((signal) =>
      opened.read(path, passphraseField === undefined ? [field] : [field, passphraseField], signal),
    );
  }

  async #open(name: string, storeId: string): Promise<Opened> {
    const record = await this.#parts.store.now.secretStores.find(storeId);
    if (record === undefined) throw new Fault('CREDENTIAL_MISSING', `the secret store of ${name} is gone`);
    const secret = record.secret === undefined ? undefined : await this.#unseal(record, record.secret);
    const type = this.typeOf(record.kind);
    return { manifest: type.manifest, opened: type.open({ id: record.id, parameters: record.parameters, secret }) };
  }

  async #limited<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const late = new AbortController();
    using _limit = this.#parts.clock.after(READ_MS, () => {
      late.abort();
    });
    return await work(late.signal);
  }

  async #unseal({ id }: SecretStoreRecord, wrapped: WrappedKey): Promise<Secret> {
    using bytes = await this.#parts.keys.unwrap(wrapped, storeSecretContext(id));
    return new Secret(new TextDecoder().decode(bytes.reveal()));
  }
}

/** INVARIANT: a discovered machine is called what its tags say, and a tag that anybody may set chooses no secret. @throws Fault SECRET_NOT_FOUND */
function computerOf(path: string, target: Target): string {
  if (isPlacedByGivenName(path) && isDiscovered(target))
    throw new Fault('SECRET_NOT_FOUND', `${path} is not for ${target.name}, whose name was discovered: use {host}`, {
      facts: { path },
    });
  return fillPlace(path, target);
}

export function storeSecretContext(id: string): string {
  return `secret-store ${id}`;
}
