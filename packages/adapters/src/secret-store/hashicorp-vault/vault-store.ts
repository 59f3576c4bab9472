import { Secret, type SecretStore, type SecretStoreType } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import { boundedText } from '../shared/bounded-text.ts';
import { manifest, readConfig, type VaultConfig } from './vault-config.ts';

const REVOKE_MS = 2_000;

interface Asked {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** What the policy must allow, for whoever reads the refusal. */
  readonly capability: string;
  readonly token?: string | undefined;
  readonly body?: object;
}

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
        const token = await signIn(config, secret, signal);
        try {
          const answer = (await ask(
            config,
            { method: 'GET', path: place, capability: `read on ${place}`, token },
            signal,
          )) as {
            readonly data?: { readonly data?: Readonly<Record<string, unknown>> | null };
          };
          const values = answer.data?.data ?? {};
          return fields.map((field) => {
            const value = Object.hasOwn(values, field) ? values[field] : undefined;
            if (typeof value !== 'string' || value === '')
              throw new Fault('SECRET_NOT_FOUND', `${path} has no text under ${field}`, { facts: { path, field } });
            return new Secret(value);
          });
        } finally {
          // A token of ours alone ends with the reading.
          if (config.roleId !== undefined)
            await ask(
              config,
              { method: 'POST', path: 'auth/token/revoke-self', capability: 'update on auth/token/revoke-self', token },
              // Also where the reading itself took too long.
              AbortSignal.timeout(REVOKE_MS),
            ).catch(() => undefined);
        }
      },
    };
  },
};

async function signIn(config: VaultConfig, secret: Secret, signal: AbortSignal): Promise<string> {
  const { roleId } = config;
  if (roleId === undefined) return secret.reveal();
  const path = 'auth/approle/login';
  const body = { role_id: roleId, secret_id: secret.reveal() };
  const answer = (await ask(
    config,
    { method: 'POST', path, capability: 'a role id and secret id that are valid', body },
    signal,
  )) as {
    readonly auth?: { readonly client_token?: unknown };
  };
  const token = answer.auth?.client_token;
  if (typeof token !== 'string')
    throw new Fault('SECRET_STORE_UNAVAILABLE', 'the sign-in was answered without a token');
  return token;
}

/** INVARIANT: stays below the mount, whatever stands in the path. @throws Fault SECRET_NOT_FOUND */
function safePath(path: string): string {
  const segments = path.replaceAll(/^\/+|\/+$/gu, '').split('/');
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..'))
    throw new Fault('SECRET_NOT_FOUND', `${path} is no path of a secret`, { facts: { path } });
  return segments.map(encodeURIComponent).join('/');
}

async function ask({ address, namespace }: VaultConfig, asked: Asked, signal: AbortSignal): Promise<unknown> {
  const { method, path, token, body } = asked;
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${address}/v1/${path}`, {
      method,
      redirect: 'error',
      signal,
      headers: {
        'x-vault-request': 'true',
        ...(token === undefined ? {} : { 'x-vault-token': token }),
        ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    text = await boundedText(response);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    throw new Fault(
      'SECRET_STORE_UNAVAILABLE',
      signal.aborted ? 'the secret store did not answer in time' : 'the secret store cannot be reached',
      { cause },
    );
  }
  if (response.status === 204) return {};
  if (response.ok) return parsed(text);
  throw refusal(response.status, { ...asked, told: toldOf(text) });
}

function refusal(status: number, { path, capability, told }: Asked & { readonly told: string }): Fault {
  const facts = { path, permission: capability };
  if (status === 403 || (status === 400 && path.startsWith('auth/')))
    return new Fault('SECRET_STORE_DENIED', `the secret store refused: it needs ${capability}${told}`, { facts });
  if (status === 404)
    return new Fault('SECRET_NOT_FOUND', `there is no secret at ${path}, or its version was deleted${told}`, { facts });
  if (status === 429) return new Fault('SECRET_STORE_UNAVAILABLE', `the secret store is throttling${told}`, { facts });
  if (status === 503)
    return new Fault('SECRET_STORE_UNAVAILABLE', `the secret store is sealed or in maintenance${told}`, { facts });
  return new Fault('SECRET_STORE_UNAVAILABLE', `the secret store answered ${status}${told}`, { facts });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault('SECRET_STORE_UNAVAILABLE', 'the secret store answered what is no JSON', { cause });
  }
}

/** What it says of the reason. An answer that holds a secret is none of these. */
function toldOf(text: string): string {
  try {
    const { errors } = JSON.parse(text) as { readonly errors?: unknown };
    const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
    return typeof first === 'string' ? `: ${first.replaceAll(/\s+/gu, ' ').trim().slice(0, 200)}` : '';
  } catch {
    return '';
  }
}
