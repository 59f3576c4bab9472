import type { KeyServiceType } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { Clock, RandomSource } from '@enchilada/core/time';
import { keyVaultCalls } from '../../shared/azure/key-vault-calls.ts';
import type { NodeIdentity } from '../../shared/azure/node-identity.ts';
import { type AddressForm, keyIdOf, readAddress } from '../shared/key-address.ts';
import { remoteKeyEncryption } from '../shared/remote-key.ts';

const FORM: AddressForm = {
  scheme: 'azure-key-vault',
  pattern: /^https:\/\/[^/\s@#]+\/keys\/[A-Za-z0-9-]{1,127}$/u,
  options: ['identity', 'clientId'],
  example: 'azure-key-vault:https://NAME.vault.azure.net/keys/enchilada',
};
const IDENTITIES: readonly NodeIdentity[] = ['managed', 'principal', 'workload'];
const ALGORITHM = 'RSA-OAEP-256';
const VERSION = /^[0-9a-f]{32}$/u;
const VERSION_LENGTH = 32;

/** An RSA key in Azure Key Vault. https://learn.microsoft.com/rest/api/keyvault/keys/wrap-key/wrap-key */
export function azureKeyVault({
  clock,
  random,
}: {
  readonly clock: Clock;
  readonly random: RandomSource;
}): KeyServiceType {
  return {
    scheme: FORM.scheme,
    label: 'Azure Key Vault',
    open(address) {
      const { key, option } = readAddress(address, FORM);
      const identity = (option('identity') ?? 'managed') as NodeIdentity;
      if (!IDENTITIES.includes(identity))
        throw new Fault(
          'CONFIGURATION_INVALID',
          `identity must be one of ${IDENTITIES.join(', ')}, received ${identity}`,
        );
      const { origin, pathname } = new URL(key);
      const path = pathname.slice(1);
      const call = keyVaultCalls({ url: origin, identity, clientId: option('clientId') });
      return Promise.resolve(
        remoteKeyEncryption({
          clock,
          random,
          remote: {
            keyId: keyIdOf(FORM.scheme, key),
            // RSA binds no purpose; the carrier's own sealing does.
            async wrap(bytes, { signal }) {
              const permission = `Microsoft.KeyVault/vaults/keys/read on ${key}`;
              const { key: newest } = (await call({ method: 'GET', path, permission, signal })) as {
                key?: { kid?: string };
              };
              const version = newest?.kid?.split('/').at(-1) ?? '';
              const value = await useKey({ action: 'wrap', version, bytes, signal });
              return Buffer.concat([Buffer.from(version, 'latin1'), value]);
            },
            unwrap(wrapped, { signal }) {
              const version = Buffer.from(wrapped.subarray(0, VERSION_LENGTH)).toString('latin1');
              return useKey({ action: 'unwrap', version, bytes: wrapped.subarray(VERSION_LENGTH), signal });
            },
          },
        }),
      );

      interface Use {
        readonly action: 'wrap' | 'unwrap';
        readonly version: string;
        readonly bytes: Uint8Array;
        readonly signal: AbortSignal;
      }

      async function useKey({ action, version, bytes, signal }: Use): Promise<Buffer> {
        if (!VERSION.test(version)) throw new Fault('KEY_UNAVAILABLE', `a wrapped key names no version of ${key}`);
        const answer = (await call({
          method: 'POST',
          path: `${path}/${version}/${action}key`,
          permission: `Microsoft.KeyVault/vaults/keys/${action}/action on ${key}`,
          body: { alg: ALGORITHM, value: Buffer.from(bytes).toString('base64url') },
          signal,
        })) as { readonly value?: unknown };
        if (typeof answer.value !== 'string') throw new Fault('KEY_UNAVAILABLE', `${origin} answered without a key`);
        return Buffer.from(answer.value, 'base64url');
      }
    },
  };
}
