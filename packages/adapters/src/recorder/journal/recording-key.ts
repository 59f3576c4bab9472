import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { Fault } from '@enchilada/core/fault';
import type { RecordingSigner } from '@enchilada/core/recording';
import { openKeyFile } from '../../shared/private-file.ts';
import { sha256 } from './node-crypto.ts';

/**
 * The installation's recording key from a file of mode 0600, made at first start: PKCS #8 in PEM, Ed25519.
 * Whoever is root on the node can use it, so it says `assurance: local`. @throws Fault KEY_UNAVAILABLE
 */
export async function openRecordingKeyFile(options: { readonly path: string }): Promise<RecordingSigner> {
  const pem = await openKeyFile(options.path, () => {
    return generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  });
  let key;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw new Fault('KEY_UNAVAILABLE', `the recording key file ${options.path} holds no private key`, { cause });
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new Fault('KEY_UNAVAILABLE', `the recording key must be Ed25519, received ${String(key.asymmetricKeyType)}`);
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  return {
    keyId: sha256(publicKey).toString('hex').slice(0, 16),
    publicKey,
    assurance: 'local',
    sign: (message) => Promise.resolve(sign(undefined, message, key)),
  };
}
