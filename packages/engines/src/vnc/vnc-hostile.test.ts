import assert from 'node:assert/strict';
import { createDecipheriv, createDiffieHellmanGroup, createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { deflateSync } from 'node:zlib';
import { isFault, type FaultCode } from '@enchilada/core/fault';
import { vncAuthResponse } from './security/vnc-auth.ts';
import {
  ANSWER,
  NONE,
  openDesktop,
  play,
  scriptedServer,
  serverInit,
  TestSeat,
  u32,
  until,
  V38,
  type Opening,
  type Step,
} from './testing.ts';

const CLEAR = { allowCleartext: true };
/** 32 MiB of text in a few kilobytes. */
const LARGE = deflateSync(Buffer.concat([u32(32 * 1024 * 1024), Buffer.alloc(32 * 1024 * 1024, 'a')]));

async function refused(script: readonly Step[], code: FaultCode, opening: Partial<Opening> = {}): Promise<string> {
  await using server = await scriptedServer(play(script));
  let message = '';
  await assert.rejects(openDesktop({ ...server, parameters: CLEAR, ...opening }), (failure: unknown) => {
    assert.ok(isFault(failure, code), String(failure));
    message = failure.message;
    return true;
  });
  return message;
}

async function opens(
  script: readonly Step[],
  opening: Partial<Opening> = {},
): Promise<Readonly<Record<string, string>>> {
  await using server = await scriptedServer(play(script));
  await using session = await openDesktop({ ...server, parameters: CLEAR, ...opening });
  return session.facts;
}

describe('servers of other versions and makes', () => {
  it('signs in to RFB 3.3, where the server chooses and says nothing of a result', async () => {
    const facts = await opens([Buffer.from('RFB 003.003\n'), 12, u32(1), 1, serverInit()]);
    assert.deepEqual([facts['rfbVersion'], facts['security']], ['3.3', 'None']);
  });

  it('signs in to RFB 3.3 with a password', async () => {
    const challenge = Buffer.from('0123456789abcdef');
    await opens(
      [
        ...[Buffer.from('RFB 003.003\n'), 12, u32(2), challenge, 16],
        (heard) => (heard.equals(vncAuthResponse(challenge, 'sesame')) ? u32(0) : u32(1)),
        ...[1, serverInit()],
      ],
      { password: 'sesame' },
    );
  });

  it('signs in to RFB 3.7, which says nothing of a result without security', async () => {
    const facts = await opens([Buffer.from('RFB 003.007\n'), 12, Buffer.of(1, 1), 1, 1, serverInit()]);
    assert.equal(facts['rfbVersion'], '3.7');
  });

  it('speaks 3.8 with Apple (3.889) and proves name and password by Diffie-Hellman', async () => {
    const own = createDiffieHellmanGroup('modp2');
    const publicKey = own.generateKeys();
    const length = own.getPrime().length;
    const padded = (key: Buffer): Buffer => Buffer.concat([Buffer.alloc(length - key.length), key]);
    let seen: readonly string[] = [];
    const facts = await opens(
      [
        ...[Buffer.from('RFB 003.889\n'), 12, Buffer.of(3, 30, 33, 36), 1],
        Buffer.concat([Buffer.of(0, 2, length >> 8, length & 0xff), own.getPrime(), padded(publicKey)]),
        128 + length,
        (heard) => {
          const key = createHash('md5')
            .update(padded(own.computeSecret(heard.subarray(128))))
            .digest();
          const open = createDecipheriv('aes-128-ecb', key, null).setAutoPadding(false);
          const plain = Buffer.concat([open.update(heard.subarray(0, 128)), open.final()]);
          seen = [plain.subarray(0, 64), plain.subarray(64)].map((part) =>
            part.subarray(0, part.indexOf(0)).toString(),
          );
          return u32(0);
        },
        ...[1, serverInit()],
      ],
      { username: 'ada', password: 'a longer password' },
    );
    assert.deepEqual(seen, ['ada', 'a longer password']);
    assert.equal(facts['security'], 'Apple Remote Desktop');
  });

  it("signs in by Tight's account and skips the capabilities behind ServerInit", async () => {
    const capability = (code: number): Buffer => Buffer.concat([u32(code), Buffer.from('TGHTULGNAUTH')]);
    const facts = await opens(
      [
        ...[V38, 12, Buffer.of(1, 16), 1, u32(0), u32(1), capability(129), 4, 8],
        (heard) => (heard.equals(Buffer.concat([u32(3), u32(6)])) ? undefined : u32(9)),
        9,
        (heard) => (heard.toString() === 'adasesame' ? u32(0) : u32(1)),
        ...[1, serverInit(), Buffer.from([0, 1, 0, 0, 0, 0, 0, 0]), Buffer.alloc(16)],
      ],
      { username: 'ada', password: 'sesame' },
    );
    assert.equal(facts['security'], 'Tight');
  });

  it('passes an UltraVNC repeater', async () => {
    let asked = '';
    await opens(
      [
        Buffer.from('RFB 000.000\n'),
        250,
        (heard) => {
          asked = heard.toString('latin1').replace(/\0+$/u, '');
          return undefined;
        },
        ...NONE,
        serverInit(),
      ],
      { parameters: { ...CLEAR, repeaterDestination: 'ID:1234' } },
    );
    assert.equal(asked, 'ID:1234');
  });
});

describe('servers that refuse, break off or attack', () => {
  const wrong = Buffer.concat([u32(1), u32(7), Buffer.from('bad\u0007one')]);
  for (const [name, script, code, words] of [
    [
      'says why a credential was refused, without control characters',
      [V38, 12, Buffer.of(1, 2), 1, Buffer.alloc(16), 16, wrong],
      'CREDENTIAL_REFUSED',
      /: badone$/,
    ],
    [
      'says why no session begins',
      [V38, 12, Buffer.of(0), u32(8), Buffer.from('too many')],
      'TARGET_REFUSED',
      /: too many$/,
    ],
    ['no RFB at all', [Buffer.from('SSH-2.0-OpenSSH_9\r\n')], 'TARGET_PROTOCOL_VIOLATION', /greeting/],
    ['an endless greeting', [Buffer.alloc(1_000_000, 'A')], 'TARGET_PROTOCOL_VIOLATION', /greeting/],
    [
      'a reason of 4 GB',
      [V38, 12, Buffer.of(0), u32(0xffff_ffff)],
      'TARGET_PROTOCOL_VIOLATION',
      /reason of 4294967295/,
    ],
    ['security types that nobody knows', [V38, 12, Buffer.of(2, 200, 201)], 'TARGET_NO_COMMON_ALGORITHM', /200, 201/],
    [
      'a desktop of 65,535 × 65,535',
      [...NONE, serverInit(65_535, 65_535)],
      'TARGET_PROTOCOL_VIOLATION',
      /65535 × 65535/,
    ],
    ['a desktop of no size', [...NONE, serverInit(0, 0)], 'TARGET_PROTOCOL_VIOLATION', /0 × 0/],
    [
      'VeNCrypt of an old version',
      [V38, 12, Buffer.of(1, 19), 1, Buffer.of(0, 1)],
      'TARGET_PROTOCOL_VIOLATION',
      /VeNCrypt 0.1/,
    ],
    [
      'a Diffie-Hellman key of 60 KB',
      [V38, 12, Buffer.of(1, 30), 1, Buffer.of(0, 2, 0xea, 0x60)],
      'TARGET_PROTOCOL_VIOLATION',
      /60000/,
    ],
    [
      'four thousand million capabilities',
      [V38, 12, Buffer.of(1, 16), 1, u32(0xffff_ffff)],
      'TARGET_PROTOCOL_VIOLATION',
      /capabilities/,
    ],
  ] as const) {
    it(name, async () => {
      assert.match(await refused(script, code), words);
    });
  }

  const prime = createDiffieHellmanGroup('modp2').getPrime();
  const number = (value: number): Buffer => Buffer.concat([Buffer.alloc(prime.length - 1), Buffer.of(value)]);
  const changed = (last: number): Buffer => Buffer.concat([prime.subarray(0, -1), Buffer.of(last)]);
  for (const [name, [generator, modulus, key], words] of [
    ['a prime of nothing', [2, number(0), number(5)], /prime that is none/],
    ['a prime of one', [2, number(1), number(5)], /prime that is none/],
    ['a small prime', [2, number(251), number(5)], /prime that is none/],
    ['an even prime', [2, changed(0xfe), number(5)], /prime that is none/],
    ['a prime that can be divided', [2, changed(0xfd), number(5)], /no key can be agreed on/],
    ['a generator of nothing', [0, prime, number(5)], /generator of 0/],
    ['a generator of one', [1, prime, number(5)], /generator of 1/],
    ['a key of nothing', [2, prime, number(0)], /keeps nothing secret/],
    ['a key of one', [2, prime, number(1)], /keeps nothing secret/],
    ['a key of the prime less one', [2, prime, changed(0xfe)], /keeps nothing secret/],
    ['a key of the prime', [2, prime, prime], /keeps nothing secret/],
    ['a prime of 64 bytes', [2, prime.subarray(0, 64), Buffer.alloc(64, 5)], /key of 64 bytes/],
    ['a prime of 257 bytes', [2, Buffer.alloc(257, 0xff), Buffer.alloc(257, 5)], /key of 257 bytes/],
  ] as const)
    it(`is refused, and asked for no credential, where it agrees on a key by ${name}`, async () => {
      let asked = false;
      const head = Buffer.of(0, generator, modulus.length >> 8, modulus.length & 0xff);
      const message = await refused(
        [V38, 12, Buffer.of(1, 30), 1, Buffer.concat([head, modulus, key])],
        'TARGET_PROTOCOL_VIOLATION',
        { hop: { credential: () => ((asked = true), Promise.reject(new Error('asked'))) } },
      );
      assert.match(message, words);
      assert.equal(asked, false);
    });

  it('is refused where it offers no encryption and the machine does not allow cleartext', async () => {
    const words = await refused([V38, 12, Buffer.of(1, 2)], 'TARGET_NO_COMMON_ALGORITHM', { parameters: {} });
    assert.match(words, /cleartext/);
  });

  it('sends no credential in clear to a server that takes back its encryption', async () => {
    let asked = false;
    await refused(
      [V38, 12, Buffer.of(1, 19), 1, Buffer.of(0, 2), 2, Buffer.of(0, 2), u32(256), u32(1)],
      'TARGET_NO_COMMON_ALGORITHM',
      { parameters: {}, hop: { credential: () => ((asked = true), Promise.reject(new Error('asked'))) } },
    );
    assert.equal(asked, false);
  });

  it('refuses plain data in front of the TLS greeting', async () => {
    const words = await refused(
      [V38, 12, Buffer.of(1, 19), 1, Buffer.of(0, 2), 2, Buffer.of(0, 1), u32(261), 4, Buffer.of(1, 9, 9, 9)],
      'TARGET_PROTOCOL_VIOLATION',
    );
    assert.match(words, /plain data/);
  });

  it('gives up on a server that stops in the middle of each step', async () => {
    for (const script of [[], [V38], [V38, 12, Buffer.of(3, 1)], [V38, 12, Buffer.of(1, 1), 1], NONE])
      assert.match(await refused(script, 'TARGET_TIMED_OUT', { limits: { handshakeMs: 50 } }), /in time/);
  });

  const STATES: readonly (readonly [string, readonly Step[]])[] = [
    ['before a word', []],
    ['in its greeting', [V38.subarray(0, 5)]],
    ['after its greeting', [V38, 12]],
    ['in its list of security types', [V38, 12, Buffer.of(3, 1)]],
    ['in its reason for no session', [V38, 12, Buffer.of(0), u32(80), Buffer.from('too')]],
    ['after the choice of a type', [V38, 12, Buffer.of(1, 1), 1]],
    ['in its challenge', [V38, 12, Buffer.of(1, 2), 1, Buffer.alloc(7)]],
    ['after the answer to its challenge', [V38, 12, Buffer.of(1, 2), 1, Buffer.alloc(16), 16]],
    ['in its refusal', [V38, 12, Buffer.of(1, 2), 1, Buffer.alloc(16), 16, u32(1), u32(9)]],
    ['in its Diffie-Hellman key', [V38, 12, Buffer.of(1, 30), 1, Buffer.of(0, 2, 0, 128), Buffer.alloc(50)]],
    ['in its Tight tunnels', [V38, 12, Buffer.of(1, 16), 1, u32(2), Buffer.alloc(16)]],
    ['in its VeNCrypt version', [V38, 12, Buffer.of(1, 19), 1, Buffer.of(0)]],
    ['in its VeNCrypt types', [V38, 12, Buffer.of(1, 19), 1, Buffer.of(0, 2), 2, Buffer.of(0, 2), u32(261)]],
    [
      'where TLS begins',
      [V38, 12, Buffer.of(1, 19), 1, Buffer.of(0, 2), 2, Buffer.of(0, 1), u32(261), 4, Buffer.of(1)],
    ],
    ['before ServerInit', NONE],
    ['in ServerInit', [...NONE, serverInit().subarray(0, 11)]],
    ['in the name of the desktop', [...NONE, serverInit().subarray(0, 26)]],
  ];
  for (const [how, leave] of [
    ['goes away', (socket: Socket) => void socket.end()],
    ['resets the connection', (socket: Socket) => void socket.resetAndDestroy()],
  ] as const) {
    for (const [state, script] of STATES) {
      it(`says so when the server ${how} ${state}`, async () => {
        await using server = await scriptedServer((socket) => {
          play([...script, () => (setImmediate(leave, socket), undefined)])(socket);
        });
        await assert.rejects(openDesktop({ ...server, parameters: CLEAR }), { code: 'TARGET_DISCONNECTED' });
      });
    }
  }

  for (const [name, message] of [
    ['a clipboard of 4 GB', Buffer.concat([Buffer.of(3, 0, 0, 0), u32(0x7fff_ffff)])],
    ['a message that does not exist', Buffer.of(77)],
    ['a rectangle outside the desktop', Buffer.from([0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0])],
    [
      'a clipboard that does not unpack',
      Buffer.concat([Buffer.of(3, 0, 0, 0), u32(-8), u32(0x1000_0001), Buffer.from('none')]),
    ],
    [
      'a clipboard that unpacks to more than it may',
      Buffer.concat([Buffer.of(3, 0, 0, 0), u32(-4 - LARGE.length), u32(0x1000_0001), LARGE]),
    ],
  ] as const) {
    it(`ends the session, with a reason, on ${name}`, async () => {
      await using server = await scriptedServer(play([...NONE, serverInit(), 1, message]));
      await using session = await openDesktop({ ...server, parameters: CLEAR });
      const seat = new TestSeat();
      const stream = await session.join(seat);
      stream.input(ANSWER);
      stream.input(Buffer.from([3, 0, 0, 0, 0, 0, 0, 64, 0, 48]));
      const end = await session.ended;
      assert.ok(isFault(end.fault, 'TARGET_PROTOCOL_VIOLATION'));
      assert.ok(isFault((await stream.ended).fault, 'TARGET_PROTOCOL_VIOLATION'));
    });
  }

  it('costs no memory when a server floods a viewer that is paused', async () => {
    let sent = 0;
    await using server = await scriptedServer((socket) => {
      play([...NONE, serverInit()])(socket);
      const bell = Buffer.alloc(64 * 1024, 2);
      const flood = (): void => {
        while (sent < 256 * 1024 * 1024 && socket.write(bell)) sent += bell.length;
      };
      socket.on('drain', flood);
      socket.on('data', (bytes) => {
        if (bytes.includes(3)) flood();
      });
    });
    await using session = await openDesktop({ ...server, parameters: CLEAR });
    const seat = new TestSeat();
    const stream = await session.join(seat);
    stream.input(ANSWER);
    stream.input(Buffer.from([3, 0, 0, 0, 0, 0, 0, 64, 0, 48]));
    await until(() => sent > 0);
    stream.pause();
    let before = -1;
    await until(() => {
      const still = before === sent;
      before = sent;
      return still;
    });
    assert.ok(sent < 32 * 1024 * 1024, `${sent} bytes were taken from the server`);
  });
});
