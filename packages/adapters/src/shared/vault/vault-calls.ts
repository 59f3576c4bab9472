import { type Secret } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import { boundedText } from './bounded-text.ts';

const REVOKE_MS = 2_000;

/** A Vault or OpenBao, and how the gateway signs in there. */
export interface VaultPlace {
  readonly address: string;
  readonly namespace: string | undefined;
  /** Undefined: the secret is a token. Else it is the secret id of this AppRole. */
  readonly roleId: string | undefined;
}

export interface Asked {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** What the policy must allow, for whoever reads the refusal. */
  readonly capability: string;
  readonly token?: string | undefined;
  readonly body?: object;
}

interface SignIn {
  readonly place: VaultPlace;
  readonly secret: Secret;
  readonly signal: AbortSignal;
}

/** Does the work with a token: the one that is kept, or one of an AppRole that ends with the work. */
export async function signedIn<T>({ place, secret, signal }: SignIn, work: (token: string) => Promise<T>): Promise<T> {
  const token = await signIn({ place, secret, signal });
  try {
    return await work(token);
  } finally {
    if (place.roleId !== undefined) {
      const revoked = askVault(
        place,
        { method: 'POST', path: 'auth/token/revoke-self', capability: 'update on auth/token/revoke-self', token },
        // Also where the work itself took too long.
        AbortSignal.timeout(REVOKE_MS),
        // One that is not revoked ends by the lease of its role.
      ).catch(() => undefined);
      // Whoever has waited too long for the work does not wait for this too.
      if (!signal.aborted) await revoked;
    }
  }
}

async function signIn({ place, secret, signal }: SignIn): Promise<string> {
  const { roleId } = place;
  if (roleId === undefined) return secret.reveal();
  const path = 'auth/approle/login';
  const body = { role_id: roleId, secret_id: secret.reveal() };
  const answer = (await askVault(
    place,
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

/** @throws Fault SECRET_STORE_DENIED naming what is missing, SECRET_NOT_FOUND, SECRET_STORE_UNAVAILABLE */
export async function askVault(
  { address, namespace }: VaultPlace,
  asked: Asked,
  signal: AbortSignal,
): Promise<unknown> {
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
      signal.aborted ? 'the vault did not answer in time' : 'the vault cannot be reached',
      { cause },
    );
  }
  if (response.status === 204) return {};
  if (response.ok) return parsed(text);
  throw refusal(response.status, { ...asked, told: toldOf(text) });
}

function refusal(status: number, { path, capability, told }: Asked & { readonly told: string }): Fault {
  const facts = { path, permission: capability };
  // A role refuses what it does not allow as a bad request.
  if (status === 403 || (status === 400 && /^auth\/|\/sign\//u.test(path)))
    return new Fault('SECRET_STORE_DENIED', `the vault refused: it needs ${capability}${told}`, { facts });
  if (status === 404)
    return new Fault('SECRET_NOT_FOUND', `there is nothing at ${path}, or its version was deleted${told}`, { facts });
  if (status === 429) return new Fault('SECRET_STORE_UNAVAILABLE', `the vault is throttling${told}`, { facts });
  if (status === 503)
    return new Fault('SECRET_STORE_UNAVAILABLE', `the vault is sealed or in maintenance${told}`, { facts });
  return new Fault('SECRET_STORE_UNAVAILABLE', `the vault answered ${status}${told}`, { facts });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault('SECRET_STORE_UNAVAILABLE', 'the vault answered what is no JSON', { cause });
  }
}

/** What it says of the reason. An answer that holds a secret is none of these. */
function toldOf(text: string): string {
  try {
    const { errors } = JSON.parse(text) as { readonly errors?: unknown };
    const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
    return typeof first === 'string' ? `: ${first.replaceAll(/\s+/gu, ' ').trim().slice(0, 200)}` : '';
  } catch {
    // No JSON: a proxy's page, of which nothing is repeated.
    return '';
  }
}
