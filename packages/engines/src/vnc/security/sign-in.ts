import type { Credential } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import { peerText } from '../../shared/index.ts';
import { violation } from '../codec/wire.ts';
import { agreeWithApple, appleResponse, checkAppleLength } from './apple-dh.ts';
import {
  SECURITY,
  SUB_TYPES,
  chooseSubType,
  type SubType,
  type WantedProof,
  type Weakenings,
} from './security-type.ts';
import { vncAuthResponse } from './vnc-auth.ts';

/** The target's side of a handshake, whatever carries it. */
export interface Peer {
  read(count: number): Promise<Buffer>;
  write(bytes: Uint8Array): void;
  /** Goes on under TLS, once the server's certificate was accepted. @throws Fault TARGET_*, HOST_KEY_* */
  encrypt(identity: 'certificate' | 'anonymous'): Promise<void>;
  credential(): Promise<Credential & { readonly kind: 'password' }>;
}

export interface SignInWishes extends Weakenings {
  readonly signInWith: WantedProof;
}

export interface SignedIn {
  readonly version: 3 | 7 | 8;
  readonly security: string;
  readonly encryption: SubType['encryption'];
  /** Tight's ServerInit is followed by lists of capabilities. */
  readonly isTight: boolean;
}

const MOST_REASON_BYTES = 4_096;
const MOST_CAPABILITIES = 256;
const CLEARTEXT = 'the target offers no encryption, and this machine does not allow cleartext';

/**
 * RFC 6143 sections 7.1.1 to 7.1.3: version, security and its result.
 * INVARIANT: no credential is asked for before policy permitted the security type and the server's identity was accepted.
 * @throws Fault TARGET_*, HOST_KEY_*, CREDENTIAL_*
 */
export async function signIn(peer: Peer, wishes: SignInWishes): Promise<SignedIn> {
  const version = await agreeOnVersion(peer);
  const offered = await offeredTypes(peer, version);
  const type = chooseType(offered, wishes);
  if (version >= 7) peer.write(Uint8Array.of(type));
  const how = await prove(peer, type, wishes);
  // Up to 3.7 a server that wants no proof says nothing of its result.
  if (version === 8 || how.proved) await readResult(peer, version);
  return { version, security: how.name, encryption: how.encryption, isTight: type === SECURITY.tight };
}

async function agreeOnVersion(peer: Peer): Promise<3 | 7 | 8> {
  const greeting = (await peer.read(12)).toString('latin1');
  const found = /^RFB (?<major>\d{3})\.(?<minor>\d{3})\n$/u.exec(greeting)?.groups;
  if (found === undefined) throw violation(`its greeting is ${JSON.stringify(peerText(greeting, 12))}`);
  const [major, minor] = [Number(found['major']), Number(found['minor'])];
  if (major < 3) throw violation(`it speaks version ${major}.${minor}`);
  // Apple's 3.889 and RealVNC's 4 and 5 speak 3.8 with whoever asks for it; 3.4 to 3.6 were never defined.
  const version = major > 3 || minor >= 8 ? 8 : minor === 7 ? 7 : 3;
  peer.write(Buffer.from(`RFB 003.00${version}\n`, 'latin1'));
  return version;
}

async function offeredTypes(peer: Peer, version: 3 | 7 | 8): Promise<readonly number[]> {
  if (version === 3) {
    const type = (await peer.read(4)).readUInt32BE(0);
    if (type === SECURITY.invalid) throw refusal(await readReason(peer));
    return [type];
  }
  const count = (await peer.read(1)).readUInt8(0);
  if (count === 0) throw refusal(await readReason(peer));
  return [...(await peer.read(count))];
}

function chooseType(offered: readonly number[], { allowCleartext }: Weakenings): number {
  if (offered.includes(SECURITY.veNCrypt)) return SECURITY.veNCrypt;
  const inClear = [SECURITY.apple, SECURITY.tight, SECURITY.vncAuth, SECURITY.none].find((type) =>
    offered.includes(type),
  );
  if (inClear === undefined)
    throw new Fault('TARGET_NO_COMMON_ALGORITHM', `the target offers security types ${offered.join(', ')} only`);
  if (!allowCleartext) throw new Fault('TARGET_NO_COMMON_ALGORITHM', CLEARTEXT);
  return inClear;
}

interface Proof {
  readonly name: string;
  readonly encryption: SubType['encryption'];
  readonly proved: boolean;
}

async function prove(peer: Peer, type: number, wishes: SignInWishes): Promise<Proof> {
  switch (type) {
    case SECURITY.veNCrypt:
      return veNCrypt(peer, wishes);
    case SECURITY.vncAuth:
      await vncAuth(peer);
      return { name: 'VncAuth', encryption: 'none', proved: true };
    case SECURITY.apple:
      await apple(peer);
      return { name: 'Apple Remote Desktop', encryption: 'none', proved: true };
    case SECURITY.tight:
      return tight(peer);
    default:
      return { name: 'None', encryption: 'none', proved: false };
  }
}

async function vncAuth(peer: Peer): Promise<void> {
  const challenge = await peer.read(16);
  const { password } = await peer.credential();
  peer.write(vncAuthResponse(challenge, password.reveal()));
}

async function plain(peer: Peer): Promise<void> {
  const { username, password } = await peer.credential();
  const [name, secret] = [Buffer.from(username, 'utf8'), Buffer.from(password.reveal(), 'utf8')];
  const head = Buffer.alloc(8);
  head.writeUInt32BE(name.length, 0);
  head.writeUInt32BE(secret.length, 4);
  peer.write(Buffer.concat([head, name, secret]));
}

