import type { AuthorizedTarget } from '@enchilada/core/access';
import {
  Secret,
  SecretBytes,
  type Credential,
  type CredentialRecord,
  type CredentialVault,
  type SealRequest,
} from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import { bindingOf, type EnvelopeParts, openBytes, sealBytes } from './envelope.ts';

const TABLE = 'credential';

/** Each secret under a data key of its own, the data key under the key-encryption key; both bound to the place where they lie. */
export function envelopeVault(parts: EnvelopeParts): CredentialVault {
  return {
    async seal(request) {
      using plain = new SecretBytes(encodeParts(request));
      const sealed = await sealBytes(parts, plain, bindingOf(TABLE, request.id, request.version));
      return { ...sealed, version: request.version };
    },

    async unseal(record: CredentialRecord, leave: AuthorizedTarget): Promise<Credential> {
      const { sealed } = record;
      if (leave.target.credentialId !== record.id)
        throw unavailable('the credential does not belong to the authorised target');
      if (sealed === undefined) throw missing(record);
      // A row may be renamed and keep its secret; a secret from a later version than the row's was put there.
      if (sealed.version > record.version)
        throw unavailable(`version ${sealed.version} of the secret is newer than version ${record.version} of the row`);
      using plain = await openBytes(parts, sealed, bindingOf(TABLE, record.id, sealed.version));
      const { password, privateKey, passphrase } = decodeParts(plain.reveal());
      const { kind, username } = record;
      if (kind === 'password' && password !== undefined) return { kind, username, password };
      // What a launch password is opened with.
      if ((kind === 'private-key' || kind === 'launch-password') && privateKey !== undefined)
        return { kind: 'private-key', username, privateKey, ...(passphrase === undefined ? {} : { passphrase }) };
      throw missing(record);
    },
  };
}

function missing({ name, kind }: CredentialRecord): Fault {
  return new Fault('CREDENTIAL_MISSING', `the credential ${name} holds no ${kind}`);
}

function unavailable(message: string): Fault {
  return new Fault('CREDENTIAL_UNAVAILABLE', message);
}

const PARTS = ['password', 'privateKey', 'passphrase'] as const;

/** Per part: its number (1), its length (4), its UTF-8. Bytes, because the text that JSON would make of it could not be overwritten. */
function encodeParts(request: SealRequest): Uint8Array {
  const texts = PARTS.map((part) => request[part]?.reveal());
  const out = Buffer.alloc(
    texts.reduce(
      (sum, text) => sum + (text === undefined ? 0 : 1 /* part */ + 4 /* length */ + Buffer.byteLength(text, 'utf8')),
      0,
    ),
  );
  let at = 0;
  texts.forEach((text, part) => {
    if (text === undefined) return;
    const length = out.write(text, at + 5, 'utf8');
    out.writeUInt8(part, at);
    out.writeUInt32BE(length, at + 1);
    at += 5 + length;
  });
  return out;
}

function decodeParts(plain: Uint8Array): Partial<Record<(typeof PARTS)[number], Secret>> {
  const bytes = Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength);
  const parts: Partial<Record<(typeof PARTS)[number], Secret>> = {};
  for (let at = 0; at + 5 <= bytes.length;) {
    const part = PARTS[bytes.readUInt8(at)];
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    if (part === undefined || end > bytes.length)
      throw unavailable('the sealed credential was written by a newer release');
    parts[part] = new Secret(bytes.toString('utf8', at + 5, end));
    at = end;
  }
  return parts;
}
