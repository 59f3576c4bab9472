import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { Credential } from '@enchilada/core/credential';
import type { EngineFacts } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import {
  certificateFacts,
  type DesktopRequest,
  Greeting,
  type PeerIdentity,
  type PeerReader,
} from '../shared/index.ts';
import { violation } from './codec/bytes.ts';
import { readDer } from './codec/der.ts';
import { PROTOCOL, connectionRequest, parseConnectionConfirm, preconnection, type Negotiated } from './codec/x224.ts';
import type { RdpParameters } from './rdp-manifest.ts';
import { accountOf } from './security/account.ts';
import { proveByNla } from './security/credssp.ts';

export interface MachineRequest extends DesktopRequest {
  readonly parameters: Pick<RdpParameters, 'security' | 'loadBalanceInfo' | 'preconnectionId' | 'preconnectionBlob'>;
}

/** A connection at the point where MCS begins: under TLS, and signed in where the machine demands network level authentication. */
export interface Machine {
  readonly stream: Duplex;
  readonly negotiated: Negotiated;
  readonly identity: PeerIdentity;
  readonly credential: Credential & { readonly kind: 'password' };
  readonly facts: EngineFacts;
}

const REQUESTED: Readonly<Record<RdpParameters['security'], number>> = {
  any: PROTOCOL.ssl | PROTOCOL.hybrid | PROTOCOL.hybridEx,
  nla: PROTOCOL.hybrid | PROTOCOL.hybridEx,
  tls: PROTOCOL.ssl,
};
const MOST_DER_BYTES = 64 * 1024;

/** X.224, TLS, identity and, where it is chosen, CredSSP. Owns the stream until it answers. @throws Fault TARGET_*, HOST_KEY_*, CREDENTIAL_* */
export async function connectMachine(first: Duplex, request: MachineRequest): Promise<Machine> {
  const { host } = request.hop.leave.target;
  using greeting = new Greeting(first, request);
  try {
    request.progress('handshake');
    const { security, loadBalanceInfo, preconnectionId, preconnectionBlob } = request.parameters;
    if (preconnectionId !== 0 || preconnectionBlob !== '')
      first.write(preconnection(preconnectionId, preconnectionBlob));
    const requested = REQUESTED[security];
    first.write(connectionRequest(requested, loadBalanceInfo));
    const negotiated = parseConnectionConfirm(await readTpkt(greeting.reader));
    if ('refusal' in negotiated)
      throw new Fault('TARGET_NO_COMMON_ALGORITHM', `the target refuses the connection: ${negotiated.refusal}`);
    if (negotiated.protocol === PROTOCOL.rdp)
      throw new Fault(
        'TARGET_NO_COMMON_ALGORITHM',
        "the target offers RDP's own encryption alone, which proves no identity and is refused here; switch on TLS or network level authentication there",
      );
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
    if (isNla) {
      await proveByNla(
        {
          write: (bytes) => void stream.write(bytes),
          read: (count) => greeting.reader.read(count),
          readDer: () => readDerValue(greeting.reader),
        },
        {
          certificate: identity.chain[0],
          identity: {
            ...accountOf(credential.username),
            password: credential.password.reveal(),
            service: `TERMSRV/${host}`,
          },
          chance: { now: request.clock.now(), random: (count) => randomBytes(count) },
          protocol: negotiated.protocol,
        },
      );
    }
    return {
      stream,
      negotiated,
      identity,
      credential,
      facts: {
        security: isNla ? 'network level authentication (NTLM)' : 'TLS',
        encryption: `${stream.getProtocol() ?? 'TLS'} ${stream.getCipher().name}`,
        ...certificateFacts(identity),
      },
    };
  } catch (failure) {
    greeting.abandon();
    throw failure;
  }
}

async function readTpkt(reader: PeerReader): Promise<Uint8Array> {
  const head = await reader.read(4);
  const length = head.readUInt16BE(2);
  if (head[0] !== 3 || length < 11 || length > 512) throw violation('its first answer is no TPKT');
  return Buffer.concat([head, await reader.read(length - 4)]);
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
