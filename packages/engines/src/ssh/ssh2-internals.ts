import { createSecretKey, type KeyObject } from 'node:crypto';
import type { Client, ClientChannel, ParsedKey } from 'ssh2';

/**
 * What this engine uses of ssh2 1.17.0 beyond its public interface. The version is pinned exactly; `ssh2-internals.test.ts` fails when a part
 * is gone.
 */
export interface Negotiated {
  readonly kex: string;
  readonly serverHostKey: string;
  readonly cs: { readonly cipher: string; readonly mac: string };
  readonly sc: { readonly cipher: string; readonly mac: string };
}

/** What ssh2 makes of AES-GCM without its native part: a new cipher for every packet, from the same key. */
interface PacketCipher {
  encrypt(packet: Buffer): void;
  _encKey?: Uint8Array | KeyObject;
}
interface PacketDecipher {
  _decipherKey?: Uint8Array | KeyObject;
}

type SignRequest = (data: Buffer, done: (signature: Uint8Array) => void) => void;

interface Protocol {
  readonly _cipher: PacketCipher;
  readonly _decipher: PacketDecipher | undefined;
  /** True once both sides announced strict key exchange. */
  readonly _strictMode: boolean | undefined;
  readonly _kex: { readonly negotiated: Negotiated; readonly sessionID: Buffer } | undefined;
  /** Holds packets back while keys are exchanged. */
  readonly _kexinit: unknown;
  _queue: Buffer[] | undefined;
  readonly _packetRW: {
    readonly write: { readonly allocStart: number; alloc(size: number): Buffer; finalize(packet: Buffer): Buffer };
  };
  readonly _authsQueue: string[];
  /** Asks whether a key would do, and with `sign` proves it. */
  authPK(username: string, key: ParsedKey, algorithm?: string, sign?: SignRequest): void;
  session(localChannel: number, initialWindow: number, maxPacket: number): void;
  channelWindowAdjust(remoteChannel: number, amount: number): void;
}

interface ClientInternals {
  readonly _protocol: Protocol;
  readonly _remoteVer: string | undefined;
}

interface ChannelInternals {
  readonly incoming: { window: number; readonly state: string };
  readonly outgoing: { readonly id: number; readonly state: string };
  /** ssh2 grants window by itself when its stream is read while this is set. */
  _waitChanDrain: boolean;
  readonly stderr: { push(data: Uint8Array | null): boolean; resume(): unknown };
  push(data: Uint8Array | null): boolean;
}

export function internalsOf(client: Client): ClientInternals {
  return client as unknown as ClientInternals;
}

export function channelInternals(channel: ClientChannel): ChannelInternals {
  return channel as unknown as ChannelInternals;
}

/** The window that ssh2 announces for every channel it opens. */
export const SSH2_WINDOW = 2 * 1024 * 1024;

/**
 * Prepares the keys of each key exchange once. Node spends some 20 µs on every cipher made from a key given as bytes, and 3 µs from a KeyObject:
 * more than half of all that a flood of packets costs.
 */
export function prepareKeys(client: Client): void {
  client.on('handshake', () => {
    const { _cipher: cipher, _decipher: decipher } = internalsOf(client)._protocol;
    if (cipher._encKey instanceof Uint8Array) cipher._encKey = createSecretKey(cipher._encKey);
    if (decipher?._decipherKey instanceof Uint8Array) decipher._decipherKey = createSecretKey(decipher._decipherKey);
  });
}

/** As ssh2's own `sendPacket`: while keys are exchanged, a packet waits. */
export function sendPayload({ _protocol: protocol }: ClientInternals, payload: Uint8Array): void {
  const { write } = protocol._packetRW;
  const packet = write.alloc(payload.length);
  packet.set(payload, write.allocStart);
  const finished = write.finalize(packet);
  if (protocol._kexinit === undefined) protocol._cipher.encrypt(finished);
  else (protocol._queue ??= []).push(finished);
}
