import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { tunnelPath, tunnelProtocols } from '@enchilada/contract';
import type { TunnelLocation } from '@enchilada/contract';

export interface Knock extends TunnelLocation {
  /** As many `Origin` headers as there are values. */
  readonly origins: readonly string[];
  readonly cookie?: string;
  readonly ticket?: string;
  readonly extensions?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Present after 101. */
  readonly socket?: RawSocket;
}

/** Opcodes of RFC 6455 section 5.2. */
export const OPCODE = {
  continuation: 0,
  text: 1,
  binary: 2,
  close: 8,
} as const;

export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  /** Not the last frame of its message. */
  readonly continues?: boolean;
  readonly unmasked?: boolean;
}

/** Asks for an upgrade with exactly the headers given, which no WebSocket client would let one do. */
export function knock(url: string, to: Knock): Promise<Answer> {
  const { hostname, port, host } = new URL(url);
  const protocols = to.ticket === undefined ? ['enchilada.v1'] : tunnelProtocols(to.ticket);
  const headers = [
    ...['Host', host, 'Connection', 'Upgrade', 'Upgrade', 'websocket', 'Sec-WebSocket-Version', '13'],
    ...['Sec-WebSocket-Key', randomBytes(16).toString('base64'), 'Sec-WebSocket-Protocol', protocols.join(', ')],
    ...to.origins.flatMap((origin) => ['Origin', origin]),
    ...(to.cookie === undefined ? [] : ['Cookie', to.cookie]),
    ...(to.extensions === undefined ? [] : ['Sec-WebSocket-Extensions', to.extensions]),
  ];
  return new Promise((resolve, reject) => {
    const asked = request({
      hostname,
      port,
      path: tunnelPath(to, to.kind === 'control' ? { columns: 80, rows: 24 } : undefined),
      headers,
    });
    asked.once('upgrade', (response, socket, head) => {
      resolve({
        status: 101,
        headers: response.headers,
        socket: new RawSocket(socket, head),
      });
    });
    asked.once('response', (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, headers: response.headers });
    });
    asked.once('error', reject);
    asked.end();
  });
}

/** A WebSocket connection that may break every rule of its protocol. */
export class RawSocket {
  readonly #socket: Duplex;
  #received: Buffer;
  readonly #gone: Promise<void>;

  constructor(socket: Duplex, head: Buffer) {
    this.#socket = socket;
    this.#received = head;
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => (this.#received = Buffer.concat([this.#received, bytes])));
    this.#gone = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  send({ opcode, payload, continues = false, unmasked = false }: Frame): void {
    const mask = randomBytes(4);
    const size = payload.length;
    const head = Buffer.alloc(size < 126 ? 2 : size < 65_536 ? 4 : 10);
    head[0] = (continues ? 0 : 0x80) | opcode;
    head[1] = (unmasked ? 0 : 0x80) | (size < 126 ? size : size < 65_536 ? 126 : 127);
    if (head.length === 4) head.writeUInt16BE(size, 2);
    if (head.length === 10) head.writeBigUInt64BE(BigInt(size), 2);
    const body = unmasked
      ? payload
      : Buffer.concat([mask, payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0))]);
    this.#socket.write(Buffer.concat([head, body]));
  }

  /** The close code the other side says once it has given up; undefined where it hangs up without a word. */
  async closeCode(): Promise<number | undefined> {
    this.#socket.once('end', () => this.#socket.end());
    const found = (): number | undefined => {
      for (let at = 0; at + 2 <= this.#received.length;) {
        const short = (this.#received[at + 1] ?? 0) & 0x7f;
        const start = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
        if (start > this.#received.length) return undefined;
        const size =
          short < 126
            ? short
            : short === 126
              ? this.#received.readUInt16BE(at + 2)
              : Number(this.#received.readBigUInt64BE(at + 2));
        if (((this.#received[at] ?? 0) & 0x0f) === OPCODE.close && size >= 2 && start + 2 <= this.#received.length)
          return this.#received.readUInt16BE(start);
        at = start + size;
      }
      return undefined;
    };
    let over = false;
    const gone = this.#gone.then(() => (over = true));
    for (;;) {
      const code = found();
      if (code !== undefined || over) {
        this.#socket.destroy();
        return code;
      }
      await Promise.race([gone, new Promise<void>((resolve) => this.#socket.once('data', () => resolve()))]);
    }
  }

  /** Waits until the other side has sent this text. */
  async received(words: string): Promise<void> {
    while (!this.#received.includes(words)) {
      const more = new Promise<boolean>((resolve) => this.#socket.once('data', () => resolve(true)));
      if (!(await Promise.race([more, this.#gone.then(() => false)])))
        throw new Error(`the socket closed before ${JSON.stringify(words)} came`);
    }
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
