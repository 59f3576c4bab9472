import { Readable, Transform } from 'node:stream';
import { Fault } from '@enchilada/core/fault';
import { settledBefore, toldBy } from '../settled.ts';

const MOST_BYTES = 1024 * 1024;
const ATTEMPTS = 3;
const CONNECT_MS = 3_000;
const ANSWER_MS = 5_000;
const ROLE_SECONDS = 900;

const DENIED = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'CredentialsProviderError',
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'IncompleteSignatureException',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'OptInRequired',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
]);
const MISSING = new Set(['ResourceNotFoundException', 'ParameterNotFound', 'ParameterVersionNotFound']);
const THROTTLED = new Set(['LimitExceededException', 'Throttling', 'ThrottlingException', 'TooManyRequestsException']);

/** A role to take on, in another account as a rule. Empty: the node's own. */
export interface AssumedRole {
  readonly region: string;
  readonly roleArn: string | undefined;
  readonly externalId: string | undefined;
}

/** What every client of the SDK is made with. The node's own identity, or the role that it takes on; nothing is kept in the product. */
export async function clientSettings({ region, roleArn, externalId }: AssumedRole) {
  const { fromTemporaryCredentials } = await import('@aws-sdk/credential-providers');
  const requestHandler = { connectionTimeout: CONNECT_MS, requestTimeout: ANSWER_MS, throwOnRequestTimeout: true };
  if (roleArn === undefined) return { region, maxAttempts: ATTEMPTS, requestHandler };
  const credentials = fromTemporaryCredentials({
    params: {
      RoleArn: roleArn,
      RoleSessionName: 'enchilada',
      DurationSeconds: ROLE_SECONDS,
      ...(externalId === undefined ? {} : { ExternalId: externalId }),
    },
    clientConfig: { region, maxAttempts: ATTEMPTS, requestHandler },
  });
  return { region, maxAttempts: ATTEMPTS, requestHandler, credentials };
}

interface MiddlewareStack {
  add(
    middleware: (next: Handler) => Handler,
    options: { readonly step: 'deserialize'; readonly priority: 'low' },
  ): void;
}
type Handler = (args: never) => Promise<{ readonly response: unknown }>;

/** INVARIANT: no answer is larger in memory than any secret. Innermost, where the answer is still a stream. */
export function boundAnswers(client: { readonly middlewareStack: object }): void {
  const bound = (next: Handler): Handler => {
    return async (args) => {
      const output = await next(args);
      const response = output.response as { body?: unknown };
      if (response.body instanceof Readable) response.body = response.body.pipe(limit());
      return output;
    };
  };
  (client.middlewareStack as MiddlewareStack).add(bound, { step: 'deserialize', priority: 'low' });
}

function limit(): Transform {
  let length = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      length += chunk.length;
      if (length > MOST_BYTES) done(new Error(`the answer has more than ${MOST_BYTES} bytes`));
      else done(null, chunk);
    },
  });
}

export interface AwsCall {
  /** As policies name it, with the resource. */
  readonly permission: string;
  readonly signal: AbortSignal;
}

/** @throws Fault SECRET_STORE_DENIED, SECRET_NOT_FOUND, SECRET_STORE_UNAVAILABLE, in the operator's words */
export async function called<T>({ permission, signal }: AwsCall, work: () => Promise<T>): Promise<T> {
  try {
    return await settledBefore(signal, work());
  } catch (cause) {
    throw refusal(cause, { permission, signal });
  }
}

function refusal(cause: unknown, { permission, signal }: AwsCall): Fault {
  const facts = { permission };
  if (signal.aborted)
    return new Fault('SECRET_STORE_UNAVAILABLE', `AWS did not answer ${permission} in time`, { cause, facts });
  const name = cause instanceof Error ? cause.name : 'unknown';
  const told = toldBy(cause);
  // The role is taken on by whichever call needs it first; KMS is asked in the reader's name.
  const lacking = ['sts:AssumeRole', 'kms:Decrypt'].find((action) => told.includes(action)) ?? permission;
  if (DENIED.has(name))
    return new Fault('SECRET_STORE_DENIED', `AWS refused ${lacking}: ${told}`, {
      cause,
      facts: { permission: lacking },
    });
  if (MISSING.has(name))
    return new Fault('SECRET_NOT_FOUND', `AWS knows nothing for ${permission}: ${told}`, { cause, facts });
  if (THROTTLED.has(name))
    return new Fault('SECRET_STORE_UNAVAILABLE', `AWS throttled ${permission}: ${told}`, { cause, facts });
  return new Fault('SECRET_STORE_UNAVAILABLE', `${permission} failed: ${name}: ${told}`, { cause, facts });
}
