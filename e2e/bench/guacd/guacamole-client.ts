import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { BareTarget } from '../bare-shell.ts';

/** A decoder of the Guacamole protocol: `4.size,1.0,4.1024;`, lengths in Unicode characters. */
export class Instructions {
  #rest = '';

  push(text: string): string[][] {
    this.#rest += text;
    const complete: string[][] = [];
    for (let at = 0, parts: string[] = [], start = 0; ;) {
      const dot = this.#rest.indexOf('.', at);
      const length = Number(this.#rest.slice(at, dot));
      let end = dot + 1 + length;
      let closing = this.#rest[end];
      // A character beyond the basic plane is one to the protocol and two to JavaScript.
      while (dot !== -1 && closing !== undefined && closing !== ',' && closing !== ';') closing = this.#rest[++end];
      if (dot === -1 || closing === undefined) {
        this.#rest = this.#rest.slice(start);
        return complete;
      }
      parts.push(this.#rest.slice(dot + 1, end));
      at = end + 1;
      if (closing !== ';') continue;
      complete.push(parts);
      parts = [];
      start = at;
    }
  }
}

export function instruction(...elements: readonly string[]): string {
  return `${elements.map((element) => `${[...element].length}.${element}`).join(',')};`;
}

/** What guacamole-common-js asks for in Chromium, and our own gateway too: guacd draws what moves in WebP where it may. */
const IMAGES = ['image/png', 'image/jpeg', 'image/webp'];

function send(socket: Duplex, ...elements: string[]): void {
  socket.write(instruction(...elements));
}

/** What guacd was asked for, under the names that it takes. */
export type GuacdParameters = Readonly<Record<string, string>>;

/** One connection by way of guacd; every frame is acknowledged as soon as it is there. */
export interface GuacdViewer {
  readonly received: { readonly bytes: number; readonly frames: number };
  /** Resolves once the first frame is there. */
  readonly drawn: Promise<void>;
  /** Resolves when guacd has closed the connection. */
  readonly ended: Promise<void>;
  close(): void;
}

export interface GuacdRequest {
  readonly protocol: string;
  readonly parameters: GuacdParameters;
  readonly width: number;
  readonly height: number;
}

export function toGuacd(port: number): Duplex {
  return connect({ host: '127.0.0.1', port, noDelay: true });
}

/** @param socket to guacd, straight or by way of something */
export function viewByGuacd(socket: Duplex, { protocol, parameters, width, height }: GuacdRequest): GuacdViewer {
  socket.setEncoding('utf8');
  const instructions = new Instructions();
  const received = { bytes: 0, frames: 0 };
  let ready = false;
  const drawn = Promise.withResolvers<void>();
  const ended = new Promise<void>((resolve, reject) => {
    const hear = ([opcode = '', ...rest]: string[]): void => {
      if (opcode === 'args') {
        send(socket, 'size', String(width), String(height), '96');
        for (const list of ['audio', 'video']) send(socket, list);
        send(socket, 'image', ...IMAGES);
        send(socket, 'connect', ...rest.map((name) => (name.startsWith('VERSION_') ? name : (parameters[name] ?? ''))));
      } else if (opcode === 'ready') ready = true;
      else if (opcode === 'sync') {
        received.frames += 1;
        drawn.resolve();
        send(socket, 'sync', rest[0] ?? '0');
      } else if (opcode === 'error') reject(new Error(`guacd says ${rest.join(' ')}`));
      else if (opcode === 'disconnect') socket.end();
    };
    socket.on('data', (text: unknown) => {
      received.bytes += Buffer.byteLength(text as string);
      for (const heard of instructions.push(text as string)) hear(heard);
    });
    socket.once('error', reject);
    socket.once('close', () =>
      ready ? resolve() : reject(new Error('guacd closed the connection before it was ready')),
    );
  });
  ended.then(() => drawn.reject(new Error('guacd closed the connection before it had drawn')), drawn.reject);
  drawn.promise.catch(() => undefined);
  send(socket, 'select', protocol);
  return { received, drawn: drawn.promise, ended, close: () => socket.destroy() };
}

/** How much guacd sent until it had drawn everything that `command` prints and closed the connection. */
export async function runByGuacd(port: number, target: BareTarget, command: string): Promise<GuacdViewer['received']> {
  const viewer = viewByGuacd(toGuacd(port), {
    protocol: 'ssh',
    parameters: {
      hostname: target.host,
      port: String(target.port),
      username: target.username,
      password: target.password,
      command,
      'font-size': '12',
    },
    width: 1024,
    height: 768,
  });
  try {
    await viewer.ended;
  } finally {
    viewer.close();
  }
  return viewer.received;
}
