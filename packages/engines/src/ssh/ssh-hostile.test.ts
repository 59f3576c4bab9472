import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import { Fault, isFault, type FaultCode } from '@enchilada/core/fault';
import { startSshd } from '@enchilada/core/testing/servers/sshd';
import ssh2, { type Connection, type ServerConfig } from 'ssh2';
import { makeHostKeyPair } from './host-key-pair.ts';
import { openJourney, password, sshdTarget, until, type Journey, type OpenClient } from './testing.ts';

const HOST_KEY = makeHostKeyPair().privateKey;

interface Listener extends AsyncDisposable {
  readonly port: number;
  readonly received: () => number;
}

/** A server of raw bytes on a port of the system's choice. */
async function listen(serve: (socket: Socket) => void): Promise<Listener> {
  const sockets = new Set<Socket>();
  let received = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => (received += bytes.length));
    serve(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    received: () => received,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An SSH server that lets everybody in and does what `serve` says. */
async function listenSsh(config: Partial<ServerConfig>, serve: (connection: Connection) => void): Promise<Listener> {
  const server = new ssh2.Server({ hostKeys: [HOST_KEY], ...config }, (connection) => {
    connection.on('error', () => undefined);
    connection.on('authentication', (context) => context.accept());
    serve(connection);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = (server as unknown as Server).address() as AddressInfo;
  return {
    port,
    received: () => 0,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}

function open(port: number, journey: Partial<Journey> = {}, parameters = {}): Promise<OpenClient> {
  const target = sshdTarget({ host: '127.0.0.1', port }, { parameters });
  return openJourney({ hops: [{ target, credential: password('anybody', 'secret') }], ...journey });
}

async function refusesWith(
  code: FaultCode,
  serve: (socket: Socket) => void,
  journey: Partial<Journey> = {},
): Promise<string> {
  await using listener = await listen(serve);
  let message = '';
  await assert.rejects(open(listener.port, journey), (error) => {
    assert.ok(isFault(error), String(error));
    message = error.message;
    assert.equal(error.code, code, error.message);
    return true;
  });
  return message;
}

describe('servers that do not behave', () => {
  it('gives up on one that accepts and stays silent', () =>
    refusesWith('TARGET_TIMED_OUT', () => undefined, { limits: { handshakeMs: 200 } }).then(() => undefined));

  it('gives up on one that says its version and stays silent', () =>
    refusesWith('TARGET_TIMED_OUT', (socket) => socket.write('SSH-2.0-tarpit\r\n'), {
      limits: { handshakeMs: 200 },
    }).then(() => undefined));

  it('gives up on one that lets everybody in and never answers for a channel, or for the terminal on it', async () => {
    const silent: Readonly<Record<string, (connection: Connection) => void>> = {
      'for a channel': (connection) => connection.on('session', () => undefined),
      'for the terminal': (connection) =>
        connection.on(
          'session',
          (accept) =>
            void accept()
              .on('pty', (acceptPty) => acceptPty?.())
              .on('shell', () => undefined),
        ),
    };
    for (const [about, serve] of Object.entries(silent)) {
      await using listener = await listenSsh({}, serve);
      await assert.rejects(open(listener.port, { limits: { handshakeMs: 500 } }), { code: 'TARGET_TIMED_OUT' }, about);
      // Whoever ends the session meanwhile does not wait for it either.
      const ending = new AbortController();
      await using other = await listenSsh({}, (connection) => {
        connection.on('session', () => ending.abort(new Fault('SESSION_ENDED', 'an administrator ended it')));
      });
      await assert.rejects(open(other.port, { signal: ending.signal }), { code: 'SESSION_ENDED' }, about);
    }
  });

  it('hears one to its end that opens the terminal and ends the command in one breath', async () => {
    await using listener = await listenSsh({}, (connection) => {
      connection.on('session', (accept) => {
        const session = accept();
        session.on('pty', (acceptPty) => acceptPty?.());
        session.on('exec', (acceptExec) => {
          const channel = acceptExec();
          channel.write('in one breath');
          channel.exit(7);
          channel.end();
        });
      });
    });
    await using client = await open(listener.port, {}, { initialCommand: 'anything' });
    assert.deepEqual(await client.session.ended, { reason: 'closed-by-target', exitCode: 7 });
    assert.equal(client.output(), 'in one breath');
  });

  it('gives up on an endless banner, by lines and by one line, before memory notices', async () => {
    for (const block of [Buffer.from('welcome to the machine\r\n'.repeat(1_000)), Buffer.alloc(64 * 1024, 'x')]) {
      let sent = 0;
      await refusesWith('TARGET_PROTOCOL_VIOLATION', (socket) => {
        const more = (): void => {
          while (!socket.destroyed && socket.write(block)) sent += block.length;
        };
        socket.on('drain', more);
        more();
      });
      assert.ok(sent < 32 * 1024 * 1024, `${sent} bytes were taken`);
    }
  });

  it('takes a slow endless banner for what it is: no answer in time', async () => {
    await refusesWith(
      'TARGET_TIMED_OUT',
      (socket) => void setInterval(() => socket.destroyed || socket.write('line\r\n'), 10).unref(),
      { limits: { handshakeMs: 300 } },
    );
  });

  it('refuses what is not SSH, and sends it no more than the version line', async () => {
    for (const answer of [
      'HTTP/1.1 400 Bad Request\r\n\r\n',
      '-ERR unknown command\r\n',
      randomBytes(4_096),
      'SSH-1.5-old\r\n',
      'SSH-2.0-x\r\n\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff',
    ]) {
      await using listener = await listen((socket) => socket.end(answer));
      await assert.rejects(open(listener.port), { code: 'TARGET_PROTOCOL_VIOLATION' });
      const isSsh2 = answer.toString().startsWith('SSH-2.0');
      if (!isSsh2)
        assert.ok(listener.received() <= 'SSH-2.0-Enchilada\r\n'.length, `${listener.received()} bytes were sent`);
    }
  });

  it('says that a target hung up without a word', () =>
    refusesWith('TARGET_DISCONNECTED', (socket) => socket.end()).then(() => undefined));
  it('says that a target reset the connection', () =>
    refusesWith('TARGET_DISCONNECTED', (socket) => socket.once('data', () => socket.resetAndDestroy())).then(
      () => undefined,
    ));

  it('survives 200 handshakes that break off into noise at any point', async () => {
    const recorded: Buffer[] = [];
    await using real = await listenSsh({}, () => undefined);
    const probe = new ssh2.Client();
    probe.on('error', () => undefined);
    const tap = connect(real.port, '127.0.0.1');
    tap.on('data', (bytes: Buffer) => recorded.push(bytes));
    const over = new Promise<void>((resolve) => void probe.once('close', () => resolve()));
    probe.connect({ sock: tap, username: 'x', hostVerifier: () => false });
    await over;
    const honest = Buffer.concat(recorded);
    for (let round = 0; round < 200; round += 1) {
      await using listener = await listen((socket) => {
        const bytes = Buffer.from(honest);
        for (let flips = 0; flips <= round % 7; flips += 1)
          bytes[(round * 7919 + flips * 104_729) % bytes.length]! ^= 1 + ((round + flips) % 255);
        socket.end(bytes.subarray(0, 1 + ((round * 31) % bytes.length)));
      });
      await assert.rejects(
        open(listener.port, { limits: { handshakeMs: 2_000 } }),
        (error) => isFault(error) && /^TARGET_/u.test(error.code),
      );
    }
  });

  it('opens no channel that the server asks for', async () => {
    const answers: string[] = [];
    const types = [
      'forwarded-tcpip',
      'x11',
      'auth-agent@openssh.com',
      'forwarded-streamlocal@openssh.com',
      'session',
      'direct-tcpip',
      'tun@openssh.com',
    ];
    await using server = await listenSsh({}, (connection) => {
      connection.on('session', (accept) => {
        const session = accept();
        session.on('pty', (acceptPty) => acceptPty?.());
        session.on('shell', (acceptShell) => {
          const channel = acceptShell();
          const protocol = (
            connection as unknown as {
              _protocol: Record<string, (...values: unknown[]) => void> & {
                _handlers: Record<string, (...values: unknown[]) => void>;
              };
            }
          )._protocol;
          protocol._handlers['CHANNEL_OPEN_FAILURE'] = (_protocol, id) => answers.push(`refused ${String(id)}`);
          protocol._handlers['CHANNEL_OPEN_CONFIRMATION'] = (_protocol, id) => answers.push(`opened ${String(id)}`);
          types.forEach((type, index) => sendChannelOpen(protocol, type, 100 + index));
          void until(() => answers.length === types.length).then(() => channel.write('all answered'));
        });
      });
    });
    await using client = await open(server.port);
    await until(() => client.output().includes('all answered'));
    assert.deepEqual(
      answers,
      types.map((_, index) => `refused ${100 + index}`),
    );
  });

  it('ends a session whose target sends more than its window allows', async () => {
    await using server = await listenSsh({}, (connection) => {
      connection.on('session', (accept) => {
        const session = accept();
        session.on('pty', (acceptPty) => acceptPty?.());
        session.on('shell', (acceptShell) => {
          const channel = acceptShell() as unknown as { outgoing: { window: number }; write(bytes: Uint8Array): void };
          channel.outgoing.window = Number.MAX_SAFE_INTEGER;
          for (let sent = 0; sent < 64; sent += 1) channel.write(new Uint8Array(32 * 1024));
        });
      });
    });
    await using client = await open(server.port, { output: () => undefined });
    client.session.pause();
    await until(async () => {
      const end = await Promise.race([
        client.session.ended,
        new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 10)),
      ]);
      if (end === undefined) return false;
      return isFault(end.fault, 'TARGET_PROTOCOL_VIOLATION');
    });
  });

  it('bounds the questions of a target, in number and in size, and strips what would steer a terminal', async () => {
    let rounds = 0;
    await using server = await listenSsh({}, (connection) => {
      connection.removeAllListeners('authentication');
      connection.on('authentication', (context) => {
        if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
        const again = (): void =>
          context.prompt(
            [{ prompt: `\u001b[2J\u202e${'?'.repeat(5_000)}`, echo: true }],
            () => ((rounds += 1), again()),
          );
        again();
      });
    });
    const texts: string[] = [];
    const ask: Journey['ask'] = async (prompt) => {
      texts.push(prompt.fields[0]!.text);
      return ['x'];
    };
    await assert.rejects(open(server.port, { ask }), { code: 'TARGET_PROTOCOL_VIOLATION' });
    assert.ok(rounds <= 12);
    assert.ok(texts.every((text) => text.length <= 2_000 && !/[\u0000-\u001f\u202e]/u.test(text)));
  });

  it('stops a target that answers with an endless sign-in banner', async () => {
    await using server = await listenSsh({ banner: 'x'.repeat(200_000) }, (connection) => {
      connection.removeAllListeners('authentication');
      connection.on('authentication', (context) =>
        context.reject(['keyboard-interactive', 'x'.repeat(20_000)] as never),
      );
    });
    await assert.rejects(open(server.port), (error) => isFault(error));
  });

  it('shares no algorithm with an old server unless the target says so', async () => {
    for (const config of [
      ['KexAlgorithms diffie-hellman-group14-sha1'],
      ['Ciphers aes128-cbc'],
      ['MACs hmac-sha1', 'Ciphers aes128-ctr'],
      ['HostKeyAlgorithms ssh-rsa'],
    ]) {
      await using sshd = await startSshd({ config });
      const journey = (parameters: { legacyAlgorithms?: boolean }): Promise<OpenClient> =>
        openJourney({
          hops: [{ target: sshdTarget(sshd, { parameters }), credential: password(sshd.username, sshd.password) }],
        });
      await assert.rejects(journey({}), { code: 'TARGET_NO_COMMON_ALGORITHM' }, config.join());
      assert.deepEqual(sshd.attempts(), []);
      await using _legacy = await journey({ legacyAlgorithms: true });
    }
  });

  it('falls back to ciphers that survive prefix truncation where the server lacks strict key exchange', async () => {
    const lax = (algorithms: ServerConfig['algorithms']): Promise<Listener> =>
      listenSsh({ ...(algorithms === undefined ? {} : { algorithms }) }, (connection) => {
        // The same offer with the name of strict key exchange spoilt on the wire, and the server not minding it either.
        const protocol = (
          connection as unknown as { _protocol: { _strictMode: boolean; _offer: { lists: { all: Buffer } } } }
        )._protocol;
        protocol._strictMode = false;
        const at = protocol._offer.lists.all.indexOf('kex-strict');
        if (at !== -1) protocol._offer.lists.all.write('no-', at);
        connection.on('session', (accept) => {
          const session = accept();
          session.on('pty', (acceptPty) => acceptPty?.());
          session.on('shell', (acceptShell) => void acceptShell());
        });
      });
    await using both = await lax({
      cipher: ['chacha20-poly1305@openssh.com', 'aes128-ctr'],
      hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-256'],
    });
    await using client = await open(both.port);
    assert.equal(client.session.facts['cipher'], 'aes128-ctr');
    assert.equal(client.session.facts['mac'], 'hmac-sha2-256');
    await using only = await lax({ cipher: ['chacha20-poly1305@openssh.com'] });
    await assert.rejects(open(only.port), { code: 'TARGET_NO_COMMON_ALGORITHM' });
  });
});

/** A CHANNEL_OPEN message by hand (RFC 4254 section 5.1), with addresses behind it where the type has some. */
function sendChannelOpen(protocol: object, type: string, id: number): void {
  const internals = protocol as {
    _packetRW: {
      write: { allocStart: number; alloc(length: number): Uint8Array; finalize(packet: Uint8Array): Uint8Array };
    };
    _cipher: { encrypt(packet: Uint8Array): void };
  };
  const text = (value: string): Buffer => Buffer.concat([word(value.length), Buffer.from(value)]);
  const addresses = Buffer.concat([text('127.0.0.1'), word(22), text('127.0.0.1'), word(2222)]);
  const message = Buffer.concat([
    Buffer.from([90]),
    text(type),
    word(id),
    word(1 << 20),
    word(1 << 15),
    type === 'auth-agent@openssh.com' ? Buffer.alloc(0) : addresses,
  ]);
  const packet = internals._packetRW.write.alloc(message.length);
  packet.set(message, internals._packetRW.write.allocStart);
  internals._cipher.encrypt(internals._packetRW.write.finalize(packet));
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
