import { createHash } from 'node:crypto';
import type { Secret } from '@enchilada/core/credential';
import { readPrivateKey } from './private-key.ts';

/** `SHA256:…` of the public half, as `ssh-keygen -l` prints it. @throws Fault CREDENTIAL_UNREADABLE */
export async function fingerprintPrivateKey(privateKey: Secret, passphrase: Secret | undefined): Promise<string> {
  const key = await readPrivateKey({
    kind: 'private-key',
    username: '',
    privateKey,
    ...(passphrase === undefined ? {} : { passphrase }),
  });
  return `SHA256:${createHash('sha256').update(key.getPublicSSH()).digest('base64').replace(/=+$/u, '')}`;
}
