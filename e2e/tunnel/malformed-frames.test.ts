import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import { Person } from '../product/index.ts';
import { ADMIN, Site, startSshd } from '../tests/site.ts';
import { knock, OPCODE } from './raw-socket.ts';
import type { Frame } from './raw-socket.ts';

/** T45 asks for a million; a twentieth of them in the everyday run. */
const FRAMES = process.env['TEST_SOAK'] === '1' ? 1_000_000 : 50_000;
const CONNECTIONS = FRAMES / 1_000;
const AT_ONCE = 10;

/** The same numbers in every run. */
class Dice {
  #state = 20_261_121;

  roll(sides: number): number {
    this.#state = (Math.imul(this.#state, 1_103_515_245) + 12_345) >>> 0;
    return (this.#state >>> 8) % sides;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.roll(256)));
  }
}

const NEARLY_RIGHT = [
  '{"type":"resize","columns":-1,"rows":24}',
  '{"type":"resize","columns":1e308,"rows":null}',
  '{"type":"resize","__proto__":{"columns":1},"constructor":{"prototype":{"polluted":1}}}',
  '{"__proto__":{"type":"end"}}',
  '{"type":["end"]}',
  '{"type":"answer","id":"x","answers":[[[]]]}',
  '{"type":"host-key-answer","id":{},"accept":"yes"}',
  '{"type":"ping","sentAt":"\\ud800"}',
  '[]',
  'null',
  '"end"',
  '',
  '{',
  '\u0000',
];

function malformed(dice: Dice): Frame {
  const opcode = [OPCODE.text, OPCODE.binary, OPCODE.continuation, OPCODE.close, 3, 9, 10, 15, 0x41][dice.roll(9)] ?? 1;
  const payload =
    dice.roll(3) === 0 ? dice.bytes(dice.roll(300)) : Buffer.from(NEARLY_RIGHT[dice.roll(NEARLY_RIGHT.length)] ?? '');
  return { opcode, payload, continues: dice.roll(8) === 0, unmasked: dice.roll(20) === 0 };
}

test(`${FRAMES} malformed frames end the sockets that sent them, and nothing else`, async () => {
  await using sshd = await startSshd();
  await using site = await Site.start({ config: 'sessions: { perUser: 10000 }\n' });
  await using bystander = await site.admin.open(await site.machineOn(sshd));
  await bystander.live();
  // It says nothing, so that every session is still being opened while its socket speaks.
  const held = new Set<Socket>();
  const silent = createServer((socket) => {
    held.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => held.delete(socket));
  }).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const targetId = await site.machine({ host: '127.0.0.1', port: (silent.address() as AddressInfo).port });
  const { pid } = site.gateway;
  const dice = new Dice();
  const flood = async (kind: 'control' | 'data'): Promise<void> => {
    const { session, tickets } = await site.admin.api.openSession({ body: { targetId } });
    const seat = { sessionId: session.id, origins: [site.admin.origin], cookie: site.admin.cookie };
    const control = await knock(site.gateway.url, { ...seat, kind: 'control', ticket: tickets.control });
    assert.ok(control.socket);
    await control.socket.received('"type":"state"');
    const data = kind === 'data' ? await knock(site.gateway.url, { ...seat, kind, ticket: tickets.data }) : control;
    const { socket } = data;
    assert.ok(socket);
    for (let count = 0; count < FRAMES / CONNECTIONS; count += 1) socket.send(malformed(dice));
    await socket.closeCode();
    control.socket.destroy();
    await site.admin.api.endSession({ params: { id: session.id }, body: { reason: 'done' } });
  };
  for (let done = 0; done < CONNECTIONS; done += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => flood(index % 2 === 0 ? 'control' : 'data')));
    bystander.type(`echo still-$((${done}+1000))-here\r`);
    await bystander.see(`still-${done + 1000}-here`);
  }
  process.kill(pid, 0);
  assert.doesNotMatch(site.gateway.log, /nobody caught|"level":"fatal"/u);
  const again = await Person.signIn(site.gateway.url, ADMIN);
  assert.equal((await again.api.getMe()).user.username, ADMIN.username);
  for (const socket of held) socket.destroy();
  silent.close();
});
