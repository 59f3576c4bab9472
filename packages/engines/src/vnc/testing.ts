import type { Socket } from 'node:net';
import type { ConnectStep, Hop, StreamedSession } from '@enchilada/core/engine';
import { noCarrier, type Carrier, type DesktopLimits } from '../shared/index.ts';
import { desktopHop, loopbackDialer, NotedSeat, openWith, type Opening } from '../shared/testing.ts';
import { createVnc } from './index.ts';
export { until } from '@enchilada/core/testing/until';
export { scriptedServer, type Opening } from '../shared/testing.ts';

export const ANSWER = Buffer.concat([Buffer.from('RFB 003.008\n'), Buffer.of(1, 1)]);
/** SetEncodings with Raw and the desktop's size; a request for the whole picture. */
export const WISHES = Buffer.from([2, 0, 0, 2, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x21]);

export function updateRequest(width: number, height: number, incremental = false): Buffer {
  const message = Buffer.alloc(10);
  message[0] = 3;
  message[1] = incremental ? 1 : 0;
  message.writeUInt16BE(width, 6);
  message.writeUInt16BE(height, 8);
  return message;
}

export function hopTo(opening: Opening): Hop {
  return desktopHop('vnc', { password: 'otters77', ...opening });
}

export function engine(limits: Partial<DesktopLimits> = {}, carrier: Carrier = noCarrier) {
  return createVnc({ dialer: loopbackDialer(), carrier, limits });
}

export function openDesktop(opening: Opening, steps: ConnectStep[] = []): Promise<StreamedSession> {
  return openWith(engine(opening.limits), { password: 'otters77', ...opening }, steps);
}

/** A viewer that remembers what it was sent. */
export class TestSeat extends NotedSeat {
  bytes = Buffer.alloc(0);
  messages = 0;
  readonly sink = {
    output: (bytes: Uint8Array): void => {
      this.messages += 1;
      this.bytes = Buffer.concat([this.bytes, bytes]);
    },
  };

  constructor(mode: 'control' | 'watch' = 'control') {
    super(mode);
  }
}

export const u32 = (value: number): Buffer => {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value >>> 0);
  return out;
};
export const serverInit = (width = 64, height = 48, name = 'desk'): Buffer => {
  const head = Buffer.alloc(24);
  head.writeUInt16BE(width, 0);
  head.writeUInt16BE(height, 2);
  Buffer.from([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0]).copy(head, 4);
  head.writeUInt32BE(name.length, 20);
  return Buffer.concat([head, Buffer.from(name)]);
};

export type Step = Buffer | number | ((heard: Buffer) => Buffer | undefined);

/** Plays a script: a buffer is sent, a number of bytes is waited for, a function answers what was heard last. */
export function play(script: readonly Step[]): (socket: Socket) => void {
  return (socket) => {
    let heard = Buffer.alloc(0);
    let last = Buffer.alloc(0);
    let at = 0;
    const go = (): void => {
      for (; at < script.length; at++) {
        const step = script[at];
        if (typeof step === 'number') {
          if (heard.length < step) return;
          last = Buffer.from(heard.subarray(0, step));
          heard = heard.subarray(step);
        } else if (typeof step === 'function') {
          const answer = step(last);
          if (answer !== undefined) socket.write(answer);
        } else if (step !== undefined) socket.write(step);
      }
    };
    socket.on('data', (bytes) => {
      heard = Buffer.concat([heard, bytes]);
      go();
    });
    go();
  };
}

export const V38 = Buffer.from('RFB 003.008\n');
/** Greeting, the security type None, its success; ServerInit is to follow. */
export const NONE = [V38, 12, Buffer.of(1, 1), 1, u32(0), 1];
