import type { KeyServiceType } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { Clock, RandomSource } from '@enchilada/core/time';
import { askVault, signedIn, type VaultPlace } from '../../shared/vault/vault-calls.ts';
import { type AddressForm, keyIdOf, readAddress, readSecret } from '../shared/key-address.ts';
import { remoteKeyEncryption } from '../shared/remote-key.ts';

const FORM: AddressForm = {
  scheme: 'vault-transit',
  pattern: /^https:\/\/[^/\s@#]+(?:\/[A-Za-z0-9_.-]+)+\/keys\/[A-Za-z0-9_.-]+$/u,
  options: ['namespace', 'roleId', 'secret'],
  example: 'vault-transit:https://vault.example.net:8200/transit/keys/enchilada?secret=file:/etc/enchilada/vault-token',
};

/** A key of type aes256-gcm96 in the transit engine. https://developer.hashicorp.com/vault/api-docs/secret/transit */
export function vaultTransit({
  clock,
  random,
}: {
  readonly clock: Clock;
  readonly random: RandomSource;
}): KeyServiceType {
  return {
    scheme: FORM.scheme,
    label: 'Vault, OpenBao',
    open(address) {
      const { key, option } = readAddress(address, FORM);
      const { origin, pathname } = new URL(key);
      const [mount = '', name = ''] = pathname.slice(1).split('/keys/');
      const place: VaultPlace = { address: origin, namespace: option('namespace'), roleId: option('roleId') };

      async function ask(action: 'encrypt' | 'decrypt', input: object, signal: AbortSignal): Promise<string> {
        const path = `${mount}/${action}/${name}`;
        const secret = await readSecret(option('secret'));
        const answer = (await signedIn({ place, secret, signal }, (token) =>
          askVault(place, { method: 'POST', path, capability: `update on ${path}`, token, body: input }, signal),
        )) as { readonly data?: { readonly ciphertext?: unknown; readonly plaintext?: unknown } };
        const result = action === 'encrypt' ? answer.data?.ciphertext : answer.data?.plaintext;
        if (typeof result !== 'string')
          throw new Fault('KEY_UNAVAILABLE', `the vault answered ${action} without a key`);
        return result;
      }
      const encode = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64');
      return Promise.resolve(
        remoteKeyEncryption({
          clock,
          random,
          remote: {
            keyId: keyIdOf(FORM.scheme, key),
            async wrap(bytes, { purpose, signal }) {
              const input = { plaintext: encode(bytes), associated_data: encode(purpose) };
              return Buffer.from(await ask('encrypt', input, signal));
            },
            async unwrap(wrapped, { purpose, signal }) {
              const ciphertext = Buffer.from(wrapped).toString('latin1');
              // Which version of the key is in front, in the vault's own words: vault:v2:…
              if (!/^vault:v\d{1,9}:[A-Za-z0-9+/=]+$/u.test(ciphertext))
                throw new Fault('KEY_UNAVAILABLE', 'a wrapped key is not of the transit engine');
              return Buffer.from(
                await ask('decrypt', { ciphertext, associated_data: encode(purpose) }, signal),
                'base64',
              );
            },
          },
        }),
      );
    },
  };
}
