import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { TLSSocket } from 'node:tls';
import { isFault, type FaultCode } from '@enchilada/core/fault';
import { startXrdp } from '@enchilada/core/testing/servers/xrdp';
import { explicit, integer, octets, sequence } from './codec/der.ts';
import { connectResponse } from './codec/settings.ts';
import { connectionConfirm } from './codec/x224.ts';
import { openMachine, scriptedServer, TestSeat, until, type Opening } from './testing.ts';

const REQUEST_BYTES = 19;
const NLA = 2;
const TLS = 1;
let pem: { readonly key: Buffer; readonly cert: Buffer };

before(() => {
  const folder = mkdtempSync(join(tmpdir(), 'enchilada-hostile-'));
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=hostile'],
      ...['-keyout', key, '-out', cert],
    ],
    { stdio: 'ignore' },
  );
  pem = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(folder, { recursive: true });
});

const refusal = (code: number): Uint8Array => {
  const pdu = connectionConfirm(0, code);
  pdu[11] = 3;
  return pdu;
};

/** Answers the Connection Request with these bytes, and goes on with TLS where it is said how. */
function confirms(bytes: Uint8Array, then?: (tls: TLSSocket) => void): (socket: Socket) => void {
  return (socket) => {
    socket.once('data', (request) => {
      assert.ok(request.length >= REQUEST_BYTES);
      socket.write(bytes);
      if (then === undefined) return;
      const tls = new TLSSocket(socket, { isServer: true, ...pem });
      tls.on('error', () => undefined);
      tls.once('secure', () => {
        then(tls);
      });
    });
  };
}

async function refused(
  serve: (socket: Socket) => void,
  code: FaultCode,
  opening: Partial<Opening> = {},
): Promise<string> {
  await using server = await scriptedServer(serve);
  let message = '';
  await assert.rejects(
    openMachine({ ...server, username: 'ada', password: 'sesame', ...opening }),
    (failure: unknown) => {
      assert.ok(isFault(failure, code), String(failure));
      message = failure.message;
      return true;
    },
  );
  return message;
}

