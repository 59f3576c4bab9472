import { Fault } from '@enchilada/core/fault';
import { settledBefore, toldBy } from '../settled.ts';
import { identityOf, type NodeIdentity } from './node-identity.ts';

const MOST_BYTES = 1024 * 1024;
const RETRIES = 2;
export const API_VERSION = '7.4';
const DENIED = new Set([401, 403]);
const CREDENTIAL_FAULTS = new Set([
  'CredentialUnavailableError',
  'AuthenticationError',
  'AuthenticationRequiredError',
  'AggregateAuthenticationError',
]);

export interface KeyVaultPlace {
  /** `https://NAME.vault.azure.net` */
  readonly url: string;
  readonly identity: NodeIdentity;
  readonly clientId: string | undefined;
}

export interface KeyVaultCall {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** As role definitions name it. */
  readonly permission: string;
  readonly body?: object;
  readonly signal: AbortSignal;
}

/** Whom a token is asked for: the vaults of the cloud that the address is in. */
function audienceOf(url: string): string {
  const cloud = /\.((?:vault|managedhsm)\.(?:azure\.net|azure\.cn|usgovcloudapi\.net))$/u.exec(
    new URL(url).hostname,
  )?.[1];
  return `https://${cloud ?? 'vault.azure.net'}`;
}

/**
 * Reads and writes of Key Vault through the SDK's own pipeline: tokens, retries with Retry-After, no redirects. The SDK is loaded at the first call.
 * @throws Fault SECRET_STORE_DENIED, SECRET_NOT_FOUND, SECRET_STORE_UNAVAILABLE, in the operator's words
 */
export function keyVaultCalls(place: KeyVaultPlace): (call: KeyVaultCall) => Promise<unknown> {
  let opened: ReturnType<typeof open> | undefined;
  return async (call) => {
    opened ??= open(place);
    const { send } = await opened;
    let status: number;
    let text: string;
    try {
      ({ status, text } = await settledBefore(call.signal, send(call)));
    } catch (cause) {
      throw failure(cause, place, call);
    }
    if (status === 200) return parsed(text);
    throw refusal(status, text, { place, call });
  };
}

async function open(place: KeyVaultPlace) {
  const [identity, sdk] = await Promise.all([import('@azure/identity'), import('@azure/core-rest-pipeline')]);
  const http = sdk.createDefaultHttpClient();
  const pipeline = sdk.createPipelineFromOptions({
    userAgentOptions: { userAgentPrefix: 'enchilada' },
    retryOptions: { maxRetries: RETRIES },
    redirectOptions: { maxRetries: 0 },
  });
  const scopes = `${audienceOf(place.url)}/.default`;
  pipeline.addPolicy(sdk.bearerTokenAuthenticationPolicy({ credential: identityOf(identity, place), scopes }), {
    phase: 'Sign',
  });
  return {
    async send({ method, path, body, signal }: KeyVaultCall) {
      const request = sdk.createPipelineRequest({
        url: `${place.url}/${path}?api-version=${API_VERSION}`,
        method,
        abortSignal: signal,
        streamResponseStatusCodes: new Set([Number.POSITIVE_INFINITY]),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        headers: sdk.createHttpHeaders(body === undefined ? {} : { 'content-type': 'application/json' }),
      });
      const { status, readableStreamBody } = await pipeline.sendRequest(http, request);
      return { status, text: await bounded(readableStreamBody) };
    },
  };
}

async function bounded(stream: NodeJS.ReadableStream | undefined): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream ?? []) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > MOST_BYTES)
      throw new Fault('SECRET_STORE_UNAVAILABLE', `Key Vault answered with more than ${MOST_BYTES} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function failure(cause: unknown, { url }: KeyVaultPlace, { permission, signal }: KeyVaultCall): Fault {
  if (cause instanceof Fault) return cause;
  const facts = { permission };
  const options = { cause, facts };
  if (signal.aborted) return new Fault('SECRET_STORE_UNAVAILABLE', `${url} did not answer in time`, options);
  const told = toldBy(cause);
  if (cause instanceof Error && CREDENTIAL_FAULTS.has(cause.name))
    return new Fault('SECRET_STORE_DENIED', `the node's identity could not be proved: ${told}`, {
      cause,
      facts: { permission: 'an identity of the node' },
    });
  return new Fault('SECRET_STORE_UNAVAILABLE', `${url} cannot be reached: ${told}`, options);
}

function refusal(
  status: number,
  text: string,
  { place: { url }, call: { permission } }: { readonly place: KeyVaultPlace; readonly call: KeyVaultCall },
): Fault {
  const facts = { permission };
  const told = toldBy(new Error(reasonOf(text)));
  if (DENIED.has(status)) return new Fault('SECRET_STORE_DENIED', `${url} refused ${permission}: ${told}`, { facts });
  if (status === 404) return new Fault('SECRET_NOT_FOUND', `${url} has no such thing: ${told}`, { facts });
  if (status === 429) return new Fault('SECRET_STORE_UNAVAILABLE', `${url} is throttling`, { facts });
  return new Fault('SECRET_STORE_UNAVAILABLE', `${url} answered ${status} to ${permission}: ${told}`, { facts });
}

/** Of an error alone: an answer that holds a secret is none. */
function reasonOf(text: string): string {
  try {
    const { error } = JSON.parse(text) as { readonly error?: { readonly code?: unknown; readonly message?: unknown } };
    return [error?.code, error?.message].filter((part) => typeof part === 'string').join(' ');
  } catch {
    // No JSON: a proxy's page, of which nothing is repeated.
    return '';
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Fault('SECRET_STORE_UNAVAILABLE', 'Key Vault answered what is no JSON', { cause });
  }
}
