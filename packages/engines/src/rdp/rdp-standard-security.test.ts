import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Secret } from '@enchilada/core/credential';
import { Fault, isFault, type FaultCode } from '@enchilada/core/fault';
import type { PresentedHostKey } from '@enchilada/core/target';
import { startXrdp, type XrdpOptions } from '@enchilada/core/testing/servers/xrdp';
import { RdpViewer } from '@enchilada/core/testing/viewers/rdp-viewer';
import { u32le } from './codec/bytes.ts';
import { PduFramer } from './codec/pdu-framer.ts';
import { connectionConfirm } from './codec/x224.ts';
import { StandardServer, connectResponseWith, indication, securityBlock } from './security/standard-server.ts';
import { openMachine, scriptedServer, TestSeat, until, type Opening } from './testing.ts';

const ALLOWED = { allowRdpSecurity: true };
/** Scan codes of set 1: o, t, t, e, r, Return. */
const OTTER = [0x18, 0x14, 0x14, 0x12, 0x13, 0x1c];
/** [MS-RDPBCGR] 5.3.7 */
const PACKETS_OF_A_KEY = 4096;
const ATTACHED = Buffer.from('0300000b02f0802e000006', 'hex');

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enchilada-rdp-'));
});
after(() => rm(folder, { recursive: true, force: true }));

async function refused(opening: Opening, code: FaultCode): Promise<string> {
  let message = '';
  await assert.rejects(openMachine(opening), (failure: unknown) => {
    assert.ok(isFault(failure, code), String(failure));
    message = failure.message;
    return true;
  });
  return message;
}

