import { Fault } from '@enchilada/core/fault';

/** [remotecommand](https://pkg.go.dev/k8s.io/apimachinery/pkg/util/remotecommand): the first byte of each message names the stream. */
export const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** In the order in which they are offered: v5 is v4 and a message that closes one stream. */
export const SUBPROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const;
export type Subprotocol = (typeof SUBPROTOCOLS)[number];

export type ChannelFrame =
  | { readonly kind: 'output'; readonly bytes: Uint8Array }
  /** A piece of the status in which everything ends. */
  | { readonly kind: 'status'; readonly bytes: Uint8Array }
  | { readonly kind: 'closed'; readonly channel: number };

const READABLE: readonly number[] = [CHANNEL.stdout, CHANNEL.stderr, CHANNEL.error];

/** One message of the API server. @throws Fault TARGET_PROTOCOL_VIOLATION */
export function readFrame(message: Uint8Array, subprotocol: Subprotocol): ChannelFrame {
  const [channel] = message;
  const bytes = message.subarray(1);
  switch (channel) {
    case undefined:
      throw violation('a message without a channel');
    case CHANNEL.stdout:
    case CHANNEL.stderr:
      return { kind: 'output', bytes };
    case CHANNEL.error:
      return { kind: 'status', bytes };
    case CHANNEL.close: {
      if (subprotocol !== 'v5.channel.k8s.io') throw violation('a closed stream, which v4 does not know');
      const [closed] = bytes;
      if (bytes.length !== 1 || closed === undefined || !READABLE.includes(closed))
        throw violation(`a stream closed that it does not have, ${bytes.length} bytes`);
      return { kind: 'closed', channel: closed };
    }
    default:
      throw violation(`channel ${channel}`);
  }
}

export function inputFrame(bytes: Uint8Array): Uint8Array {
  const message = new Uint8Array(bytes.length + 1);
  message[0] = CHANNEL.stdin;
  message.set(bytes, 1);
  return message;
}

/** `TerminalSize`; both are unsigned 16 bit there. */
export function resizeFrame({ columns, rows }: { readonly columns: number; readonly rows: number }): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify({ Width: within(columns), Height: within(rows) }));
  const message = new Uint8Array(text.length + 1);
  message[0] = CHANNEL.resize;
  message.set(text, 1);
  return message;
}

function within(size: number): number {
  return Math.min(65_535, Math.max(1, Math.trunc(size)));
}

function violation(what: string): Fault {
  return new Fault('TARGET_PROTOCOL_VIOLATION', `the target sent ${what}`);
}
