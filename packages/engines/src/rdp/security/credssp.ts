import { createHash, X509Certificate } from 'node:crypto';
import { Fault, isFault } from '@enchilada/core/fault';
import { ascii, joinBytes, utf16, viewOf, violation } from '../codec/bytes.ts';
import { derChildren, derInner, derNumber, explicit, integer, octets, readDer, sequence } from '../codec/der.ts';
import { PROTOCOL } from '../codec/x224.ts';
import type { Account } from './account.ts';
import { statusFault } from './nt-status.ts';
import type { SecurityContext } from './security-context.ts';

export interface CredsspPeer {
  write(bytes: Uint8Array): void;
  /** Reads exactly one DER value. */
  readDer(): Promise<Uint8Array>;
  read(count: number): Promise<Uint8Array>;
}

export interface CredsspWishes {
  /** DER of the certificate that TLS showed: NLA binds its key. */
  readonly certificate: Uint8Array;
  /** The mechanism that proves the account. */
  readonly context: SecurityContext;
  /** What the target signs in with, whatever proved it. */
  readonly account: Account & { readonly password: string };
  readonly random: (count: number) => Uint8Array;
  readonly protocol: number;
}

const VERSION = 6;
/** From this version on, hashes of the key go over the wire in place of the key. [MS-CSSP] 3.1.5 */
const HASHED_FROM = 5;
/** NTLM takes one, Kerberos with mutual authentication two; a target that asks for more than these comes to no end. */
const MOST_ROUNDS = 8;

interface TsRequest {
  readonly version: number;
  readonly token: Uint8Array | undefined;
  readonly publicKey: Uint8Array | undefined;
  readonly error: number | undefined;
}

/**
 * Network level authentication by whatever mechanism the context is of. [MS-CSSP] 3.1.5
 * INVARIANT: the password leaves only after the server has proved that it holds the key of the certificate that TLS showed.
 * @throws Fault CREDENTIAL_REFUSED, TARGET_PROTOCOL_VIOLATION
 */
export async function proveByNla(peer: CredsspPeer, wishes: CredsspWishes): Promise<void> {
  const { certificate, context, account, random, protocol } = wishes;
  const key = publicKeyOf(certificate);
  const { token, version } = await establish(peer, context);
  const isHashed = Math.min(VERSION, version) >= HASHED_FROM;
  const nonce = random(32);
  const bound = (direction: 'Client-To-Server' | 'Server-To-Client'): Uint8Array =>
    createHash('sha256')
      .update(joinBytes(ascii(`CredSSP ${direction} Binding Hash\0`), nonce, key))
      .digest();
  const publicKey = context.wrap(isHashed ? bound('Client-To-Server') : key);
  peer.write(request({ token, publicKey, ...(isHashed ? { nonce } : {}) }));
  const answer = parse(await peer.readDer().catch(hungUp));
  if (answer.publicKey === undefined) throw statusFault(answer.error);
  const shown = context.unwrap(answer.publicKey);
  // Older servers answer with the key plus one.
  const expected = isHashed ? bound('Server-To-Client') : joinBytes(Uint8Array.of((key[0] ?? 0) + 1), key.subarray(1));
  if (shown.length !== expected.length || expected.some((byte, index) => shown[index] !== byte))
    throw new Fault('HOST_KEY_REJECTED', 'the target does not hold the key of the certificate that TLS showed');
  const { username, domain, password } = account;
  const field = (number: number, text: string): Uint8Array => explicit(number, octets(utf16(text)));
  const passwordCreds = sequence(field(0, domain), field(1, username), field(2, password));
  const credentials = sequence(explicit(0, integer(1)), explicit(1, octets(passwordCreds)));
  peer.write(request({ credentials: context.wrap(credentials) }));
  if (protocol !== PROTOCOL.hybridEx) return;
  const fault = authorisationFault(await peer.read(4));
  if (fault !== undefined) throw fault;
}

/** The token that goes along with the first wrapped message, and the version that the target speaks. */
async function establish(
  peer: CredsspPeer,
  context: SecurityContext,
): Promise<{ readonly token: Uint8Array | undefined; readonly version: number }> {
  let step = context.step(undefined);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    peer.write(request({ token: step.token }));
    const { token, version, error } = parse(await peer.readDer());
    if (token === undefined) throw statusFault(error);
    step = context.step(token);
    if (step.isEstablished) return { token: step.token, version };
  }
  throw violation('its network level authentication comes to no end');
}

/** Early User Authorization Result. [MS-RDPBCGR] 2.2.10.2 */
const AUTHZ = { success: 0, accessDenied: 5 } as const;

function authorisationFault(pdu: Uint8Array): Fault | undefined {
  const result = viewOf(pdu).getUint32(0, true);
  if (result === AUTHZ.success) return undefined;
  const words =
    result === AUTHZ.accessDenied
      ? 'name and password are right, and the target does not let this account sign in from afar'
      : `the target does not let this account in: it says ${result}`;
  return new Fault('CREDENTIAL_REFUSED', words);
}

/** Before version 3 of CredSSP, and with FreeRDP 2, a refusal is a closed connection. */
function hungUp(failure: unknown): never {
  if (!isFault(failure, 'TARGET_DISCONNECTED')) throw failure;
  const message = 'the target closed the connection when it was shown name and password, so one of them is wrong';
  throw new Fault('CREDENTIAL_REFUSED', message, { cause: failure });
}

function request(parts: {
  readonly token?: Uint8Array | undefined;
  readonly publicKey?: Uint8Array;
  readonly credentials?: Uint8Array;
  readonly nonce?: Uint8Array;
}): Uint8Array {
  const { token, publicKey, credentials, nonce } = parts;
  return sequence(
    explicit(0, integer(VERSION)),
    ...(token === undefined ? [] : [explicit(1, sequence(sequence(explicit(0, octets(token)))))]),
    ...(credentials === undefined ? [] : [explicit(2, octets(credentials))]),
    ...(publicKey === undefined ? [] : [explicit(3, octets(publicKey))]),
    ...(nonce === undefined ? [] : [explicit(5, octets(nonce))]),
  );
}

/** TSRequest. [MS-CSSP] 2.2.1 */
function parse(bytes: Uint8Array): TsRequest {
  const whole = readDer(bytes);
  if (whole === undefined || whole === null || whole.tag !== 0x30) throw violation('its CredSSP answer is none');
  let [version, token, publicKey, error]: [number, Uint8Array?, Uint8Array?, number?] = [0];
  for (const field of derChildren(whole.value)) {
    const inner = derInner(field);
    if (inner === undefined) throw violation('its CredSSP answer ends early');
    switch (field.tag & 0x1f) {
      case 0:
        version = derNumber(inner.value);
        break;
      case 1:
        token = tokenOf(inner.value);
        break;
      case 3:
        publicKey = inner.value;
        break;
      case 4:
        error = derNumber(inner.value);
        break;
    }
  }
  return { version, token, publicKey, error };
}

/** NegoData: SEQUENCE OF SEQUENCE { [0] OCTET STRING }. */
function tokenOf(list: Uint8Array): Uint8Array | undefined {
  const entry = readDer(list);
  const field = entry === undefined || entry === null ? undefined : readDer(entry.value);
  return field === undefined || field === null ? undefined : derInner(field)?.value;
}

/** The BIT STRING of SubjectPublicKeyInfo, without its count of unused bits. */
function publicKeyOf(certificate: Uint8Array): Uint8Array {
  const spki = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' });
  const bits = derChildren(readDer(spki)?.value ?? new Uint8Array(0))[1];
  if (bits === undefined) throw violation('its certificate has no key');
  return bits.value.subarray(1);
}
