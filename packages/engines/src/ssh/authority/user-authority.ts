import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign as signWith,
  type KeyObject,
} from 'node:crypto';
import {
  SecretBytes,
  type AuthorityKey,
  type CertificateAuthority,
  type AuthorityKeySealer,
} from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { Store } from '@enchilada/core/store';
import { randomId, type Clock, type RandomSource } from '@enchilada/core/time';
import { readForeignCertificate } from './foreign-certificate.ts';
import { trustFile, trustSteps } from './trust-steps.ts';
import { KEY_TYPE, publicBlob, userCertificate } from './user-certificate.ts';

const SEED_BYTES = 32;
const NONCE_BYTES = 32;
/** RFC 8410 section 7: what stands before the 32 bytes of an Ed25519 key in PKCS #8. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

export interface UserAuthorityParts {
  readonly store: Store;
  readonly sealer: AuthorityKeySealer;
  readonly clock: Clock;
  readonly random: RandomSource;
}

/** Signs user certificates for OpenSSH with an Ed25519 key that lies sealed in the database. Nothing unsealed is kept between two certificates. */
export function createUserAuthority(parts: UserAuthorityParts): CertificateAuthority {
  const { store, sealer, clock, random } = parts;
  return {
    async issue(request, signer) {
      if (signer !== undefined) {
        const pair = generateKeyPairSync('ed25519');
        const publicKey = rawPublic(pair.publicKey);
        const certificate = await signer.sign(`${KEY_TYPE} ${publicBlob(publicKey).toString('base64')}`, request);
        const { serial, authority } = readForeignCertificate(certificate, { request, publicKey });
        return {
          serial: serial.toString(),
          certificate,
          authority,
          sign: (data) => signWith(null, data, pair.privateKey),
        };
      }
      const key = await store.now.authority.current();
      if (key === undefined) throw new Fault('CREDENTIAL_MISSING', 'the certificate authority has no signing key yet');
      using seed = await sealer.open(key.id, key.sealed);
      const authority = privateKeyOf(seed);
      const pair = generateKeyPairSync('ed25519');
      const serial = Buffer.from(random.bytes(8)).readBigUInt64BE() >> 1n;
      const certificate = userCertificate({
        request,
        serial,
        publicKey: rawPublic(pair.publicKey),
        authorityKey: rawPublic(createPublicKey(authority)),
        nonce: random.bytes(NONCE_BYTES),
        sign: (data) => signWith(null, data, authority),
      });
      return {
        serial: serial.toString(),
        certificate,
        authority: key.fingerprint,
        sign: (data) => signWith(null, data, pair.privateKey),
      };
    },

    async makeKey(state): Promise<AuthorityKey> {
      const id = `cak_${randomId(random)}`;
      using seed = new SecretBytes(random.bytes(SEED_BYTES));
      const blob = publicBlob(rawPublic(createPublicKey(privateKeyOf(seed))));
      return {
        id,
        state,
        publicKey: `${KEY_TYPE} ${blob.toString('base64')}`,
        fingerprint: `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/u, '')}`,
        sealed: await sealer.seal(id, seed),
        createdAt: clock.now(),
      };
    },

    trust: (keys) => ({ file: trustFile(keys), steps: trustSteps(keys) }),
  };
}

function privateKeyOf(seed: SecretBytes): KeyObject {
  const der = new Uint8Array(PKCS8_HEAD.length + SEED_BYTES);
  der.set(PKCS8_HEAD);
  der.set(seed.reveal(), PKCS8_HEAD.length);
  try {
    return createPrivateKey({ key: Buffer.from(der.buffer), format: 'der', type: 'pkcs8' });
  } finally {
    der.fill(0);
  }
}

function rawPublic(key: KeyObject): Buffer {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url');
}
