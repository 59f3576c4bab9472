import type { Duplex } from 'node:stream';
import type { EngineFacts } from '@enchilada/core/engine';
import {
  certificateFacts,
  type DesktopRequest,
  Greeting,
  peerText,
  type PeerIdentity,
  type PeerReader,
} from '../shared/index.ts';
import { startingState, type RfbState } from './codec/rfb-state.ts';
import { PIXEL_FORMAT_BYTES, checkedSize, parsePixelFormat, viewOf, violation } from './codec/wire.ts';
import { signIn, type SignedIn } from './security/sign-in.ts';
import type { VncParameters } from './vnc-manifest.ts';

export interface VncRequest extends DesktopRequest {
  readonly parameters: VncParameters;
}

/** One signed-in connection to a desktop, at the point where its first message may come. */
export interface Desktop {
  readonly stream: Duplex;
  /** ServerInit, as the viewer gets it. */
  readonly serverInit: Uint8Array;
  readonly state: RfbState;
  readonly facts: EngineFacts;
}

const MOST_NAME_BYTES = 64 * 1024;
const REPEATER_BYTES = 250;

/** Handshake, identity, authentication and the desktop's first words. Owns the stream until it answers. @throws Fault TARGET_*, HOST_KEY_*, CREDENTIAL_* */
export async function connectDesktop(first: Duplex, request: VncRequest): Promise<Desktop> {
  const { parameters } = request;
  using greeting = new Greeting(first, request);
  let identity: PeerIdentity | undefined;
  try {
    request.progress('handshake');
    if (parameters.repeaterDestination !== '')
      await passRepeater(greeting.reader, first, parameters.repeaterDestination);
    const signedIn = await signIn(
      {
        read: (count) => greeting.reader.read(count),
        write: (bytes) => void greeting.stream.write(bytes),
        encrypt: async (kind) => {
          ({ identity } = await greeting.encrypt(kind));
          if (identity === undefined) return;
          request.progress('host-identity');
          await greeting.verify(identity);
        },
        credential: () => {
          request.progress('credential');
          return greeting.credential();
        },
      },
      parameters,
    );
    request.progress('shell');
    const { stream } = greeting;
    // Shared (RFC 6143 section 7.3.1): further viewers join the same desktop by further connections.
    stream.write(Uint8Array.of(1));
    const { serverInit, state, name } = await readServerInit(greeting.reader, signedIn);
    return {
      stream,
      serverInit,
      state,
      facts: {
        rfbVersion: `3.${signedIn.version}`,
        security: signedIn.security,
        encryption: signedIn.encryption === 'none' ? 'none' : encryptionOf(stream),
        ...(signedIn.encryption === 'anonymous' ? { identity: 'unproven' } : {}),
        desktop: `${peerText(name, 100)} (${state.size.width} × ${state.size.height})`,
        ...(identity === undefined ? {} : certificateFacts(identity)),
      },
    };
  } catch (failure) {
    greeting.abandon();
    throw failure;
  }
}

function encryptionOf(stream: Duplex): string {
  const { getProtocol, getCipher } = stream as Partial<import('node:tls').TLSSocket>;
  const protocol: unknown = getProtocol?.call(stream);
  const cipher = getCipher?.call(stream) as { readonly name?: string } | undefined;
  return `${typeof protocol === 'string' ? protocol : 'TLS'} ${cipher?.name ?? ''}`.trim();
}

/** UltraVNC's repeater in mode I or II: it greets as version 0.0 and takes 250 bytes. */
async function passRepeater(reader: PeerReader, stream: Duplex, destination: string): Promise<void> {
  const greeting = (await reader.read(12)).toString('latin1');
  if (greeting !== 'RFB 000.000\n') throw violation('it is no repeater');
  const where = Buffer.alloc(REPEATER_BYTES);
  where.write(destination, 'latin1');
  stream.write(where);
}

/** RFC 6143 section 7.3.2. */
async function readServerInit(
  reader: PeerReader,
  { isTight }: SignedIn,
): Promise<{ readonly serverInit: Uint8Array; readonly state: RfbState; readonly name: string }> {
  const head = await reader.read(4 + PIXEL_FORMAT_BYTES + 4);
  const size = checkedSize(head.readUInt16BE(0), head.readUInt16BE(2));
  const format = parsePixelFormat(viewOf(head), 4) ?? { bitsPerPixel: 32, tightBytes: 3 };
  const length = head.readUInt32BE(4 + PIXEL_FORMAT_BYTES);
  if (length > MOST_NAME_BYTES) throw violation(`a name of ${length} bytes`);
  const name = await reader.read(length);
  if (isTight) {
    const counts = await reader.read(8);
    const total = counts.readUInt16BE(0) + counts.readUInt16BE(2) + counts.readUInt16BE(4);
    await reader.read(16 * total);
  }
  return { serverInit: Buffer.concat([head, name]), state: startingState(size, format), name: name.toString('utf8') };
}
