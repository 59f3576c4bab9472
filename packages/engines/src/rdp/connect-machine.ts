import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { Fault } from '@enchilada/core/fault';
import { certificateFacts, Greeting, type PeerIdentity, type PeerReader } from '../shared/index.ts';
import { violation } from './codec/bytes.ts';
import { readDer } from './codec/der.ts';
import { PROTOCOL, isWithoutTls, type Negotiated } from './codec/x224.ts';
import { connectWithStandardSecurity, permitStandardSecurity } from './connect-standard-security.ts';
import type { Machine, MachineRequest } from './machine.ts';
import { negotiate } from './negotiate.ts';
import type { RdpParameters } from './rdp-manifest.ts';
import { accountOf } from './security/account.ts';
import { proveByNla } from './security/credssp.ts';
import { NtlmClient } from './security/ntlm.ts';
import { OF_THE_STREAM } from './security/protection.ts';

const REQUESTED: Readonly<Record<RdpParameters['security'], number>> = {
  any: PROTOCOL.ssl | PROTOCOL.hybrid | PROTOCOL.hybridEx,
  nla: PROTOCOL.hybrid | PROTOCOL.hybridEx,
  tls: PROTOCOL.ssl,
};
const MOST_DER_BYTES = 64 * 1024;

/**
 * A connection to a machine, over TLS wherever the machine speaks it. Owns the stream until it answers.
 * @throws Fault TARGET_*, HOST_KEY_*, CREDENTIAL_*
 */
export async function connectMachine(first: Duplex, request: MachineRequest): Promise<Machine> {
  request.progress('handshake');
  return (await connectOverTls(first, request)) ?? connectWithStandardSecurity(request);
}

/** X.224, TLS, identity and, where it is chosen, CredSSP. Undefined where the machine speaks no TLS, and need not. */
async function connectOverTls(first: Duplex, request: MachineRequest): Promise<Machine | undefined> {
  using greeting = new Greeting(first, request);
  try {
    const requested = REQUESTED[request.parameters.security];
    const negotiated = await negotiate(greeting, requested, request.parameters);
    if (isWithoutTls(negotiated)) {
      permitStandardSecurity(request.parameters);
      greeting.abandon();
      return undefined;
    }
    if ('refusal' in negotiated)
      throw new Fault('TARGET_NO_COMMON_ALGORITHM', `the target refuses the connection: ${negotiated.refusal}`);
    if (
      (negotiated.protocol & requested) !== negotiated.protocol ||
      !Object.values<number>(PROTOCOL).includes(negotiated.protocol)
    )
      throw violation(`it chose the security protocol ${negotiated.protocol}, which it was not offered`);
    const { stream, identity } = await greeting.encrypt('certificate');
    if (identity === undefined) throw violation('TLS without a certificate');
    request.progress('host-identity');
    await greeting.verify(identity);
    request.progress('credential');
    const credential = await greeting.credential();
    const isNla = negotiated.protocol !== PROTOCOL.ssl;
    const proof = isNla ? await proveAccount(greeting, credential, { request, negotiated, identity }) : 'TLS';
    return {
      stream,
      protection: OF_THE_STREAM,
      negotiated,
      certificates: identity.chain,
      credential,
      facts: {
        security: proof,
        encryption: `${stream.getProtocol() ?? 'TLS'} ${stream.getCipher().name}`,
        ...certificateFacts(identity),
      },
    };
  } catch (failure) {
    greeting.abandon();
    throw failure;
  }
}

interface Proof {
  readonly request: MachineRequest;
  readonly negotiated: Negotiated;
  readonly identity: PeerIdentity;
}

/** Network level authentication. Answers what it is called. @throws Fault CREDENTIAL_REFUSED, HOST_KEY_REJECTED, TARGET_* */
async function proveAccount(
  { stream, reader }: Greeting,
  { username, password }: Machine['credential'],
  { request, negotiated, identity }: Proof,
): Promise<string> {
  const account = { ...accountOf(username), password: password.reveal() };
  const service = `TERMSRV/${request.hop.leave.target.host}`;
  const random = (count: number): Uint8Array => randomBytes(count);
  const context = new NtlmClient({ ...account, service }, { now: request.clock.now(), random });
  await proveByNla(
    {
      write: (bytes) => void stream.write(bytes),
      read: (count) => reader.read(count),
      readDer: () => readDerValue(reader),
    },
    { certificate: identity.chain[0], context, account, random, protocol: negotiated.protocol },
  );
  return `network level authentication (${context.mechanism})`;
}

async function readDerValue(reader: PeerReader): Promise<Uint8Array> {
  let bytes = await reader.read(2);
  // No sequence, or one of indefinite length, which DER has not.
  if (bytes[0] !== 0x30 || bytes[1] === 0x80) throw violation('its CredSSP answer is none');
  const more = (bytes[1] ?? 0) < 0x80 ? 0 : (bytes[1] ?? 0) & 0x7f;
  if (more > 4) throw violation('its CredSSP answer is none');
  bytes = Buffer.concat([bytes, await reader.read(more)]);
  const length = more === 0 ? (bytes[1] ?? 0) : bytes.subarray(2).reduce((sum, byte) => sum * 256 + byte, 0);
  if (length > MOST_DER_BYTES) throw violation(`a CredSSP answer of ${length} bytes`);
  bytes = Buffer.concat([bytes, await reader.read(length)]);
  if (readDer(bytes) === null) throw violation('its CredSSP answer is none');
  return bytes;
}
