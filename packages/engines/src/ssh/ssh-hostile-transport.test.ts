import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { isFault } from '@enchilada/core/fault';
import { startSshd, type Sshd } from '@enchilada/core/testing/servers/sshd';
import { openJourney, password, sshdTarget, until, type Journey, type OpenClient } from './testing.ts';

let sshd: Sshd;
before(async () => {
  sshd = await startSshd();
});
after(() => sshd[Symbol.asyncDispose]());

interface Between extends AsyncDisposable {
  readonly port: number;
  /** Bytes of the server that went through. */
  readonly passed: () => number;
}

/** Somebody on the way to the real server, who does to its bytes as `tamper` says. */
async function between(
  tamper: (facts: { readonly bytes: Buffer; readonly from: number; readonly client: Socket }) => Buffer | undefined,
  port = sshd.port,
): Promise<Between> {
  const sockets = new Set<Socket>();
  let passed = 0;
  const server = createServer((client) => {
    const real = connect(port, '127.0.0.1');
    for (const socket of [client, real]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        real.destroy();
      });
    }
    client.pipe(real);
    let from = 0;
    real.on('data', (bytes: Buffer) => {
      const changed = tamper({ bytes, from, client });
      from += bytes.length;
      passed = Math.max(passed, from);
      if (changed !== undefined && !client.destroyed) client.write(changed);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    passed: () => passed,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A server that says its version and then whatever it likes, in clear. */
async function liar(talk: (socket: Socket) => void): Promise<Between> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.resume();
    socket.write('SSH-2.0-liar\r\n');
    talk(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    passed: () => 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function open({ port }: { readonly port: number }, journey: Partial<Journey> = {}): Promise<OpenClient> {
  return openJourney({
    hops: [
      {
        target: sshdTarget({ host: '127.0.0.1', port }),
        credential: password(sshd.username, sshd.password),
      },
    ],
    ...journey,
  });
}

/** Opens and works until something gives way; answers the fault. */
async function givesWay(port: { readonly port: number }, journey: Partial<Journey> = {}): Promise<string> {
  let client: OpenClient;
  try {
    client = await open(port, journey);
  } catch (failure) {
    assert.ok(isFault(failure), String(failure));
    return failure.code;
  }
  await using _owned = client;
  client.session.input(Buffer.from('seq 1 200000\r'));
  const end = await client.session.ended;
  assert.ok(end.fault !== undefined, JSON.stringify(end));
  return end.fault.code;
}

const BROKEN = new Set(['TARGET_PROTOCOL_VIOLATION', 'TARGET_DISCONNECTED', 'TARGET_NO_COMMON_ALGORITHM']);

/** An unencrypted binary packet (RFC 4253 section 6) whose length field says what `says` says. */
function packet(payload: Buffer, says?: number): Buffer {
  const padding = 8 + ((8 - ((payload.length + 5) % 8)) % 8);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(says ?? payload.length + padding + 1);
  head[4] = padding;
  return Buffer.concat([head, payload, Buffer.alloc(padding)]);
}

describe('a transport that is tampered with', () => {
  it('ends on the first altered byte, wherever after the key exchange it is', async () => {
    let whole = 0;
    await using honest = await between(({ bytes }) => bytes);
    {
      await using client = await open(honest);
      await until(() => client.output().length > 0);
      whole = honest.passed();
    }
    assert.ok(whole > 2_000, `${whole} bytes`);
    for (let round = 0; round < 24; round++) {
      // From the last third of the sign-in into the shell's output: lengths, contents and tags alike.
      const at = Math.floor(whole * 0.7) + round * 37;
      await using tampered = await between(({ bytes, from }) => {
        if (at < from || at >= from + bytes.length) return bytes;
        const changed = Buffer.from(bytes);
        changed[at - from] = (changed[at - from] ?? 0) ^ (1 << (round % 8));
        return changed;
      });
      const code = await givesWay(tampered, { limits: { handshakeMs: 5_000 } });
      assert.ok(BROKEN.has(code) || code === 'TARGET_TIMED_OUT', `byte ${at}: ${code}`);
    }
  });

  it('tells an altered key exchange from an honest one, and sends no credential', async () => {
    for (let round = 0; round < 16; round++) {
      const seen = sshd.attempts().length;
      await using tampered = await between(({ bytes, from }) => {
        const at = 60 + round * 73;
        if (at < from || at >= from + bytes.length) return bytes;
        const changed = Buffer.from(bytes);
        changed[at - from] = (changed[at - from] ?? 0) ^ 0x10;
        return changed;
      });
      await assert.rejects(
        open(tampered, { limits: { handshakeMs: 5_000 } }),
        (failure) => isFault(failure) && /^TARGET_/u.test(failure.code),
      );
      assert.equal(sshd.attempts().length, seen, `round ${round}`);
    }
  });

  it('is told in words when it is cut, in every state', async () => {
    let whole = 0;
    await using honest = await between(({ bytes }) => bytes);
    {
      await using client = await open(honest);
      await until(() => client.output().length > 0);
      whole = honest.passed();
    }
    const codes = new Set<string>();
    for (let cut = 0; cut < whole + 400; cut += Math.ceil(whole / 20)) {
      for (const how of ['end', 'reset'] as const) {
        await using cutting = await between(({ bytes, from, client }) => {
          if (from + bytes.length <= cut) return bytes;
          if (how === 'reset') client.resetAndDestroy();
          else client.end(bytes.subarray(0, Math.max(0, cut - from)));
          return undefined;
        });
        codes.add(await givesWay(cutting));
      }
    }
    assert.deepEqual([...codes], ['TARGET_DISCONNECTED']);
  });

  it('gives up on a handshake that comes in drops', async () => {
    await using dripping = await between(({ bytes, client }) => {
      let at = 0;
      const drop = setInterval(() => {
        if (client.destroyed || at >= bytes.length) clearInterval(drop);
        else client.write(bytes.subarray(at, (at += 1)));
      }, 5);
      return undefined;
    });
    assert.equal(await givesWay(dripping, { limits: { handshakeMs: 400 } }), 'TARGET_TIMED_OUT');
  });
});

describe('packets that lie about themselves', () => {
  const ignore = Buffer.concat([Buffer.from([2]), Buffer.from([0, 0, 0x70, 0]), Buffer.alloc(0x7000, 'x')]);
  const lies: Readonly<Record<string, Buffer>> = {
    'a length of 4 GiB': packet(Buffer.from([20]), 0xffffffff),
    'a length of 2 GiB': packet(Buffer.from([20]), 0x7fffffff),
    'a length of 1 MiB': packet(Buffer.from([20]), 1024 * 1024),
    'a length of nothing': packet(Buffer.from([20]), 0),
    'more padding than packet': Buffer.from([0, 0, 0, 12, 255, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    'a name list longer than its packet': packet(
      Buffer.concat([Buffer.alloc(17, 20), Buffer.from([0xff, 0xff, 0xff, 0xff])]),
    ),
    'lists that are all empty': packet(Buffer.concat([Buffer.alloc(17, 20), Buffer.alloc(45)])),
    'an answer before the question': packet(Buffer.from([31, 0, 0, 0, 0])),
    'keys taken into use that were never exchanged': packet(Buffer.from([21])),
    'a sign-in that was never asked for': packet(Buffer.from([52])),
    'a message of no known number': packet(Buffer.from([250, 1, 2, 3])),
    'no message at all': packet(Buffer.alloc(0)),
  };
  for (const [name, bytes] of Object.entries(lies)) {
    it(`gives up on ${name}`, async () => {
      await using server = await liar((socket) => void socket.end(bytes));
      await assert.rejects(
        open(server, { limits: { handshakeMs: 2_000 } }),
        (failure) => isFault(failure) && BROKEN.has(failure.code),
      );
    });
  }

  it('bounds what it reads of packets to be ignored that never end', async () => {
    let sent = 0;
    await using server = await liar((socket) => {
      const block = packet(ignore);
      const more = (): void => {
        while (!socket.destroyed && socket.write(block)) sent += block.length;
      };
      socket.on('drain', more);
      more();
    });
    const before = process.memoryUsage().rss;
    await assert.rejects(open(server, { limits: { handshakeMs: 500 } }), (failure) => isFault(failure));
    assert.ok(process.memoryUsage().rss - before < 128 * 1024 * 1024, `${sent} bytes were sent`);
  });
});

describe('new keys again and again', () => {
  it('loses nothing when the server changes keys every 16 KiB', async () => {
    await using storm = await startSshd({ config: ['RekeyLimit 16K none'] });
    await using client = await openJourney({
      hops: [{ target: sshdTarget(storm), credential: password(storm.username, storm.password) }],
    });
    client.session.input(
      Buffer.from('stty -echo; PS1=; for i in $(seq 1 40000); do echo "line $i"; done; echo all-$((20+1))-done\r'),
    );
    await until(() => client.output().includes('all-21-done'));
    const lines = client.output().match(/^line \d+\r?$/gmu) ?? [];
    assert.deepEqual(
      lines.map((line) => Number(line.trim().slice(5))),
      Array.from({ length: 40_000 }, (_, index) => index + 1),
    );
  });
});
