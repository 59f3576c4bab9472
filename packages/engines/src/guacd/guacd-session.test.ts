import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { EngineContext, EngineStream, Hop, Seat, SeatEvent, StreamedSession } from '@enchilada/core/engine';
import { Fault, isFault } from '@enchilada/core/fault';
import { systemClock } from '@enchilada/core/testing/authorized';
import { Guacd } from '@enchilada/core/testing/servers/guacd';
import { startSshd, type Sshd } from '@enchilada/core/testing/servers/sshd';
import { startXrdp, type Xrdp } from '@enchilada/core/testing/servers/xrdp';
import { startXvnc, type Xvnc } from '@enchilada/core/testing/servers/xvnc';
import { encodeInstruction, InstructionDecoder } from './codec/index.ts';
import { engine, hopTo, type Address, type EngineWishes } from './testing/hop.ts';
import { until } from '@enchilada/core/testing/until';

class TestSeat implements Seat {
  readonly mode: 'control' | 'watch';
  clipboard = { upload: true, download: true };
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

interface Way extends EngineWishes {
  readonly ask?: EngineContext['ask'];
}

async function open(guacd: Address, hop: Hop, { ask, ...wishes }: Way = {}): Promise<StreamedSession> {
  return engine(guacd, { limits: { handshakeMs: 20_000 }, ...wishes }).open({
    hops: [hop],
    sink: { output: () => assert.fail('a streamed session has no output but its viewers') },
    display: { columns: 80, rows: 24 },
    clock: systemClock,
    signal: new AbortController().signal,
    ask: ask ?? (() => Promise.reject(new Fault('PROMPT_ABANDONED', 'nobody is there'))),
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
  let xvnc: Xvnc;
  before(async () => {
    guacd = owned.use(await Guacd.start());
    sshd = owned.use(await startSshd({ hostKeyTypes: ['ed25519'] }));
    xrdp = owned.use(await startXrdp());
    xvnc = owned.use(await startXvnc({ geometry: '320x240', securityTypes: 'VncAuth' }));
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

  const vnc = (line: string, loginPassword?: string): Hop => ({
    ...hopTo({
      ...{ host: '127.0.0.1', port: xvnc.port, protocol: 'vnc', password: 'unused' },
      parameters: { settings: [line] },
      ...(loginPassword === undefined ? {} : { loginPassword }),
    }),
    credential: () => assert.fail('the credential was asked for'),
  });

  it('signs in with the person’s own password where a setting says so', async () => {
    await using session = await open(guacd, vnc('password=${GUAC_PASSWORD}', xvnc.password));
    const seat = await sit(session);
    await until(() => seat.opcodes.includes('sync'));
    await assert.rejects(open(guacd, vnc('password=${GUAC_PASSWORD}')), { code: 'CREDENTIAL_MISSING' });
  });

  it('asks the person for what guacd requires', async () => {
    const asked: unknown[] = [];
    await using session = await open(guacd, vnc('password=${GUAC_PASSWORD:OPTIONAL}'), {
      ask: ({ fields }) => {
        asked.push(...fields);
        return Promise.resolve([xvnc.password]);
      },
    });
    const seat = await sit(session);
    await until(() => seat.opcodes.includes('sync'));
    assert.deepEqual(asked, [{ text: 'password', echo: false }]);
    assert.ok(!seat.opcodes.includes('ack') && !seat.opcodes.includes('required'));
    await assert.rejects(open(guacd, vnc('password=${GUAC_PASSWORD:OPTIONAL}')), { code: 'PROMPT_ABANDONED' });
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
    await assert.rejects(open(guacd, ssh(), { allowVulnerable: false }), { message: /allowVulnerable/u });
  });
});

describe('what guacd is told', () => {
  it('is the settings with their tokens filled in, under the names that it asks for', async () => {
    const heard = Promise.withResolvers<readonly string[]>();
    const server = createServer((socket) => {
      const decoder = new InstructionDecoder('INTERNAL');
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => {
        for (const { opcode, arguments: words } of decoder.push(bytes)) {
          if (opcode === 'connect') heard.resolve(words);
          if (opcode === 'select')
            socket.write(encodeInstruction('args', 'VERSION_1_5_0', 'username', 'domain', 'password', 'remote-app'));
          if (opcode === 'connect') socket.end(encodeInstruction('error', 'enough', '519'));
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    const settings = [
      'username=LAND\\${CREDENTIAL_USERNAME}',
      'domain=${GUAC_CLIENT_ADDRESS}/${GUAC_USERNAME:UPPER}/${NOBODY:OPTIONAL}',
      'remote-app=${GUAC_DATE}-${GUAC_TIME}',
      'password=guessed',
      'recording-path=/tmp',
    ];
    const hop = hopTo({
      ...{ host: '127.0.0.1', port: 1, protocol: 'rdp', username: 'eve', password: 'p;,😀' },
      parameters: { settings },
    });
    await assert.rejects(open({ host: '127.0.0.1', port: address.port }, hop), { code: 'TARGET_REFUSED' });
    const [version, username, domain, password, stamp] = await heard.promise;
    server.close();
    assert.deepEqual([version, username, domain], ['VERSION_1_5_0', 'LAND\\eve', '127.0.0.1/TEST/']);
    assert.equal(password, 'p;,😀', 'a password among the settings is none');
    assert.match(stamp ?? '', /^\d{8}-\d{6}$/u);
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
      (socket) => {
        socket.write(encodeInstruction('args', 'VERSION_1_5_0', 'hostname'));
        socket.write(encodeInstruction('required', 'Your code, please'));
      },
    ];
    for (const breach of breaches)
      await assert.rejects(against(breach), (failure) => isFault(failure), breach.toString());
  });
});
