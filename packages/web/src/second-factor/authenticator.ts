import type {
  PasskeyAssertion,
  PasskeyCreation,
  PasskeyCreationOptions,
  PasskeyRequestOptions,
} from '@enchilada/contract';

/** The person closed the browser's dialog, or it found nothing; `known`: this authenticator holds a passkey already. */
export class PasskeyAbandoned extends Error {
  readonly reason: 'cancelled' | 'known';

  constructor(reason: 'cancelled' | 'known', options?: ErrorOptions) {
    super(reason, options);
    this.name = 'PasskeyAbandoned';
    this.reason = reason;
  }
}

function toBytes(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(binary, (sign) => sign.charCodeAt(0));
}

function toText(bytes: ArrayBuffer): string {
  const binary = Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function credentials(list: PasskeyRequestOptions['allowCredentials']): PublicKeyCredentialDescriptor[] {
  return list.map(({ id, type, transports }) => ({
    id: toBytes(id),
    type,
    transports: transports as AuthenticatorTransport[],
  }));
}

async function ask(ceremony: Promise<Credential | null>): Promise<PublicKeyCredential> {
  try {
    const credential = await ceremony;
    if (credential instanceof PublicKeyCredential) return credential;
    throw new PasskeyAbandoned('cancelled');
  } catch (cause) {
    if (cause instanceof DOMException)
      throw new PasskeyAbandoned(cause.name === 'InvalidStateError' ? 'known' : 'cancelled', { cause });
    throw cause;
  }
}

/** @throws PasskeyAbandoned */
export async function createPasskey(options: PasskeyCreationOptions): Promise<PasskeyCreation> {
  const { challenge, user, excludeCredentials, ...rest } = options;
  const publicKey = {
    ...rest,
    challenge: toBytes(challenge),
    user: { ...user, id: toBytes(user.id) },
    excludeCredentials: credentials(excludeCredentials),
  };
  const credential = await ask(navigator.credentials.create({ publicKey }));
  const response = credential.response as AuthenticatorAttestationResponse;
  return {
    credentialId: toText(credential.rawId),
    clientDataJSON: toText(response.clientDataJSON),
    attestationObject: toText(response.attestationObject),
    transports: response.getTransports().filter((name) => /^[a-z-]{1,32}$/u.test(name)),
  };
}

/** @throws PasskeyAbandoned */
export async function askPasskey(options: PasskeyRequestOptions): Promise<PasskeyAssertion> {
  const { challenge, allowCredentials, ...rest } = options;
  const publicKey = { ...rest, challenge: toBytes(challenge), allowCredentials: credentials(allowCredentials) };
  const credential = await ask(navigator.credentials.get({ publicKey }));
  const response = credential.response as AuthenticatorAssertionResponse;
  const handle = response.userHandle;
  return {
    credentialId: toText(credential.rawId),
    clientDataJSON: toText(response.clientDataJSON),
    authenticatorData: toText(response.authenticatorData),
    signature: toText(response.signature),
    ...(handle === null || handle.byteLength === 0 ? {} : { userHandle: toText(handle) }),
  };
}
