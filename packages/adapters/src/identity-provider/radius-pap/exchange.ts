import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { Fault } from '@enchilada/core/fault';
import type { Clock } from '@enchilada/core/time';
import { type Reply, readReply, type RequestKey, type Unusable } from './packet.ts';

/** RFC 5080 section 2.2.1: the first repetition after two seconds, then each after twice the time. */
const FIRST_REPEAT_MS = 2_000;
const LONGEST_REPEAT_MS = 16_000;

export interface RadiusServer {
  readonly host: string;
  readonly port: number;
}

const WHY: Readonly<Record<Unusable | 'silent', string>> = {
  silent: 'it may not know this address as a client, or the shared secret may differ: such servers are silent',
  stray: 'what it sent was no answer to the question',
  unproven: 'what it sent was not made with this shared secret',
  unsigned: 'its answer had no Message-Authenticator: switch that on at the server (CVE-2024-3596)',
};

/**
 * One question to one server over UDP. Repeated octet for octet, so that the server knows it again and a code is used once. What cannot be believed is
 * passed over and not an answer: somebody else may have sent it. @throws Fault PROVIDER_UNAVAILABLE
 */
export async function exchange(
  { host, port }: RadiusServer,
  request: { readonly packet: Uint8Array; readonly key: RequestKey },
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): Promise<Reply> {
  const server = `${host} port ${port}`;
  const { address, family } = await lookup(host).catch((cause: unknown) => {
    throw new Fault('PROVIDER_UNAVAILABLE', `the RADIUS server ${server} has no address`, { cause });
  });
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
  let timer: Disposable | undefined;
  let repeat: Disposable | undefined;
  try {
    return await new Promise<Reply>((resolve, reject) => {
      let why: keyof typeof WHY = 'silent';
      const unreached = (cause: unknown): void => {
        reject(new Fault('PROVIDER_UNAVAILABLE', `the RADIUS server ${server} cannot be reached`, { cause }));
      };
      const giveUp = (): void => {
        const words = `the RADIUS server ${server} gave no answer within ${timeoutMs / 1_000} seconds: ${WHY[why]}`;
        reject(new Fault('PROVIDER_UNAVAILABLE', words));
      };
      timer = clock.after(timeoutMs, () => {
        repeat?.[Symbol.dispose]();
        // An answer that came while this process stood still is read first.
        setImmediate(giveUp);
      });
      socket.on('error', unreached);
      socket.on('message', (bytes) => {
        const reply = readReply(bytes, request.key);
        if (typeof reply === 'string') why = reply;
        else resolve(reply);
      });
      const send = (wait: number): void => {
        socket.send(request.packet, (cause) => {
          if (cause !== null) unreached(cause);
        });
        repeat = clock.after(wait, () => send(Math.min(wait * 2, LONGEST_REPEAT_MS)));
      };
      // Connected: the system passes on what comes from this server alone.
      socket.connect(port, address, () => send(FIRST_REPEAT_MS));
    });
  } finally {
    timer?.[Symbol.dispose]();
    repeat?.[Symbol.dispose]();
    socket.close();
  }
}
