import ssh2, { type ParsedKey } from 'ssh2';

export interface HostKeyPair {
  readonly privateKey: string;
  readonly publicKey: ParsedKey;
}

/** ssh2 1.17 loses a leading zero byte of a public key that it makes, in one pair of 256, and cannot read what is left: another pair is made. */
export function makeHostKeyPair(): HostKeyPair {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519');
    const publicKey = ssh2.utils.parseKey(pair.public);
    if (!(publicKey instanceof Error) && !Array.isArray(publicKey)) return { privateKey: pair.private, publicKey };
  }
}
