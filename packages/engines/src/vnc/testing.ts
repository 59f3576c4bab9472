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
