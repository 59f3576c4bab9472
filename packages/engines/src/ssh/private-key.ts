import { createPrivateKey, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Credential } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import ssh2, { type ParsedKey } from 'ssh2';
import type { DecryptReply, DecryptRequest } from './decrypt-key-worker.ts';
import { unpooled } from './unpooled.ts';

type PrivateKeyCredential = Extract<Credential, { kind: 'private-key' }>;

function sshString(bytes: Uint8Array | string): Buffer {
  const data = Buffer.from(bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return Buffer.concat([length, data]);
}

/** Ed25519 in OpenSSH's own format (openssh-portable PROTOCOL.key), the only one in which ssh2 reads that type. */
function opensshEd25519(key: KeyObject): string {
  const { x = '', d = '' } = key.export({ format: 'jwk' });
  const publicKey = Buffer.from(x, 'base64url');
  const publicBlob = Buffer.concat([sshString('ssh-ed25519'), sshString(publicKey)]);
  const inner = Buffer.concat([
    Buffer.alloc(8) /* checkint twice */,
    sshString('ssh-ed25519'),
    sshString(publicKey),
    sshString(Buffer.concat([Buffer.from(d, 'base64url'), publicKey])),
    sshString('') /* comment */,
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (inner.length % 8)) % 8 }, (_, index) => index + 1));
  const blob = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    sshString('none') /* cipher */,
    sshString('none') /* kdf */,
    sshString(''),
    Buffer.from([0, 0, 0, 1]),
    sshString(publicBlob),
    sshString(Buffer.concat([inner, padding])),
  ]);
  const lines = blob.toString('base64').match(/.{1,70}/gu) ?? [];
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${lines.join('\n')}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

/** PKCS #8 (RFC 5958), which ssh2 does not read, in a form that it does. */
function fromPkcs8(pem: string, passphrase: string | undefined): string {
  const key = createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase }) });
  switch (key.asymmetricKeyType) {
    case 'ed25519':
      return opensshEd25519(key);
    case 'ec':
      return key.export({ type: 'sec1', format: 'pem' }).toString();
    case 'rsa':
      return key.export({ type: 'pkcs1', format: 'pem' }).toString();
    default:
      throw new Fault(
        'CREDENTIAL_UNREADABLE',
        `private keys of type ${key.asymmetricKeyType ?? 'unknown'} are not supported`,
      );
  }
}

/** OpenSSH's own form is encrypted under bcrypt_pbkdf, which takes ssh2 0.3 s of JavaScript: on its own thread, so that no session waits. */
async function decryptOpenssh(request: DecryptRequest): Promise<string> {
  const worker = new Worker(new URL('./decrypt-key-worker.ts', import.meta.url), { workerData: request });
  try {
    const [reply] = (await once(worker, 'message')) as [DecryptReply];
    if ('failure' in reply) throw new Error(reply.failure);
    return reply.pem;
  } finally {
    await worker.terminate();
  }
}

function readable(pem: string, passphrase: string | undefined): string | Promise<string> {
  const isOpenssh = pem.startsWith('-----BEGIN OPENSSH PRIVATE KEY-----');
  return isOpenssh && passphrase !== undefined ? decryptOpenssh({ privateKey: pem, passphrase }) : pem;
}

async function parse(credential: PrivateKeyCredential): Promise<ParsedKey> {
  const passphrase = credential.passphrase?.reveal();
  const pem = await readable(`${credential.privateKey.reveal().trim()}\n`, passphrase);
  const isPkcs8 = /^-----BEGIN (?:ENCRYPTED )?PRIVATE KEY-----/u.test(pem);
  const parsed = unpooled(() =>
    isPkcs8 ? ssh2.utils.parseKey(fromPkcs8(pem, passphrase)) : ssh2.utils.parseKey(pem, passphrase),
  );
  // Of several keys in one file, which the library answers as a list that its types keep quiet about, the first.
  const key = [parsed as ParsedKey | Error | readonly ParsedKey[]].flat()[0];
  if (key === undefined || key instanceof Error) throw key ?? new Error('no key found');
  if (!key.isPrivateKey()) throw new Error('only the public half was given');
  return key;
}

/**
 * Reads a private key: OpenSSH, PEM (PKCS #1, SEC 1, PKCS #8) and PuTTY, encrypted or not.
 * @throws Fault CREDENTIAL_UNREADABLE
 */
export async function readPrivateKey(credential: PrivateKeyCredential): Promise<ParsedKey> {
  try {
    return await parse(credential);
  } catch (cause) {
    if (cause instanceof Fault) throw cause;
    const encrypted = cause instanceof Error && /passphrase|decrypt|integrity|bad password/iu.test(cause.message);
    const why = encrypted
      ? 'it is encrypted and the passphrase is missing or wrong'
      : 'its format is unknown or damaged';
    throw new Fault('CREDENTIAL_UNREADABLE', `the private key cannot be read: ${why}`, { facts: { encrypted } });
  }
}

/** The key, refusing to sign with SHA-1: ssh2 falls back to `ssh-rsa` where a server does not say what it takes (RFC 8308 section 3.1). */
export function withoutSha1(key: ParsedKey): ParsedKey {
  const sign = key.sign.bind(key);
  key.sign = (data, algorithm) =>
    key.type === 'ssh-rsa' && (algorithm === undefined || algorithm === 'sha1')
      ? // ssh2's contract: a failure is a returned error.
        (new Error('the target takes SHA-1 signatures of RSA keys only') as unknown as Buffer)
      : sign(data, algorithm);
  return key;
}
