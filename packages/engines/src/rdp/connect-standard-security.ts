import { createHash, randomBytes } from 'node:crypto';
import { Fault } from '@enchilada/core/fault';
import { Greeting } from '../shared/index.ts';
import { violation } from './codec/bytes.ts';
import { connectInitial, type ClientSettings } from './codec/settings.ts';
import { PROTOCOL, type Negotiated } from './codec/x224.ts';
import type { Machine, MachineRequest } from './machine.ts';
import { negotiate, readTpkt } from './negotiate.ts';
import { serverEncryption, StandardSecurity, type ServerEncryption } from './security/standard-security.ts';
import { unsignedCertificate } from './security/unsigned-certificate.ts';

/** The largest that a TPKT of MCS has any use for here. */
const MOST_RESPONSE_BYTES = 16 * 1024;
/** Of a desktop that is never opened. */
const NO_DESKTOP: ClientSettings = {
  size: { width: 1024, height: 768 },
  scale: undefined,
  skipsChannelJoin: false,
  channels: [],
  keyboardLayout: 0,
  colourDepth: 16,
  clientName: 'enchilada',
  selectedProtocol: PROTOCOL.rdp,
  console: false,
};

/** @throws Fault TARGET_NO_COMMON_ALGORITHM unless the machine's settings allow it */
export function permitStandardSecurity({ allowRdpSecurity, security }: MachineRequest['parameters']): void {
  if (allowRdpSecurity && security === 'any') return;
  const why = allowRdpSecurity
    ? `this machine is to be signed in to by ${security === 'nla' ? 'network level authentication' : 'TLS'}`
    : 'this machine does not allow it; switch on TLS or network level authentication there';
  throw new Fault(
    'TARGET_NO_COMMON_ALGORITHM',
    `the target offers RDP's own encryption alone, which proves no identity, and ${why}`,
  );
}

/**
 * A connection under RDP's own encryption. The machine shows its key in answer to a desktop's size and channels, which there are none of
 * before somebody looks, so one connection is made to see the key alone, and another to be opened: that shows the same key, or ends.
 * @throws Fault TARGET_*, HOST_KEY_*, CREDENTIAL_*
 */
export async function connectWithStandardSecurity(request: MachineRequest): Promise<Machine> {
  const { encryption, credential } = await meet(request);
  using greeting = new Greeting(await request.dialAgain(), request);
  try {
    const negotiated = await withoutTls(greeting, request);
    const { key, bits, isMutual } = encryption;
    return {
      stream: greeting.stream,
      protection: new StandardSecurity(encryption, (count) => randomBytes(count)),
      negotiated,
      certificates: [unsignedCertificate(request.hop.leave.target.host, key.spki)],
      credential,
      facts: {
        security: "RDP's own encryption",
        encryption: `RC4 with ${bits} bits${isMutual ? '' : ', towards the machine only'}`,
        identity: 'unproven',
        ...keyOf(encryption),
      },
    };
  } catch (failure) {
    greeting.abandon();
    throw failure;
  }
}

const keyOf = ({ key }: ServerEncryption) => ({
  hostKeyType: 'rdp-rsa',
  hostKeyFingerprint: `SHA256:${createHash('sha256').update(key.spki).digest('base64').replace(/=+$/u, '')}`,
});

/** Sees the machine's key, and gets the credential once that was accepted. Nothing vouches for such a key, so each is pinned or asked for. */
async function meet(
  request: MachineRequest,
): Promise<{ readonly encryption: ServerEncryption; readonly credential: Machine['credential'] }> {
  using greeting = new Greeting(await request.dialAgain(), request);
  try {
    await withoutTls(greeting, request);
    greeting.stream.write(connectInitial(NO_DESKTOP));
    const encryption = serverEncryption(await readTpkt(greeting.reader, MOST_RESPONSE_BYTES));
    request.progress('host-identity');
    const { hostKeyType: keyType, hostKeyFingerprint: fingerprint } = keyOf(encryption);
    await greeting.verifyKey({ keyType, key: encryption.key.spki, fingerprint });
    request.progress('credential');
    return { encryption, credential: await greeting.credential() };
  } finally {
    greeting.abandon();
  }
}

async function withoutTls(greeting: Greeting, { parameters }: MachineRequest): Promise<Negotiated> {
  const negotiated = await negotiate(greeting, PROTOCOL.rdp, parameters);
  if ('refusal' in negotiated)
    throw new Fault('TARGET_NO_COMMON_ALGORITHM', `the target refuses the connection: ${negotiated.refusal}`);
  if (negotiated.protocol !== PROTOCOL.rdp)
    throw violation(`it chose the security protocol ${negotiated.protocol}, which it was not offered`);
  return negotiated;
}
