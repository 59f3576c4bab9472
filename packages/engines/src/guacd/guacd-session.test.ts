import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { EngineStream, Hop, Seat, SeatEvent, StreamedSession } from '@enchilada/core/engine';
import { Fault, isFault } from '@enchilada/core/fault';
import { systemClock } from '@enchilada/core/testing/authorized';
import { Guacd } from '@enchilada/core/testing/servers/guacd';
import { startSshd, type Sshd } from '@enchilada/core/testing/servers/sshd';
import { startXrdp, type Xrdp } from '@enchilada/core/testing/servers/xrdp';
import { encodeInstruction, InstructionDecoder } from './codec/index.ts';
import { engine, hopTo, type Address } from './testing/hop.ts';

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

class TestSeat implements Seat {
  readonly mode: 'control' | 'watch';
  readonly events: SeatEvent[] = [];
  readonly opcodes: string[] = [];
  stream: EngineStream | undefined;
  readonly #decoder = new InstructionDecoder('INTERNAL');
  readonly sink = {
    output: (bytes: Uint8Array): void => {
      for (const { opcode, arguments: words } of this.#decoder.push(bytes)) {
        this.opcodes.push(opcode === 'size' ? `size ${words.join(' ')}` : opcode);
        if (opcode === 'sync') queueMicrotask(() => this.say('sync', words[0] ?? '0'));
      }
    },
  };

  constructor(mode: 'control' | 'watch' = 'control') {
    this.mode = mode;
  }

  say(opcode: string, ...words: readonly string[]): void {
    this.stream?.input(encodeInstruction(opcode, ...words));
  }

  type(text: string): void {
    for (const character of text) {
      const keysym = character === '\r' ? 0xff0d : (character.codePointAt(0) ?? 0);
      for (const pressed of ['1', '0']) this.say('key', String(keysym), pressed);
    }
  }

  noted(event: SeatEvent): void {
    this.events.push(event);
  }
}

async function open(guacd: Address, hop: Hop, allowVulnerable = true): Promise<StreamedSession> {
  return engine(guacd, { handshakeMs: 20_000 }, allowVulnerable).open({
    hops: [hop],
    sink: { output: () => assert.fail('a streamed session has no output but its viewers') },
    display: { columns: 80, rows: 24 },
    clock: systemClock,
    signal: new AbortController().signal,
    ask: () => Promise.reject(new Fault('PROMPT_ABANDONED', 'nobody is there')),
    progress: () => undefined,
  });
}

async function sit(session: StreamedSession, mode: 'control' | 'watch' = 'control'): Promise<TestSeat> {
  const seat = new TestSeat(mode);
  seat.stream = await session.join(seat);
  return seat;
}

describe('sessions through the real guacd', () => {
  const owned = new AsyncDisposableStack();
  let guacd: Guacd;
  let sshd: Sshd;
  let xrdp: Xrdp;
  before(async () => {
    guacd = owned.use(await Guacd.start());
    sshd = owned.use(await startSshd({ hostKeyTypes: ['ed25519'] }));
    xrdp = owned.use(await startXrdp());
  });
  after(() => owned.disposeAsync());
  const ssh = (password = sshd.password, parameters = {}): Hop =>
    hopTo({ host: '127.0.0.1', port: sshd.port, protocol: 'ssh', username: sshd.username, password, parameters });

  it('draws a shell, and types into it', async () => {
    await using session = await open(guacd, ssh());
    const seat = await sit(session);
    await until(() => seat.opcodes.includes('sync'));
    seat.type('exit\r');
    assert.equal((await session.ended).reason, 'closed-by-target');
    assert.ok(seat.events.some(({ type }) => type === 'active'));
  });

  it('draws a desktop over RDP, and takes its size from the viewer', async () => {
    const hop = hopTo({
      ...{ host: '127.0.0.1', port: xrdp.port, protocol: 'rdp', username: xrdp.username, password: xrdp.password },
      parameters: { settings: ['ignore-cert=true', 'security=any', 'resize-method=reconnect'] },
    });
    await using session = await open(guacd, hop);
    const seat = await sit(session);
    await until(() => seat.opcodes.includes('img'));
    seat.say('size', '800', '600');
    await until(() => seat.opcodes.includes('size 0 800 600'));
    assert.equal(session.facts['guacdProtocol'], 'VERSION_1_3_0');
  });

  it('ends in words when the credential is refused', async () => {
    let fault: unknown;
    try {
      await using session = await open(guacd, ssh('wrong'));
      await sit(session);
      fault = (await session.ended).fault;
    } catch (failure) {
      fault = failure;
    }
    assert.ok(isFault(fault, 'CREDENTIAL_REFUSED'));
  });

  it('ends in words when guacd dies', async () => {
    await using own = await Guacd.start();
    await using session = await open(own, ssh());
    const seat = await sit(session);
    await until(() => seat.opcodes.includes('sync'));
    await own.kill();
    const end = await session.ended;
    assert.ok(isFault(end.fault, 'TARGET_DISCONNECTED'));
    assert.match(end.fault.message, /guacd/u);
  });

  it('refuses a guacd with known holes unless that is allowed', async () => {
    await assert.rejects(open(guacd, ssh(), false), { message: /allowVulnerable/u });
  });
});

describe('a hostile guacd', () => {
  const against = async (serve: (socket: Socket) => void): Promise<StreamedSession> => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      serve(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    server.unref();
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    const hop = hopTo({ host: '127.0.0.1', port: 1, protocol: 'ssh', username: 'u', password: 'p' });
    try {
      return await open({ host: '127.0.0.1', port: address.port }, hop);
    } finally {
      server.close();
    }
  };

  it('is refused with a reason, and kept in bounds', async () => {
    const breaches: readonly ((socket: Socket) => void)[] = [
      (socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'),
      (socket) => socket.write('99999.'),
      (socket) => socket.write('4.args,9000.x'),
      (socket) => socket.end(),
      (socket) => {
        socket.write(encodeInstruction('args', 'VERSION_1_5_0', 'hostname'));
        socket.write(encodeInstruction('ready', '$id'));
        const drawing = Buffer.alloc(64 * 1024, encodeInstruction('blob', '1', 'x'.repeat(1_000)));
        const more = (): void => {
          while (!socket.destroyed && socket.write(drawing));
        };
        socket.on('drain', more);
        more();
      },
      (socket) => {
        socket.write(encodeInstruction('args', 'VERSION_1_5_0', 'hostname'));
        socket.write(encodeInstruction('required', 'password'));
      },
    ];
    for (const breach of breaches)
      await assert.rejects(against(breach), (failure) => isFault(failure), breach.toString());
  });
});