async function veNCrypt(peer: Peer, wishes: SignInWishes): Promise<Proof> {
  const [major = 0, minor = 0] = await peer.read(2);
  if (major !== 0 || minor < 2) throw violation(`it speaks VeNCrypt ${major}.${minor}`);
  peer.write(Uint8Array.of(0, 2));
  if ((await peer.read(1)).readUInt8(0) !== 0) throw violation('it took back its VeNCrypt version');
  const count = (await peer.read(1)).readUInt8(0);
  const list = await peer.read(4 * count);
  const offered = Array.from({ length: count }, (_, index) => list.readUInt32BE(4 * index));
  const chosen = chooseSubType(offered, wishes, wishes.signInWith);
  const subType = chosen === undefined ? undefined : SUB_TYPES.get(chosen);
  if (chosen === undefined || subType === undefined) throw noPermittedSubType(offered);
  const answer = Buffer.alloc(4);
  answer.writeUInt32BE(chosen);
  peer.write(answer);
  if (subType.encryption !== 'none') {
    if ((await peer.read(1)).readUInt8(0) !== 1) throw violation('it refused the VeNCrypt type that it offered');
    await peer.encrypt(subType.encryption);
  }
  if (subType.proof === 'password') await vncAuth(peer);
  if (subType.proof === 'name-and-password') await plain(peer);
  const words = { none: 'None', password: 'Vnc', 'name-and-password': 'Plain' }[subType.proof];
  const carrier = { none: '', anonymous: 'TLS', certificate: 'X509' }[subType.encryption];
  return { name: `VeNCrypt ${carrier}${words}`, encryption: subType.encryption, proved: true };
}

function noPermittedSubType(offered: readonly number[]): Fault {
  const anonymous = offered.some((id) => SUB_TYPES.get(id)?.encryption === 'anonymous');
  return new Fault(
    'TARGET_NO_COMMON_ALGORITHM',
    anonymous
      ? 'the target offers anonymous TLS only, which proves no identity and is not allowed for this machine'
      : offered.some((id) => SUB_TYPES.has(id))
        ? CLEARTEXT
        : `the target offers VeNCrypt types ${offered.join(', ')} only`,
  );
}

async function apple(peer: Peer): Promise<void> {
  const head = await peer.read(4);
  const [generator, length] = [head.readUInt16BE(0), head.readUInt16BE(2)];
  checkAppleLength(length);
  const [prime, serverKey] = [await peer.read(length), await peer.read(length)];
  const agreement = agreeWithApple({ generator, prime, serverKey });
  const { username, password } = await peer.credential();
  peer.write(appleResponse(agreement, { username, password: password.reveal() }));
}

const TIGHT_UNIX_LOGIN = 129;

/** https://github.com/rfbproto/rfbproto/blob/master/rfbproto.rst#tight-security-type */
async function tight(peer: Peer): Promise<Proof> {
  if ((await readCapabilities(peer)).length > 0) peer.write(Buffer.alloc(4));
  const offered = await readCapabilities(peer);
  if (offered.length === 0) return { name: 'Tight', encryption: 'none', proved: false };
  const chosen = [SECURITY.vncAuth, TIGHT_UNIX_LOGIN, SECURITY.none].find((type) => offered.includes(type));
  if (chosen === undefined)
    throw new Fault('TARGET_NO_COMMON_ALGORITHM', `the target offers Tight sign-ins ${offered.join(', ')} only`);
  const answer = Buffer.alloc(4);
  answer.writeUInt32BE(chosen);
  peer.write(answer);
  if (chosen === SECURITY.vncAuth) await vncAuth(peer);
  if (chosen === TIGHT_UNIX_LOGIN) await plain(peer);
  return { name: 'Tight', encryption: 'none', proved: chosen !== SECURITY.none };
}

async function readCapabilities(peer: Peer): Promise<readonly number[]> {
  const count = (await peer.read(4)).readUInt32BE(0);
  if (count > MOST_CAPABILITIES) throw violation(`${count} capabilities`);
  const list = await peer.read(16 * count);
  return Array.from({ length: count }, (_, index) => list.readInt32BE(16 * index));
}

async function readResult(peer: Peer, version: 3 | 7 | 8): Promise<void> {
  const result = (await peer.read(4)).readUInt32BE(0);
  if (result === 0) return;
  // 2 is "too many", of servers before 3.8.
  const reason = version === 8 ? await readReason(peer) : result === 2 ? 'too many attempts' : '';
  throw new Fault(
    'CREDENTIAL_REFUSED',
    reason === '' ? 'the target refused the credential' : `the target refused the credential: ${reason}`,
    { facts: reason === '' ? {} : { reason } },
  );
}

async function readReason(peer: Peer): Promise<string> {
  const length = (await peer.read(4)).readUInt32BE(0);
  if (length > MOST_REASON_BYTES) throw violation(`a reason of ${length} bytes`);
  return peerText((await peer.read(length)).toString('utf8'), 300).trim();
}

/** A server that ends before any security: too many attempts, no more desktops. */
function refusal(reason: string): Fault {
  return new Fault('TARGET_REFUSED', `the target refuses the session${reason === '' ? '' : `: ${reason}`}`, {
    facts: reason === '' ? {} : { reason },
  });
}
