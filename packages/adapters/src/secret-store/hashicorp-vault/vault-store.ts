import { Secret, type SecretStore, type SecretStoreType } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import { askVault, signedIn } from '../../shared/vault/vault-calls.ts';
import { manifest, readConfig } from './vault-config.ts';

/** The key/value engine, version 2. https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2 */
export const hashicorpVault: SecretStoreType = {
  manifest,
  open({ parameters, secret }): SecretStore {
    const config = readConfig(parameters);
    if (config.address === '')
      throw new Fault('INVALID_REQUEST', 'address must be given', { facts: { field: 'body/parameters/address' } });
    return {
      async read(path, fields, signal) {
        if (secret === undefined)
          throw new Fault('SECRET_STORE_DENIED', 'no token or secret id is stored for the secret store', {
            facts: { permission: 'a token or secret id' },
          });
        const place = `${config.mount}/data/${safePath(path)}`;
        const answer = (await signedIn({ place: config, secret, signal }, (token) =>
          askVault(config, { method: 'GET', path: place, capability: `read on ${place}`, token }, signal),
        )) as { readonly data?: { readonly data?: Readonly<Record<string, unknown>> | null } };
        const values = answer.data?.data ?? {};
        return fields.map((field) => {
          const value = Object.hasOwn(values, field) ? values[field] : undefined;
          if (typeof value !== 'string' || value === '')
            throw new Fault('SECRET_NOT_FOUND', `${path} has no text under ${field}`, { facts: { path, field } });
          return new Secret(value);
        });
      },
    };
  },
};

/** INVARIANT: stays below the mount, whatever stands in the path. @throws Fault SECRET_NOT_FOUND */
function safePath(path: string): string {
  const segments = path.replaceAll(/^\/+|\/+$/gu, '').split('/');
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..'))
    throw new Fault('SECRET_NOT_FOUND', `${path} is no path of a secret`, { facts: { path } });
  return segments.map(encodeURIComponent).join('/');
}
