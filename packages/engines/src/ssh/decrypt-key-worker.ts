import { parentPort, workerData } from 'node:worker_threads';
import ssh2, { type ParsedKey } from 'ssh2';

export interface DecryptRequest {
  readonly privateKey: string;
  readonly passphrase: string;
}

export type DecryptReply = { readonly pem: string } | { readonly failure: string };

function decrypt({ privateKey, passphrase }: DecryptRequest): DecryptReply {
  const parsed = ssh2.utils.parseKey(privateKey, passphrase);
  const key = [parsed as ParsedKey | Error | readonly ParsedKey[]].flat()[0];
  if (key instanceof Error) return { failure: key.message };
  return key?.isPrivateKey() === true ? { pem: key.getPrivatePEM() } : { failure: 'only the public half was given' };
}

parentPort?.postMessage(decrypt(workerData as DecryptRequest));
