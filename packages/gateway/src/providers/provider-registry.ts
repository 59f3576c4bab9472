import { type KeyEncryption, Secret, SecretBytes, type WrappedKey } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type {
  IdentityProvider,
  PasswordProvider,
  ProviderId,
  ProviderKind,
  ProviderRecord,
  ProviderType,
  ProxyProvider,
  RedirectProvider,
} from '@enchilada/core/identity';
import type { Store } from '@enchilada/core/store';

export interface ProviderRegistryParts {
  readonly store: Store;
  readonly keys: KeyEncryption;
  readonly types: readonly ProviderType[];
}

export interface OpenProvider<P extends IdentityProvider = IdentityProvider> {
  readonly record: ProviderRecord;
  readonly provider: P;
}

/** The configured providers, opened when they are first asked and again after each change. */
export class ProviderRegistry {
  readonly #parts: ProviderRegistryParts;
  readonly types: ReadonlyMap<ProviderKind, ProviderType>;
  readonly #opened = new Map<ProviderId, { readonly version: number; readonly provider: IdentityProvider }>();

  constructor(parts: ProviderRegistryParts) {
    this.#parts = parts;
    this.types = new Map(parts.types.map((type) => [type.manifest.kind, type]));
  }

  /** Those that the sign-in page offers. */
  async offered(): Promise<readonly { readonly record: ProviderRecord; readonly way: IdentityProvider['way'] }[]> {
    return (await this.#parts.store.now.providers.list()).flatMap((record) => {
      const way = this.types.get(record.kind)?.manifest.way;
      return record.enabled && way !== undefined ? [{ record, way }] : [];
    });
  }

  /** INVARIANT: a provider that is switched off signs nobody in. @throws Fault NOT_FOUND */
  async redirecting(id: ProviderId): Promise<OpenProvider<RedirectProvider>> {
    const { record, provider } = await this.open(id);
    if (provider.way !== 'redirect') throw notThere();
    return { record, provider };
  }

  /** @throws Fault NOT_FOUND */
  async behind(id: ProviderId): Promise<OpenProvider<ProxyProvider>> {
    const { record, provider } = await this.open(id);
    if (provider.way !== 'proxy') throw notThere();
    return { record, provider };
  }

  /** @throws Fault NOT_FOUND */
  async asking(id: ProviderId): Promise<OpenProvider<PasswordProvider>> {
    const { record, provider } = await this.open(id);
    if (provider.way !== 'password') throw notThere();
    return { record, provider };
  }

  /** @throws Fault NOT_FOUND */
  async open(id: ProviderId): Promise<OpenProvider> {
    const known = await this.known(id);
    if (!known.record.enabled) throw notThere();
    return known;
  }

  /** Also one that is switched off, which signs nobody in. @throws Fault NOT_FOUND */
  async known(id: ProviderId): Promise<OpenProvider> {
    const record = await this.#parts.store.now.providers.find(id);
    if (record === undefined) throw notThere();
    const kept = this.#opened.get(id);
    if (kept?.version === record.version) return { record, provider: kept.provider };
    const secret = record.secret === undefined ? undefined : await this.#unseal(id, record.secret);
    const provider = await this.typeOf(record.kind).open({ id, parameters: record.parameters, secret });
    this.#opened.set(id, { version: record.version, provider });
    return { record, provider };
  }

  /** @throws Fault INVALID_REQUEST */
  typeOf(kind: ProviderKind): ProviderType {
    const type = this.types.get(kind);
    if (type === undefined)
      throw new Fault('INVALID_REQUEST', `kind must be one of ${[...this.types.keys()].join(', ')}`, {
        facts: { field: 'body/kind' },
      });
    return type;
  }

  seal(id: ProviderId, secret: Secret): Promise<WrappedKey> {
    return this.#parts.keys.wrap(new SecretBytes(new TextEncoder().encode(secret.reveal())), providerSecretContext(id));
  }

  async #unseal(id: ProviderId, wrapped: WrappedKey): Promise<Secret> {
    using bytes = await this.#parts.keys.unwrap(wrapped, providerSecretContext(id));
    return new Secret(new TextDecoder().decode(bytes.reveal()));
  }
}

export function providerSecretContext(id: ProviderId): string {
  return `identity-provider ${id}`;
}

function notThere(): Fault {
  return new Fault('NOT_FOUND', 'there is no such way to sign in');
}
