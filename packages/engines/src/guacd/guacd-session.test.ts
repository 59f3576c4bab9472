import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import {
  checkParameters,
  type EngineContext,
  type EngineStream,
  type Hop,
  type Seat,
  type SeatEvent,
  type StreamedSession,
} from '@enchilada/core/engine';
import { Fault, isFault } from '@enchilada/core/fault';
import { systemClock } from '@enchilada/core/testing/authorized';
import { Guacd } from '@enchilada/core/testing/servers/guacd';
import { startSshd, type Sshd } from '@enchilada/core/testing/servers/sshd';
import { startXrdp, type Xrdp } from '@enchilada/core/testing/servers/xrdp';
import { startXvnc, type Xvnc } from '@enchilada/core/testing/servers/xvnc';
import { encodeInstruction, InstructionDecoder } from './codec/index.ts';
import { engine, hopTo, type Address, type EngineWishes, type HopWishes } from './testing/hop.ts';
import { until } from '@enchilada/core/testing/until';

class TestSeat implements Seat {
  readonly mode: 'control' | 'watch';
  readonly viewOnly = false;
  clipboard = { upload: true, download: true };
  readonly clipboardFiles = { upload: true, download: true };
  readonly events: SeatEvent[] = [];
  readonly opcodes: string[] = [];
  readonly outputs: string[] = [];
  stream: EngineStream | undefined;
  readonly #decoder = new InstructionDecoder('INTERNAL');
  readonly sink = {
    output: (bytes: Uint8Array): void => {
      this.outputs.push(Buffer.from(bytes).toString());
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

  readonly asides: string[] = [];

  aside(bytes: Uint8Array): void {
    this.asides.push(Buffer.from(bytes).toString());
    for (const { opcode } of new InstructionDecoder('INTERNAL').push(bytes)) this.opcodes.push(opcode);
  }

  written(): Promise<void> {
    return Promise.resolve();
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

async function sit(
  session: StreamedSession,
  mode: 'control' | 'watch' = 'control',
  clipboard = { upload: true, download: true },
): Promise<TestSeat> {
  const seat = new TestSeat(mode);
  seat.clipboard = clipboard;
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
    const strokes = seat.events.flatMap((event) =>
      event.type === 'key' && event.stroke.isDown ? [event.stroke.value] : [],
    );
    assert.deepEqual(strokes, [...'exit'].map((letter) => letter.codePointAt(0)).concat(0xff0d));
  });

  for (const [how, unheard] of [
    ['closes', (socket: Socket) => socket.once('data', () => socket.destroy())],
    ['sends a stray byte on', (socket: Socket) => socket.resume().write('G')],
    ['never answers', (socket: Socket) => socket.resume()],
  ] as const)
    it(`is asked again where it ${how} a connection that begins as another ends`, async () => {
      const seen: Socket[] = [];
      const faulty = createServer((socket) => {
        seen.push(socket);
        socket.on('error', () => undefined);
        if (seen.length < 3) unheard(socket);
        else socket.pipe(connect(guacd.port, guacd.host)).pipe(socket);
      }).listen(0, '127.0.0.1');
      try {
        await once(faulty, 'listening');
        const { port } = faulty.address() as AddressInfo;
        const limits = { firstWordMs: 500 };
        await using session = await open({ host: '127.0.0.1', port }, ssh(), { limits });
        const seat = await sit(session);
        await until(() => seat.opcodes.includes('sync'));
        assert.equal(seen.length, 3);
        await until(() => seen.slice(0, 2).every(({ destroyed }) => destroyed));
      } finally {
        faulty.close();
        for (const socket of seen) socket.destroy();
      }
    });

  it('is passed over where it takes the connection and says nothing, and another is there', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1');
    try {
      await once(silent, 'listening');
      const { port } = silent.address() as AddressInfo;
      const at = (server: Address) => ({ host: server.host, port: server.port, tls: false, weight: 1 });
      const servers = [
        { ...at({ host: '127.0.0.1', port }), weight: 9_999 },
        { ...at(guacd), weight: 0 },
      ];
      await using session = await open(guacd, ssh(), { servers, limits: { firstWordMs: 500 } });
      const seat = await sit(session);
      await until(() => seat.opcodes.includes('sync'));
      assert.equal(session.facts['guacd'], `127.0.0.1:${guacd.port}`);
    } finally {
      silent.close();
    }
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

  it('withholds a clipboard that is denied, and tells of it once in each direction', async () => {
    const denied = (seat: TestSeat) => seat.events.filter(({ type }) => type === 'clipboard-denied');
    const copyOnMachine = (text: string) =>
      xvnc.start(
        'xterm',
        ...['-xrm', '*allowWindowOps: true', '-e'],
        `printf '\\033]52;c;${Buffer.from(text).toString('base64')}\\007'; sleep 600`,
      );
    const paste = (seat: TestSeat): void => {
      seat.say('clipboard', '0', 'text/plain');
      seat.say('blob', '0', Buffer.from('to the machine').toString('base64'));
      seat.say('end', '0');
    };
    await using session = await open(guacd, vnc('password=${GUAC_PASSWORD}', xvnc.password));
    const none = { upload: false, download: false };
    const [bare, watching] = [await sit(session, 'control', none), await sit(session, 'watch', none)];
    for (const seat of [bare, watching]) await until(() => seat.opcodes.includes('sync'));
    assert.deepEqual(denied(bare), [], 'nobody has copied anything');
    for (let times = 0; times < 3; times++) for (const seat of [bare, watching]) paste(seat);
    const uploads = [{ type: 'clipboard-denied', direction: 'upload' }];
    assert.deepEqual(denied(bare), uploads);
    const first = copyOnMachine('otters');
    await until(() => denied(bare).length > 1);
    assert.deepEqual(denied(bare), [...uploads, { type: 'clipboard-denied', direction: 'download' }]);
    assert.deepEqual([denied(watching), bare.asides, watching.asides], [[], [], []]);
    first.kill();

    const free = await sit(session);
    await until(() => free.opcodes.includes('sync'));
    const second = copyOnMachine('badgers');
    await until(() => free.asides.join('').includes(Buffer.from('badgers').toString('base64')));
    paste(free);
    assert.deepEqual(denied(free), []);
    assert.ok(free.events.some((event) => event.type === 'clipboard' && event.direction === 'upload'));
    second.kill();
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
  /** What guacd is told under the names that it asks for; undefined where it is never connected to a machine. */
  async function told(names: readonly string[], hop: Hop, way: Way = {}): Promise<readonly string[] | undefined> {
    let heard: readonly string[] | undefined;
    const server = createServer((socket) => {
      const decoder = new InstructionDecoder('INTERNAL');
      socket.on('error', () => undefined);
      socket.on('data', (bytes) => {
        for (const { opcode, arguments: words } of decoder.push(bytes)) {
          if (opcode === 'select') socket.write(encodeInstruction('args', 'VERSION_1_5_0', ...names));
          if (opcode !== 'connect') continue;
          heard = words;
          socket.end(encodeInstruction('error', 'enough', '519'));
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    try {
      await open({ host: '127.0.0.1', port: address.port }, hop, way);
    } catch (failure) {
      if (!isFault(failure, 'TARGET_REFUSED')) throw failure;
    } finally {
      server.close();
    }
    return heard;
  }
  const machine = (settings: readonly string[], change: Partial<HopWishes> = {}): Hop =>
    hopTo({
      ...{ host: '127.0.0.1', port: 1, protocol: 'rdp', username: 'eve', password: 'p;,😀' },
      ...change,
      parameters: { settings },
    });

  it('is the settings with their tokens filled in, under the names that it asks for', async () => {
    const settings = [
      'username=LAND\\${CREDENTIAL_USERNAME}',
      'domain=${GUAC_CLIENT_ADDRESS}/${GUAC_USERNAME:UPPER}/${NOBODY:OPTIONAL}',
      'remote-app=${GUAC_DATE}-${GUAC_TIME}',
      'password=guessed',
      'recording-path=/tmp',
    ];
    const names = ['username', 'domain', 'password', 'remote-app'];
    const [version, username, domain, password, stamp] = (await told(names, machine(settings))) ?? [];
    assert.deepEqual([version, username, domain], ['VERSION_1_5_0', 'LAND\\eve', '127.0.0.1/TEST/']);
    assert.equal(password, 'p;,😀', 'a password among the settings is none');
    assert.match(stamp ?? '', /^\d{8}-\d{6}$/u);
  });

  it('is the very address that was judged, and a name only where the machine proves it', async () => {
    const addressOf = async (settings: readonly string[], protocol: string) => {
      const lookup = () => Promise.resolve(['2001:db8::7', '192.0.2.7']);
      const hop = machine(settings, { host: 'machine.example', protocol });
      return (await told(['hostname'], hop, { lookup }))?.[1];
    };
    assert.equal(await addressOf([], 'vnc'), '192.0.2.7');
    assert.equal(await addressOf(['ignore-cert=true'], 'rdp'), '192.0.2.7');
    assert.equal(await addressOf(['security=rdp'], 'rdp'), '192.0.2.7');
    assert.equal(await addressOf([], 'rdp'), 'machine.example');
    for (const protocol of ['rdp', 'vnc']) {
      const hop = machine([], { host: 'harmless.example', protocol });
      const lookup = () => Promise.resolve(['192.0.2.7', '169.254.169.254']);
      await assert.rejects(told(['hostname'], hop, { lookup }), { code: 'TARGET_EGRESS_DENIED' });
    }
  });

  it('leads to no third machine and opens no port of its own', async () => {
    const names = ['dest-host', 'dest-port', 'gateway-hostname', 'gateway-port', 'audio-servername'];
    const all = [...names, 'reverse-connect', 'listen-timeout'];
    const settings = all.map((name) => `${name}=169.254.169.254`);
    assert.deepEqual(
      (await told(all, machine(settings)))?.slice(1),
      all.map(() => ''),
    );
    const field = engine({ host: '127.0.0.1', port: 1 }).manifest;
    for (const line of settings) assert.equal(checkParameters(field, { settings: [line] }).length, 1, line);
    assert.deepEqual(checkParameters(field, { settings: ['color-depth=16', 'password=${GUAC_PASSWORD}'] }), []);
  });

  it('lets no name of a person be a command, or an account of the system', async () => {
    const as = (username: string, line: string, own = 'eve') => {
      const hop = machine([line], { username: own });
      const { identity } = hop.leave;
      const leave = { ...hop.leave, identity: { ...identity, user: { ...identity.user, username } } };
      return told(['command', 'username'], { ...hop, leave });
    };
    assert.equal((await as('ann.b', 'command=greet ${GUAC_USERNAME}'))?.[1], 'greet ann.b');
    for (const name of ['ann;reboot', '$(reboot)', '-rf', 'LAND\\ann', 'ann b'])
      await assert.rejects(as(name, 'command=greet ${GUAC_USERNAME:LOWER}'), { code: 'USERNAME_UNFIT' }, name);
    await assert.rejects(as('ann', 'command=greet ${CREDENTIAL_USERNAME}', 'x;reboot'), { code: 'USERNAME_UNFIT' });
    assert.equal((await as('ann', 'username=LAND\\${GUAC_USERNAME}'))?.[2], 'LAND\\ann');
    await assert.rejects(as('Root', 'username=${GUAC_USERNAME:LOWER}'), { code: 'USERNAME_UNFIT' });
    await assert.rejects(as('root', 'domain=x', '${GUAC_USERNAME}'), { code: 'USERNAME_UNFIT' });
    assert.equal((await as('ann', 'username=root'))?.[2], 'root', 'who writes it out means it');
  });
});

/** A session through whatever serves the connection. */
async function against(serve: (socket: Socket) => void): Promise<StreamedSession> {
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
}

describe('what guacd draws', () => {
  /** A connection whose first picture is drawn. */
  const drawn = async () => {
    const peer = Promise.withResolvers<Socket>();
    const session = await against((socket) => {
      for (const [opcode = '', ...words] of [
        ['args', 'VERSION_1_5_0', 'hostname'],
        ['ready', '$id'],
        ['sync', '1'],
      ])
        socket.write(encodeInstruction(opcode, ...words));
      peer.resolve(socket);
    });
    const seat = await sit(session);
    return { session, seat, socket: await peer.promise };
  };
  /** Resolves once the gateway's socket has taken all of it. */
  const say = (socket: Socket, ...said: readonly (readonly string[])[]): Promise<void> =>
    new Promise((resolve) => {
      const words = said.map(([opcode = '', ...rest]) => Buffer.from(encodeInstruction(opcode, ...rest)));
      socket.write(Buffer.concat(words), () => resolve());
    });

  it('is handed on frame by frame, however it was cut on the way, and sound at once', async () => {
    const { session, seat, socket } = await drawn();
    await using _session = session;
    await say(socket, ['rect', '0', '0', '0', '8', '8']);
    await say(socket, ['cfill', '14', '0', '1', '2', '3', '255']);
    await say(socket, ['sync', '2'], ['audio', '1', 'audio/L8;rate=8000,channels=1']);
    await until(() => seat.opcodes.includes('audio'));
    await say(socket, ['blob', '1', 'AAAA']);
    await until(() => seat.opcodes.includes('blob'));
    const frame = seat.outputs.find((text) => text.includes('4.rect'));
    assert.match(frame ?? '', /4\.rect.*5\.cfill.*4\.sync,1\.2;/u);
  });

  it('goes into the recording, and what is copied there does not', async () => {
    const { session, seat, socket } = await drawn();
    await using _session = session;
    const copied = [
      ['clipboard', '3', 'text/plain'],
      ['blob', '3', 'c2VjcmV0'],
      ['end', '3'],
    ];
    await say(socket, ['rect', '0', '0', '0', '8', '8'], ...copied, ['sync', '2']);
    await until(() => seat.opcodes.filter((opcode) => opcode === 'sync').length === 2);
    assert.deepEqual(seat.opcodes.slice(1), ['rect', 'clipboard', 'blob', 'end', 'sync']);
    assert.ok(seat.asides.join('').includes('c2VjcmV0'));
    assert.ok(!seat.outputs.join('').includes('c2VjcmV0'));
  });

  it('is handed on while it is drawn where the frame is long', async () => {
    const { session, seat, socket } = await drawn();
    await using _session = session;
    const pieces = Array.from({ length: 12 }, () => ['blob', '1', 'A'.repeat(6_000)]);
    await say(socket, ['img', '1', '14', '0', 'image/png', '0', '0'], ...pieces);
    await until(() => seat.opcodes.includes('img'));
  });

  it('is all there when it ends in the middle of a frame', async () => {
    for (const last of [['disconnect'], ['error', 'Aborted', '523'], undefined]) {
      const { session, seat, socket } = await drawn();
      await say(socket, ['rect', '0', '0', '0', '8', '8'], ...(last === undefined ? [] : [last]));
      if (last === undefined) socket.end();
      await session.ended;
      assert.equal(seat.opcodes.at(-1), 'rect', String(last));
    }
  });
});

describe('a hostile guacd', () => {
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
        socket.write(encodeInstruction('ready', '$id'));
        const nothing = Buffer.alloc(48 * 1024, '0.;');
        const more = (): void => {
          while (!socket.destroyed && socket.write(nothing));
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
