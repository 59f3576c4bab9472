import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { isFault, type FaultCode } from '@enchilada/core/fault';
import { ManualClock } from '@enchilada/core/testing/recorder-parts';
import { until } from '@enchilada/core/testing/until';
import { listen, openTelnet, password, telnetHop } from './testing.ts';

/** Where silence is what is waited for. */
const QUICK = { stepMs: 400, settleMs: 20 };
const PATIENT = { settleMs: 20 };
const SECRET = 'canary-9f27';

async function refusesWith(code: FaultCode, serve: (socket: Socket) => void, shown: Buffer[] = []): Promise<Buffer> {
  await using machine = await listen(serve);
  const limits = code === 'TARGET_TIMED_OUT' ? QUICK : PATIENT;
  await assert.rejects(openTelnet(telnetHop(machine, password('eve', SECRET)), { limits }, shown), (error) =>
    isFault(error, code),
  );
  return machine.received();
}

/** Writes as fast as the other side takes it. Answers how much that was. */
function flood(socket: Socket, block: Uint8Array): () => number {
  let sent = 0;
  const more = (): void => {
    while (!socket.destroyed && socket.write(block)) sent += block.length;
  };
  socket.on('drain', more);
  more();
  return () => sent;
}

describe('machines that do not behave', () => {
  it('sends a silent service nothing at all', async () => {
    assert.equal((await refusesWith('TARGET_TIMED_OUT', () => undefined)).length, 0);
  });

  it('sends other services no more than refusals of options', async () => {
    for (const words of ['HTTP/1.1 400 Bad Request\r\n\r\n', '-ERR unknown command\r\n', '220 smtp ready\r\n'])
      assert.equal((await refusesWith('TARGET_TIMED_OUT', (socket) => socket.write(words))).length, 0);
  });

  it('says that a machine hung up, or broke the connection', async () => {
    await refusesWith('TARGET_DISCONNECTED', (socket) => socket.end('bye'));
    await refusesWith('TARGET_DISCONNECTED', (socket) => {
      socket.write('login: ');
      socket.once('data', () => socket.resetAndDestroy());
    });
  });

  it('stops an endless greeting, option by option and text by text', async () => {
    const blocks = [
      Buffer.alloc(32_768, 'x'),
      Buffer.from('welcome\r\n'.repeat(4_000)),
      Buffer.concat(Array.from({ length: 5_000 }, () => Buffer.from([255, 251, 77]))),
      Buffer.concat(Array.from({ length: 5_000 }, (_, index) => Buffer.from([255, index % 2 === 0 ? 251 : 252, 1]))),
      Buffer.concat([Buffer.from([255, 250, 24]), Buffer.alloc(10_000, 'y')]),
    ];
    for (const block of blocks) {
      let sent = (): number => 0;
      await refusesWith('TARGET_PROTOCOL_VIOLATION', (socket) => {
        sent = flood(socket, block);
      });
      assert.ok(sent() < 64 * 1024 * 1024, `${sent()} bytes were taken`);
    }
  });

  it('stops a machine that asks again and again and reads no answer', async () => {
    await refusesWith('TARGET_PROTOCOL_VIOLATION', (socket) => {
      socket.pause();
      const asking = Buffer.concat([
        Buffer.from([255, 253, 24]),
        ...Array.from({ length: 3_000 }, () => Buffer.from([255, 250, 24, 1, 255, 240])),
      ]);
      flood(socket, asking);
    });
  });

  it('keeps a password that a machine echoes off the screen', async () => {
    await using machine = await listen((socket) => {
      socket.write('login: ');
      let typed = '';
      socket.on('data', (bytes: Buffer) => {
        typed += bytes.toString('latin1');
        socket.write(bytes);
        if (typed.endsWith('eve\r\0')) socket.write('\r\nPassword: ');
        if (typed.endsWith(`${SECRET}\r\0`)) socket.write('\r\nwelcome\r\n$ ');
      });
    });
    await using client = await openTelnet(telnetHop(machine, password('eve', SECRET)), { limits: PATIENT });
    await until(() => client.text().includes('welcome'));
    assert.ok(!client.text().includes(SECRET), client.text());
    assert.ok(client.text().includes('********'));
  });

  it('shows what is typed where the machine does not', async () => {
    await using machine = await listen((socket) => void socket.write('ready\r\n'));
    await using client = await openTelnet(telnetHop(machine, password('', ''), { login: 'none' }), { limits: PATIENT });
    client.session.input(Buffer.from('show ver\u007frsion\r'));
    assert.ok(client.text().endsWith('show ver\b \brsion\r\n'));
    await until(() => machine.received().includes('show ver\u007frsion\r\0'));
  });

  it('puts no line break of a credential on the wire', async () => {
    await using machine = await listen((socket) => void socket.write('login: '));
    const hop = telnetHop(machine, password('eve\rreload', SECRET));
    await assert.rejects(openTelnet(hop, { limits: PATIENT }), { code: 'CREDENTIAL_UNREADABLE' });
    assert.ok(!machine.received().includes('reload'));
  });

  it('gives up on a machine that never decides', async () => {
    const clock = new ManualClock();
    await using machine = await listen((socket) => {
      socket.write('Password: ');
      socket.once('data', () => socket.write('\r\n'));
    });
    const opening = openTelnet(telnetHop(machine, password('eve', SECRET)), { context: { clock } });
    const refused = assert.rejects(opening, { code: 'CREDENTIAL_REFUSED' });
    await until(() => machine.received().includes(SECRET));
    clock.advance(20_000);
    await refused;
  });

  it('survives 300 greetings of noise', async () => {
    for (let round = 0; round < 300; round += 1) {
      await using machine = await listen((socket) => {
        const noise = randomBytes(1 + ((round * 37) % 2_000));
        for (let at = 0; at < noise.length; at += 1 + (round % 5)) if (noise[at]! % 3 === 0) noise[at] = 255;
        socket.end(noise);
      });
      await assert.rejects(
        openTelnet(telnetHop(machine, password('eve', SECRET)), { limits: QUICK }),
        (error) => isFault(error) && /^(?:TARGET_|CREDENTIAL_)/u.test(error.code),
      );
    }
  });

  it('ends a session whose machine goes mad later', async () => {
    await using machine = await listen((socket) => {
      socket.write('ready\r\n');
      socket.once('data', () => flood(socket, Buffer.concat([Buffer.from([255, 250, 1]), Buffer.alloc(5_000)])));
    });
    await using client = await openTelnet(telnetHop(machine, password('', ''), { login: 'none' }), { limits: PATIENT });
    client.session.input(Buffer.from('x'));
    const end = await client.session.ended;
    assert.equal(end.reason, 'failed');
    assert.ok(isFault(end.fault, 'TARGET_PROTOCOL_VIOLATION'));
  });
});
