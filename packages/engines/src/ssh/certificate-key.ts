import type { Credential } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import ssh2, { type Client, type ParsedKey } from 'ssh2';
import { internalsOf, sendPayload } from './ssh2-internals.ts';
import { unpooled } from './unpooled.ts';

type CertificateCredential = Extract<Credential, { kind: 'certificate' }>;

const CERTIFICATE_TYPE = 'ssh-ed25519-cert-v01@openssh.com';
const KEY_TYPE = 'ssh-ed25519';
const USERAUTH_REQUEST = 50;

function string(value: Uint8Array | string): Buffer {
  const data = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  return Buffer.concat([length, data]);
}

function readString(blob: Buffer, at: number): Buffer {
  const end = at + 4 + (at + 4 <= blob.length ? blob.readUInt32BE(at) : Infinity);
  if (end > blob.length) throw new Fault('CREDENTIAL_UNREADABLE', 'the certificate is cut');
  return blob.subarray(at + 4, end);
}

/**
 * A key in ssh2's form whose public half is the certificate and which signs with the plain key.
 * @throws Fault CREDENTIAL_UNREADABLE
 */
export function certificateKey({ certificate, sign }: CertificateCredential): ParsedKey {
  const [type, base64 = ''] = certificate.trim().split(/\s+/u);
  const blob = Buffer.from(base64, 'base64');
  if (type !== CERTIFICATE_TYPE || readString(blob, 0).toString() !== CERTIFICATE_TYPE)
    throw new Fault('CREDENTIAL_UNREADABLE', `a certificate of type ${CERTIFICATE_TYPE} was expected`);
  const nonce = readString(blob, 4 + CERTIFICATE_TYPE.length);
  const publicKey = readString(blob, 8 + CERTIFICATE_TYPE.length + nonce.length);
  const plain = ssh2.utils.parseKey(
    `${KEY_TYPE} ${Buffer.concat([string(KEY_TYPE), string(publicKey)]).toString('base64')}`,
  );
  if (plain instanceof Error)
    throw new Fault('CREDENTIAL_UNREADABLE', 'the certificate holds no key', { cause: plain });
  return Object.assign(Object.create(plain) as ParsedKey, {
    type: CERTIFICATE_TYPE,
    isPrivateKey: () => true,
    getPublicSSH: () => blob,
    sign: (data: Uint8Array) => Buffer.from(sign(data)),
  });
}

/**
 * Lets a client prove itself by a certificate. ssh2 1.17.0 writes the name of the algorithm into the signature too; there OpenSSH wants that of
 * the plain key (PROTOCOL.certkeys). Called after `connect`, which makes the protocol.
 */
export function offerCertificates(client: Client): void {
  const protocol = internalsOf(client)._protocol;
  const plainly = protocol.authPK.bind(protocol);
  // eslint-disable-next-line max-params -- the library's signature
  protocol.authPK = (username, key, algorithm, sign) => {
    if ((key.type as string) !== CERTIFICATE_TYPE || sign === undefined) {
      plainly(username, key, algorithm, sign);
      return;
    }
    unpooled(() => {
      // RFC 4252 section 7
      const request = Buffer.concat([
        Buffer.from([USERAUTH_REQUEST]),
        string(username),
        string('ssh-connection'),
        string('publickey'),
        Buffer.from([1]),
        string(CERTIFICATE_TYPE),
        string(key.getPublicSSH()),
      ]);
      sign(Buffer.concat([string(protocol._kex?.sessionID ?? ''), request]), (signature) => {
        const payload = Buffer.concat([request, string(Buffer.concat([string(KEY_TYPE), string(signature)]))]);
        protocol._authsQueue.push('publickey');
        sendPayload(internalsOf(client), payload);
      });
    });
  };
}
