import { type CertificateRequest, Secret, type SecretStore, type SecretStoreType } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import { askVault, signedIn } from '../../shared/vault/vault-calls.ts';
import { manifest, readConfig } from './vault-config.ts';

const BACKDATED_SECONDS = 60;
/** Below which mount is told by the path, and nothing but signing is asked for there. */
const SIGNING_ROLE = /^[^?#]+\/sign\/[A-Za-z0-9_.-]+$/u;

/** The key/value engine, version 2, and the SSH engine's authority. https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2 */
export const hashicorpVault: SecretStoreType = {
  manifest,
  open({ parameters, secret }): SecretStore {
    const config = readConfig(parameters);
    if (config.address === '')
      throw new Fault('INVALID_REQUEST', 'address must be given', { facts: { field: 'body/parameters/address' } });
    return {
      async read(path, fields, signal) {
        if (secret === undefined) throw withoutSecret();
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

      async sign(path, { publicKey, request }, signal) {
        if (secret === undefined) throw withoutSecret();
        const place = safePath(path);
        if (!SIGNING_ROLE.test(place))
          throw new Fault('SECRET_NOT_FOUND', `${path} is no path of a role that signs, which is MOUNT/sign/ROLE`, {
            facts: { path },
          });
        const answer = (await signedIn({ place: config, secret, signal }, (token) =>
          askVault(
            config,
            {
              method: 'POST',
              path: place,
              capability: `update on ${place}`,
              token,
              body: signingBody(publicKey, request),
            },
            signal,
          ),
        )) as { readonly data?: { readonly signed_key?: unknown } };
        const certificate = answer.data?.signed_key;
        if (typeof certificate !== 'string')
          throw new Fault('SECRET_STORE_UNAVAILABLE', 'the vault answered without a certificate');
        return certificate.trim();
      },
    };
  },
};

/** https://developer.hashicorp.com/vault/api-docs/secret/ssh#sign-ssh-key */
function signingBody(publicKey: string, { keyId, principals, notAfter, notBefore, ...terms }: CertificateRequest) {
  return {
    public_key: publicKey,
    cert_type: 'user',
    key_id: keyId,
    valid_principals: principals.join(','),
    // The vault counts from its own now; ours is a minute after `notBefore`.
    ttl: `${Math.max(30, Math.round((notAfter - notBefore) / 1_000) - BACKDATED_SECONDS)}s`,
    critical_options: terms.sourceNetworks.length === 0 ? {} : { 'source-address': terms.sourceNetworks.join(',') },
    extensions: { [terms.purpose === 'passage' ? 'permit-port-forwarding' : 'permit-pty']: '' },
  };
}

function withoutSecret(): Fault {
  return new Fault('SECRET_STORE_DENIED', 'no token or secret id is stored for the secret store', {
    facts: { permission: 'a token or secret id' },
  });
}

/** INVARIANT: stays below the mount, whatever stands in the path. @throws Fault SECRET_NOT_FOUND */
function safePath(path: string): string {
  const segments = path.replaceAll(/^\/+|\/+$/gu, '').split('/');
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..'))
    throw new Fault('SECRET_NOT_FOUND', `${path} is no path of a secret`, { facts: { path } });
  return segments.map(encodeURIComponent).join('/');
}