describe('machines that refuse or are none', () => {
  it('says why the machine takes no connection', async () => {
    for (const [code, words] of [
      [2, /RDP's own encryption alone.*does not allow it/u],
      [3, /no certificate/u],
      [5, /demands network level authentication/u],
      [6, /certificate of the user/u],
      [99, /code 99/u],
    ] as const)
      assert.match(await refused(confirms(refusal(code)), 'TARGET_NO_COMMON_ALGORITHM'), words);
  });

  it("speaks no RDP without TLS, and says that it is RDP's own encryption that is refused", async () => {
    const old = connectionConfirm(0, 0).slice(0, 11);
    old[3] = 11;
    for (const confirm of [connectionConfirm(0, 0), old])
      assert.match(await refused(confirms(confirm), 'TARGET_NO_COMMON_ALGORITHM'), /RDP's own encryption alone/u);
    await using xrdp = await startXrdp({ securityLayer: 'rdp' });
    for (const security of ['any', 'nla', 'tls']) {
      const opening = { ...xrdp, parameters: { security } };
      await assert.rejects(
        openMachine(opening),
        (failure: unknown) =>
          isFault(failure, 'TARGET_NO_COMMON_ALGORITHM') && /RDP's own encryption alone/u.test(failure.message),
        security,
      );
    }
    assert.equal(xrdp.signIns(), 0);
  });

  it('takes no protocol that it did not offer', async () => {
    await refused(confirms(connectionConfirm(0, 4)), 'TARGET_PROTOCOL_VIOLATION');
    await refused(confirms(connectionConfirm(0, 10)), 'TARGET_PROTOCOL_VIOLATION');
    const parameters = { security: 'nla' };
    await refused(confirms(connectionConfirm(0, TLS)), 'TARGET_PROTOCOL_VIOLATION', { parameters });
  });

  it('gives up on silence, on half an answer, and on another protocol', async () => {
    const limits = { handshakeMs: 200 };
    await refused(() => undefined, 'TARGET_TIMED_OUT', { limits });
    await refused(confirms(connectionConfirm(0, TLS).subarray(0, 9)), 'TARGET_TIMED_OUT', { limits });
    await refused(confirms(Buffer.from('SSH-2.0-OpenSSH_9.2\r\n')), 'TARGET_PROTOCOL_VIOLATION');
    await refused(confirms(Buffer.from([3, 0, 0xff, 0xff, 1, 1, 1, 1, 1, 1, 1, 1])), 'TARGET_PROTOCOL_VIOLATION');
    await refused(confirms(connectionConfirm(0, TLS)), 'TARGET_TIMED_OUT', { limits: { handshakeMs: 400 } });
  });

  it('takes no word in front of TLS, which anybody could have sent', async () => {
    const early = Buffer.concat([connectionConfirm(0, TLS), Buffer.from([0x16, 3, 1, 0, 1, 0])]);
    await refused(confirms(early), 'TARGET_PROTOCOL_VIOLATION');
  });

  it('costs no memory where the machine greets without end', async () => {
    let sent = 0;
    await refused((socket) => {
      const banner = Buffer.alloc(64 * 1024, 'A');
      const flood = (): void => {
        while (!socket.destroyed && sent < 256 * 1024 * 1024 && socket.write(banner)) sent += banner.length;
      };
      socket.on('drain', flood);
      flood();
    }, 'TARGET_PROTOCOL_VIOLATION');
    assert.ok(sent < 32 * 1024 * 1024, `${sent} bytes were taken`);
  });

  it('ends with a reason whenever the machine hangs up', async () => {
    await refused((socket) => socket.once('data', () => socket.destroy()), 'TARGET_DISCONNECTED');
    await refused((socket) => socket.once('data', () => socket.resetAndDestroy()), 'TARGET_DISCONNECTED');
    await refused((socket) => {
      socket.once('data', () => {
        socket.end(connectionConfirm(0, TLS));
      });
    }, 'TARGET_DISCONNECTED');
    await refused(
      confirms(connectionConfirm(0, NLA), (tls) => tls.destroy()),
      'TARGET_DISCONNECTED',
    );
    await refused(
      confirms(connectionConfirm(0, NLA), (tls) => tls.once('data', () => tls.destroy())),
      'TARGET_DISCONNECTED',
    );
  });
});

describe('machines that lie in network level authentication', () => {
  const answer = (bytes: Uint8Array): ((socket: Socket) => void) =>
    confirms(connectionConfirm(0, NLA), (tls) => tls.once('data', () => tls.write(bytes)));
  const token = (bytes: Uint8Array): Uint8Array =>
    sequence(explicit(0, integer(6)), explicit(1, sequence(sequence(explicit(0, octets(bytes))))));

  it('takes no answer that is none, endless or without a token', async () => {
    await refused(answer(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')), 'TARGET_PROTOCOL_VIOLATION');
    await refused(answer(Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff)), 'TARGET_PROTOCOL_VIOLATION');
    await refused(answer(Uint8Array.of(0x30, 0x80, 0, 0)), 'TARGET_PROTOCOL_VIOLATION');
    await refused(answer(sequence(explicit(0, integer(6)))), 'TARGET_PROTOCOL_VIOLATION');
    await refused(answer(token(Buffer.from('NTLMSSP\0'))), 'TARGET_PROTOCOL_VIOLATION');
    const outside = Buffer.alloc(48);
    outside.write('NTLMSSP\0', 'latin1');
    outside.writeUInt32LE(2, 8);
    outside.writeUInt16LE(500, 40);
    outside.writeUInt32LE(0xffff_fff0, 44);
    await refused(answer(token(outside)), 'TARGET_PROTOCOL_VIOLATION');
  });

  it('says what the machine says of the account', async () => {
    const status = sequence(explicit(0, integer(6)), explicit(4, integer(0xc000_0234)));
    assert.match(await refused(answer(status), 'CREDENTIAL_REFUSED'), /locked/u);
  });

  it('never shows the password to one that cannot prove its certificate', async () => {
    const heard: Buffer[] = [];
    // NTLM without target information, and an answer sealed under no key.
    const challenge = Buffer.alloc(56);
    challenge.write('NTLMSSP\0', 'latin1');
    challenge.writeUInt32LE(2, 8);
    challenge.writeUInt32LE(0xe28a_8235, 20);
    challenge.writeUInt32LE(48, 44);
    await refused(
      confirms(connectionConfirm(0, NLA), (tls) => {
        tls.once('data', () => {
          tls.write(token(challenge));
          tls.once('data', (bytes: Buffer) => {
            heard.push(bytes);
            tls.write(sequence(explicit(0, integer(6)), explicit(3, octets(new Uint8Array(48)))));
            tls.on('data', (more: Buffer) => heard.push(more));
          });
        });
      }),
      'TARGET_PROTOCOL_VIOLATION',
    );
    assert.equal(heard.length, 1, 'nothing behind the proof of the key');
  });
});

describe('machines that turn hostile once they are open', () => {
  const response = connectResponse({ io: 1003, channels: [1004, 1005], version: 0x0008_0004, early: 0 }, 1);
  const ATTACH = Buffer.from('0300000b02f0802e000006', 'hex');

  /** Opens a desktop with TLS; the machine answers the first words of MCS with these bytes. */
  async function endOf(bytes: Uint8Array): Promise<{ readonly code: string | undefined; readonly message: string }> {
    await using server = await scriptedServer(
      confirms(connectionConfirm(0, TLS), (tls) => tls.once('data', () => tls.write(bytes))),
    );
    await using session = await openMachine({ ...server });
    const seat = new TestSeat();
    const stream = await seat.sit(session);
    const [end] = await Promise.all([session.ended, stream.ended]);
    return { code: end.fault?.code, message: end.fault?.message ?? '' };
  }

  it('ends that session alone, with a reason', async () => {
    const cases: readonly (readonly [Uint8Array, RegExp])[] = [
      [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), /begins with/u],
      [Buffer.from([3, 0, 0, 2]), /TPKT/u],
      [Buffer.from('0300000902f0807f66', 'hex'), /MCS Connect Response/u],
      [connectResponse({ io: 1003, channels: [1004], version: 1, early: 0 }, 1), /1 channels where 2/u],
      [Buffer.concat([response, Buffer.from('0300000b02f0802e010006', 'hex')]), /attaches no user/u],
      [Buffer.concat([response, ATTACH, Buffer.from('0300000802f08001', 'hex')]), /MCS PDU/u],
    ];
    for (const [bytes, words] of cases) {
      const end = await endOf(bytes);
      assert.equal(end.code, 'TARGET_PROTOCOL_VIOLATION', end.message);
      assert.match(end.message, words);
    }
  });

  it('ends a session whose machine speaks before it was asked', async () => {
    await using server = await scriptedServer(confirms(connectionConfirm(0, TLS), (tls) => tls.write('banner')));
    await using session = await openMachine({ ...server });
    assert.equal((await session.ended).fault?.code, 'TARGET_PROTOCOL_VIOLATION');
  });

  it('costs bounded memory while the machine floods a desktop that is not there', async () => {
    const picture = Buffer.concat([Buffer.from([0, 0xff, 0xff, 3, 0xf9, 0x7f]), Buffer.alloc(0x7ff9)]);
    await using server = await scriptedServer(
      confirms(connectionConfirm(0, TLS), (tls) => {
        tls.once('data', () => {
          tls.write(response);
          const flood = (): void => {
            while (!tls.destroyed && tls.write(picture));
          };
          tls.on('drain', flood);
          flood();
        });
      }),
    );
    await using session = await openMachine({ ...server });
    const seat = new TestSeat();
    await seat.sit(session);
    assert.match((await session.ended).fault?.message ?? '', /not there yet/u);
  });
});

describe('machines that go away', () => {
  const capture = readFileSync(join(import.meta.dirname, 'codec/fixtures/freerdp-2.11.7-shadow.target.bin'));
  /** Where the PDUs of the capture end: MCS, licence, activation, pictures. */
  const ends: number[] = [];
  for (let at = 0; at + 4 <= capture.length;) {
    const second = capture[at + 1] ?? 0;
    const short = second < 0x80 ? second : ((second & 0x7f) << 8) | (capture[at + 2] ?? 0);
    at += capture[at] === 3 ? capture.readUInt16BE(at + 2) : short;
    ends.push(at);
  }
  const places = [0, ...ends.slice(0, 24)].flatMap((end) => [end, end + 3]);

  it('say so in every state of a connection, whether they end it or reset it', async () => {
    assert.ok(ends.length >= 12, `${ends.length} PDUs`);
    for (const leave of [
      (tls: TLSSocket, socket: Socket) => void (tls.end(), socket),
      (_tls: TLSSocket, socket: Socket) => void socket.resetAndDestroy(),
    ]) {
      for (const place of places) {
        await using server = await scriptedServer((socket) => {
          confirms(connectionConfirm(0, TLS), (tls) => {
            tls.once('data', () => {
              if (place === 0) leave(tls, socket);
              else tls.write(capture.subarray(0, place), () => setImmediate(() => leave(tls, socket)));
            });
          })(socket);
        });
        await using session = await openMachine({ ...server });
        const seat = new TestSeat();
        const stream = await seat.sit(session);
        const [end] = await Promise.all([session.ended, stream.ended]);
        assert.ok(
          end.reason === 'closed-by-target' || isFault(end.fault, 'TARGET_DISCONNECTED'),
          `behind ${place} bytes: ${end.reason} ${String(end.fault)}`,
        );
      }
    }
  });
});

describe('viewers that break the protocol', () => {
  let server: Awaited<ReturnType<typeof startXrdp>>;
  before(async () => {
    server = await startXrdp();
  });
  after(() => server[Symbol.asyncDispose]());

  it('ends each by itself, and never the session', async () => {
    await using session = await openMachine({ ...server });
    const huge = Buffer.concat([Buffer.from([0x30, 0x83, 0xff, 0xff, 0xff]), Buffer.alloc(70_000)]);
    for (const bytes of [Buffer.from('GET / HTTP/1.1'), Buffer.from([3, 0, 0, 19]), huge]) {
      const seat = new TestSeat();
      const stream = await session.join(seat);
      stream.input(bytes);
      assert.equal((await stream.ended).fault?.code, 'PROTOCOL_MESSAGE_INVALID');
    }
    const wellBehaved = new TestSeat();
    await wellBehaved.sit(session);
    await until(() => wellBehaved.viewer.isActive);
    wellBehaved.stream?.input(Buffer.from([1, 2, 3, 4]));
    assert.equal((await wellBehaved.stream?.ended)?.fault?.code, 'PROTOCOL_MESSAGE_INVALID');
    const next = new TestSeat();
    await next.sit(session);
    await until(() => next.viewer.isActive);
  });
});