describe('a machine that has RDP’s own encryption alone', () => {
  const LEVELS: readonly (readonly [XrdpOptions['cryptLevel'], XrdpOptions['backend'], string])[] = [
    ['high', 'xvnc', 'RC4 with 128 bits'],
    ['medium', 'xvnc', 'RC4 with 40 bits'],
    ['low', 'xvnc', 'RC4 with 40 bits, towards the machine only'],
    ['high', 'xorg', 'RC4 with 128 bits'],
  ];
  for (const [cryptLevel = 'high', backend = 'xvnc', encryption] of LEVELS)
    it(`is opened, used and played back: ${cryptLevel}, ${backend}`, async () => {
      await using xrdp = await startXrdp({ securityLayer: 'rdp', cryptLevel, backend });
      const file = join(folder, `typed ${cryptLevel} ${backend}`);
      xrdp.start('xterm', '-geometry', '20x5+0+0', '-e', `cat > '${file}'`);
      await xrdp.run('xdotool', 'search', '--sync', '--class', 'xterm', 'mousemove', '40', '40');
      const presented: PresentedHostKey[] = [];
      await using session = await openMachine({
        ...{ ...xrdp, parameters: ALLOWED },
        hop: { verifyHostKey: (key) => Promise.resolve(void presented.push(key)) },
      });
      assert.deepEqual(
        presented.map(({ keyType, fingerprint }) => [keyType, fingerprint]),
        [['rdp-rsa', xrdp.fingerprint]],
      );
      const { facts } = session;
      assert.deepEqual([facts['encryption'], facts['identity']], [encryption, 'unproven']);

      const seat = new TestSeat('control', { remoteFx: backend === 'xorg' });
      await seat.sit(session);
      await until(() => seat.viewer.isActive && seat.viewer.updates > 0);
      seat.stream?.input(seat.viewer.keys(...OTTER));
      await until(async () => (await readFile(file, 'utf8').catch(() => '')).includes('otter'));
      const drawn = seat.viewer.updates;
      await xrdp.run('xsetroot', '-solid', '#336699');
      await until(() => seat.viewer.updates > drawn);

      const watching = new TestSeat('watch');
      await watching.sit(session);
      await until(() => watching.viewer.isActive && watching.viewer.updates > 0);
      const again = new TestSeat();
      await again.sit(session);
      await until(() => again.viewer.isActive && again.viewer.updates > 0);

      const played = new RdpViewer({ channels: ['drdynvc', 'cliprdr', 'rdpsnd'], send: () => undefined });
      for (const message of seat.messages) played.push(message);
      const seen = ({ size, activations, updates, failure }: RdpViewer): unknown => ({
        size,
        activations,
        updates,
        failure,
      });
      assert.deepEqual(seen(played), seen(seat.viewer));
    });

  for (const cryptLevel of ['high', 'medium'] as const)
    it(`changes its keys in both directions and goes on: ${cryptLevel}`, async () => {
      await using xrdp = await startXrdp({ securityLayer: 'rdp', cryptLevel });
      await using session = await openMachine({ ...xrdp, parameters: ALLOWED });
      const seat = new TestSeat();
      await seat.sit(session);
      await until(() => seat.viewer.isActive && seat.viewer.updates > 0);
      for (let moved = 0; moved < PACKETS_OF_A_KEY + 100; moved++)
        seat.stream?.input(seat.viewer.pointer(moved % 500, 40));
      const busy = xrdp.start(
        'xterm',
        '-geometry',
        '150x50+0+0',
        '-e',
        'while :; do od -A n -t x1 -N 3000 /dev/urandom; done',
      );
      await until(() => seat.viewer.updates > PACKETS_OF_A_KEY + 100);
      busy.kill('SIGKILL');
      const file = join(folder, `typed behind ${cryptLevel}`);
      xrdp.start('xterm', '-geometry', '20x5+0+0', '-e', `cat > '${file}'`);
      seat.stream?.input(seat.viewer.pointer(40, 40));
      await until(async () => {
        seat.stream?.input(seat.viewer.keys(...OTTER));
        return (await readFile(file, 'utf8').catch(() => '')).includes('otter');
      });
      assert.equal(seat.viewer.failure, undefined);
    });

  it('is refused with words unless its settings allow it, and leave it the choice', async () => {
    await using xrdp = await startXrdp({ securityLayer: 'rdp' });
    for (const [parameters, words] of [
      [{}, /RDP's own encryption alone, which proves no identity, and this machine does not allow it/u],
      [{ ...ALLOWED, security: 'nla' }, /signed in to by network level authentication/u],
      [{ ...ALLOWED, security: 'tls' }, /signed in to by TLS/u],
    ] as const)
      assert.match(await refused({ ...xrdp, parameters }, 'TARGET_NO_COMMON_ALGORITHM'), words);
    assert.equal(xrdp.signIns(), 0);
  });

  it('gets no credential where its key is not accepted', async () => {
    await using xrdp = await startXrdp({ securityLayer: 'rdp' });
    let credentials = 0;
    const hop = {
      verifyHostKey: () => Promise.reject(new Fault('HOST_KEY_UNKNOWN', 'nobody accepted it')),
      credential: () => {
        credentials += 1;
        return Promise.resolve({ kind: 'password', username: 'otter', password: new Secret('sesame') } as const);
      },
    };
    await refused({ ...xrdp, parameters: ALLOWED, hop }, 'HOST_KEY_UNKNOWN');
    assert.deepEqual([credentials, xrdp.signIns()], [0, 0]);
  });

  it('is refused where it encrypts nothing, or as FIPS says', async () => {
    for (const [cryptLevel, words] of [
      ['none', /encrypts nothing at all/u],
      ['fips', /FIPS/u],
    ] as const) {
      await using xrdp = await startXrdp({ securityLayer: 'rdp', cryptLevel });
      assert.match(await refused({ ...xrdp, parameters: ALLOWED }, 'TARGET_NO_COMMON_ALGORITHM'), words);
    }
  });

  it('is spoken to by TLS where it has that too', async () => {
    await using xrdp = await startXrdp({ securityLayer: 'negotiate' });
    await using session = await openMachine({ ...xrdp, parameters: ALLOWED });
    assert.equal(session.facts['security'], 'TLS');
    assert.equal(session.facts['identity'], undefined);
  });
});

/** Answers every Connection Request like this, and what follows it with what comes of it. */
function speaks(
  confirm: Uint8Array,
  answer: (pdu: Uint8Array, connection: number) => readonly Uint8Array[],
): (socket: Socket) => void {
  let connections = 0;
  return (socket) => {
    const connection = (connections += 1);
    const framer = new PduFramer((words) => new Error(words), 'encrypted');
    let isConfirmed = false;
    socket.on('data', (bytes) => {
      for (const pdu of framer.push(bytes)) {
        if (isConfirmed) for (const one of answer(pdu, connection)) socket.write(one);
        else socket.write(confirm);
        isConfirmed = true;
      }
    });
  };
}

const CHOSEN = connectionConfirm(0, 0);
const isInitial = (pdu: Uint8Array): boolean => pdu[7] === 0x7f;
const ACCOUNT = { username: 'ada', password: 'sesame' };

describe('a machine that chooses RDP’s own encryption', () => {
  const refusing = connectionConfirm(0, 2);
  refusing[11] = 3;
  const silent = CHOSEN.slice(0, 11);
  silent.set([11, 6], 3);

  it('does so by choosing it or by no negotiation at all', async () => {
    for (const confirm of [CHOSEN, silent]) {
      const server = new StandardServer();
      await using target = await scriptedServer(speaks(confirm, (pdu) => (isInitial(pdu) ? [server.response] : [])));
      await using session = await openMachine({ ...target, ...ACCOUNT, parameters: ALLOWED });
      assert.equal(session.facts['encryption'], 'RC4 with 128 bits');
    }
  });

  it('does so by refusing TLS, and is asked anew without', async () => {
    const server = new StandardServer();
    const asked: number[] = [];
    await using target = await scriptedServer((socket) => {
      socket.once('data', (request) => {
        asked.push(request[15] ?? 0);
        if (asked.length === 1) {
          socket.end(refusing);
          return;
        }
        socket.write(silent);
        socket.once('data', () => socket.write(server.response));
      });
    });
    await using session = await openMachine({ ...target, ...ACCOUNT, parameters: ALLOWED });
    assert.equal(session.facts['security'], "RDP's own encryption");
    assert.deepEqual(asked, [11, 0, 0]);
  });
});

describe('a machine that lies under RDP’s own encryption', () => {
  const showing = (response: Uint8Array) => speaks(CHOSEN, (pdu) => (isInitial(pdu) ? [response] : []));

  it('is refused before the credential is asked for', async () => {
    const short = (whole: Uint8Array): Uint8Array => whole.subarray(0, 100);
    const longRandom = securityBlock(...[2, 3, 3_000, 0].map(u32le), new Uint8Array(3_000));
    for (const [response, words] of [
      [new StandardServer({ certificate: short }).response, /within its key/u],
      [new StandardServer({ random: new Uint8Array(3) }).response, /random of 3 bytes/u],
      [connectResponseWith(longRandom), /random of 3000 bytes/u],
      [connectResponseWith(new Uint8Array(0)), /says nothing of encryption/u],
      [Buffer.from('0300000b02f0807f660000', 'hex'), /says nothing of encryption/u],
      [Buffer.from('HTTP/1.1 400 Bad Request'), /no TPKT/u],
      [Buffer.from([3, 0, 0xff, 0xff, 2, 0xf0, 0x80]), /no TPKT/u],
    ] as const) {
      await using target = await scriptedServer(showing(response));
      const hop = { credential: () => Promise.reject(new Error('no credential for such a machine')) };
      assert.match(
        await refused({ ...target, ...ACCOUNT, parameters: ALLOWED, hop }, 'TARGET_PROTOCOL_VIOLATION'),
        words,
      );
    }
  });

  it('gives up on one that confirms and then says nothing', async () => {
    await using target = await scriptedServer(speaks(CHOSEN, () => []));
    await refused({ ...target, ...ACCOUNT, parameters: ALLOWED, limits: { handshakeMs: 400 } }, 'TARGET_TIMED_OUT');
  });

  /** Opens a desktop on a machine that answers so; what it hears in the connection that is drawn, and how that ends. */
  async function drawn(
    answer: (pdu: Uint8Array, connection: number) => readonly Uint8Array[],
  ): Promise<{ readonly fault: Fault | undefined; readonly heard: Buffer }> {
    const heard: Uint8Array[] = [];
    await using target = await scriptedServer(
      speaks(CHOSEN, (pdu, connection) => {
        if (connection === 3) heard.push(pdu.slice());
        return answer(pdu, connection);
      }),
    );
    await using session = await openMachine({ ...target, ...ACCOUNT, parameters: ALLOWED });
    const seat = new TestSeat('control', { channels: ['drdynvc', 'cliprdr'] });
    await seat.sit(session);
    return { fault: (await session.ended).fault, heard: Buffer.concat(heard) };
  }

  it('gets no password where it shows another key than the one that was accepted', async () => {
    const [first, other] = [new StandardServer(), new StandardServer()];
    const { fault, heard } = await drawn((pdu, connection) =>
      isInitial(pdu) ? [(connection === 2 ? first : other).response] : [],
    );
    assert.equal(fault?.code, 'HOST_KEY_CHANGED');
    assert.equal(heard.indexOf(Buffer.from('sesame', 'utf16le')), -1);
  });

  it('ends its own session where it alters or leaves out the encryption, in words', async () => {
    const altered = (pdu: Uint8Array): Uint8Array => {
      const out = pdu.slice();
      out[out.length - 1] = (out.at(-1) ?? 0) ^ 1;
      return out;
    };
    const share = Buffer.from('a share of a desktop');
    for (const [make, words] of [
      [(server: StandardServer) => altered(server.say(share)), /signature of a PDU is wrong/u],
      [(server: StandardServer) => altered(server.fastPath(share)), /signature of a PDU is wrong/u],
      [() => indication(1003, Buffer.from([0, 0, 0, 0, 1, 2, 3, 4])), /in clear/u],
      [() => Uint8Array.of(0, 6, 3, 0, 0, 0), /fast-path PDU in clear/u],
    ] as const) {
      const server = new StandardServer();
      let signedIn = 0;
      const { fault, heard } = await drawn((pdu) => {
        if (isInitial(pdu)) return [server.response.slice()];
        if (pdu[7] === 0x28) return [ATTACHED];
        // Joins are confirmed as they were asked for.
        if (pdu[7] === 0x38) return [joined(pdu)];
        if (pdu[7] !== 0x64) return [];
        const said = Buffer.from(server.hear(pdu) ?? []);
        if (!said.includes(Buffer.from('sesame', 'utf16le'))) return [];
        signedIn += 1;
        return [make(server)];
      });
      assert.equal(fault?.code, 'TARGET_PROTOCOL_VIOLATION', String(fault));
      assert.match(fault?.message ?? '', words);
      assert.equal(signedIn, 1, 'the credential is in the Client Info');
      assert.equal(heard.indexOf(Buffer.from('sesame', 'utf16le')), -1, 'and never in clear');
    }
  });
});

/** [MS-RDPBCGR] 2.2.1.9 */
function joined(request: Uint8Array): Uint8Array {
  const [user, channel] = [request.subarray(8, 10), request.subarray(10, 12)];
  return Buffer.concat([Buffer.from('0300000f02f0803e00', 'hex'), user, channel, channel]);
}
