import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, describe, it } from 'node:test';
import { TLSSocket } from 'node:tls';
import type { StreamedSession } from '@enchilada/core/engine';
import { isFault } from '@enchilada/core/fault';
import { LoopbackCertificate } from '@enchilada/core/testing/loopback-certificate';
import {
  ANSWER,
  NONE,
  openDesktop,
  play,
  scriptedServer,
  serverInit,
  TestSeat,
  u32,
  until,
  updateRequest,
  V38,
  type Step,
} from './testing.ts';

const certificate = new LoopbackCertificate();
after(() => {
  certificate[Symbol.dispose]();
});

/** A server's connection, as what carries the desktop and as what carries that. */
interface Carried {
  readonly carrier: Socket;
  readonly socket: Socket;
}

const WAYS = [
  ['goes away', 'closed-by-target', ({ carrier }: Carried) => void carrier.end()],
  ['resets the connection', 'failed', ({ socket }: Carried) => void socket.resetAndDestroy()],
] as const;

/** VeNCrypt's X509None up to the byte behind which TLS begins. */
const TO_TLS = [V38, 12, Buffer.of(1, 19), 1, Buffer.of(0, 2), 2, Buffer.of(0, 1), u32(260), 4];

const CARRIERS = [
  ['in clear', (socket: Socket, script: readonly Step[]) => play([...NONE, ...script])(socket)],
  [
    'under TLS',
    (socket: Socket, script: readonly Step[], onCarrier: (carrier: Socket) => void) => {
      const begin = (): undefined => {
        socket.removeAllListeners('data');
        const { key, cert } = certificate;
        const carrier = new TLSSocket(socket, { isServer: true, key, cert });
        carrier.on('error', () => undefined);
        onCarrier(carrier);
        socket.write(Buffer.of(1));
        play([u32(0), 1, ...script])(carrier);
      };
      play([...TO_TLS, begin])(socket);
    },
  ],
] as const;

describe('a server that leaves in the middle of a desktop', () => {
  const rectangle = Buffer.concat([
    Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 0, 64, 0, 48, 0, 0, 0, 0]),
    Buffer.alloc(500, 0x77),
  ]);
  const bell = Buffer.of(2);
  for (const [state, said, shown] of [
    ['between two messages', bell, bell],
    ['in the head of a rectangle', Buffer.concat([bell, rectangle.subarray(0, 9)]), bell],
    ['in the pixels of a rectangle', rectangle, rectangle],
    ['in the head of a clipboard', Buffer.concat([bell, Buffer.of(3, 0, 0, 0, 0)]), bell],
    ['in a clipboard', Buffer.concat([bell, Buffer.of(3, 0, 0, 0), u32(20), Buffer.from('half of it')]), bell],
    [
      'in an extended clipboard',
      Buffer.concat([bell, Buffer.of(3, 0, 0, 0), u32(-40), u32(0x1000_0001), Buffer.alloc(10, 0x78)]),
      bell,
    ],
  ] as const)
    for (const [how, reason, leave] of WAYS)
      for (const [where, carry] of CARRIERS)
        it(`ends the session, and its viewer, in words where it ${how} ${state}, ${where}`, async () => {
          let carried: Carried | undefined;
          await using server = await scriptedServer((socket) => {
            carried = { socket, carrier: socket };
            // What the viewer asks for comes behind its greeting, which stays in the gateway.
            carry(socket, [serverInit(), 10, said], (carrier) => {
              carried = { socket, carrier };
            });
          });
          await using session: StreamedSession = await openDesktop({ ...server, parameters: { allowCleartext: true } });
          const seat = new TestSeat();
          const stream = await session.join(seat);
          const greeted = seat.bytes.length;
          for (const message of [ANSWER, updateRequest(64, 48)]) stream.input(message);
          await until(() => seat.bytes.length >= greeted + shown.length);
          assert.ok(carried !== undefined);
          leave(carried);
          for (const end of [await session.ended, await stream.ended]) {
            assert.equal(end.reason, reason);
            assert.equal(isFault(end.fault, 'TARGET_DISCONNECTED'), reason === 'failed', String(end.fault));
          }
          assert.ok(seat.bytes.subarray(greeted).subarray(0, shown.length).equals(shown));
          assert.deepEqual([seat.asides, seat.events], [[], []]);
        });
});

describe('a server that leaves in the middle of its sign-in under TLS', () => {
  const [, underTls] = CARRIERS;
  for (const [how, , leave] of WAYS) {
    for (const [state, script] of [
      ['before ServerInit', []],
      ['in ServerInit', [serverInit().subarray(0, 11)]],
      ['in the name of the desktop', [serverInit().subarray(0, 26)]],
    ] as const)
      it(`is said to have left where it ${how} ${state}`, async () => {
        await using server = await scriptedServer((socket) => {
          let carrier = socket;
          const go = (): undefined => void setImmediate(leave, { socket, carrier });
          underTls[1](socket, [...script, go], (found) => {
            carrier = found;
          });
        });
        await assert.rejects(openDesktop({ ...server }), { code: 'TARGET_DISCONNECTED' });
      });

    it(`is said to have left where it ${how} in the greeting of TLS`, async () => {
      await using server = await scriptedServer((socket) => {
        const go = (): undefined => {
          socket.write(Buffer.of(1));
          socket.once('data', () => leave({ socket, carrier: socket }));
        };
        play([...TO_TLS, go])(socket);
      });
      await assert.rejects(openDesktop({ ...server }), { code: 'TARGET_DISCONNECTED' });
    });
  }
});
