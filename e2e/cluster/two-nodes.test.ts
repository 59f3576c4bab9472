import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ServerFrame } from '@enchilada/contract';
import { tunnelPath, tunnelProtocols } from '@enchilada/contract';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { WebSocket } from 'ws';
import { Person, Shell } from '../product/index.ts';
import { ADMIN, startSshd } from '../tests/site.ts';
import { knock } from '../tunnel/raw-socket.ts';
import { PASSWORD, personWithMachine as somebody } from './people.ts';
import type { PersonWithMachine } from './people.ts';
import { TwoNodes } from './two-nodes.ts';

const owned = new AsyncDisposableStack();
let sshd: Sshd;
let both: TwoNodes;
/** The administrator at node A. */
let admin: Person;

before(async () => {
  sshd = owned.use(await startSshd());
  both = owned.use(await TwoNodes.start());
  admin = await both.bootstrap();
});
after(() => owned.disposeAsync());

const personWithMachine = (username: string): Promise<PersonWithMachine> => somebody(admin, sshd, username);

async function echoes(shell: Shell, number: number): Promise<void> {
  shell.type(`echo it-$((${number}+1000))-works\r`);
  await shell.see(`it-${number + 1000}-works`);
}

test('one bootstrap serves both nodes, and a login of one is a login of the other', async () => {
  const { user } = await admin.at(both.b.url).api.getMe();
  assert.equal(user.username, ADMIN.username);
  for (const link of [both.a, both.b])
    await assert.rejects(
      Person.bootstrap(
        { url: both.a.url, bootstrapUrl: link.bootstrapUrl },
        { username: 'second', password: PASSWORD },
      ),
    );
});

test('a session asked for at one node is opened at the other', async () => {
  const { person, targetId } = await personWithMachine('otto');
  const { session, tickets } = await person.api.openSession({ body: { targetId } });
  await using shell = await Shell.join(person.at(both.b.url), { sessionId: session.id, tickets }, {});
  await shell.live();
  await echoes(shell, 1);
  assert.equal((await person.api.getSession({ params: { id: session.id } })).nodeId, 'node-b');
});

test('a session held by one node is resumed at the other, both sockets passed on', async () => {
  const { person, targetId } = await personWithMachine('rosa');
  const first = await person.open(targetId, { columns: 101, rows: 31 });
  await first.live();
  await echoes(first, 2);
  await first.leave();
  await using second = await person.at(both.b.url).join(first.sessionId, 'control', { columns: 99, rows: 33 });
  await second.see('it-1002-works');
  second.type('stty size\r');
  await second.see('33 99');
  second.type("head -c 3000000 /dev/zero | tr '\\0' x; echo all-$((3+3))-there\r");
  await second.see('all-6-there');
  assert.ok(second.received > 3_000_000);
  assert.equal((await person.api.getSession({ params: { id: first.sessionId } })).nodeId, 'node-a');
});

test('control at one node and data at the other make one viewer', async () => {
  const { person, targetId } = await personWithMachine('maja');
  const { session, tickets } = await person.api.openSession({ body: { targetId } });
  const upgrade = (at: Person, kind: 'control' | 'data'): WebSocket =>
    new WebSocket(
      at.url.replace(/^http/u, 'ws') + tunnelPath({ sessionId: session.id, kind }),
      [...tunnelProtocols(tickets[kind])],
      {
        origin: at.origin,
        headers: { cookie: at.cookie },
      },
    );
  const control = upgrade(person, 'control');
  await new Promise<void>((resolve, reject) => {
    control.once('error', reject);
    control.on('message', (message: Buffer) => {
      const frame = JSON.parse(message.toString()) as ServerFrame;
      if (frame.type === 'ended') reject(new Error(message.toString()));
      if (frame.type === 'state' && frame.state === 'live') resolve();
    });
  });
  const data = upgrade(person.at(both.b.url), 'data');
  await new Promise<void>((resolve, reject) => {
    let text = '';
    data.once('open', () => data.send(Buffer.from('echo split-$((4+4))-sockets\r')));
    data.once('error', reject);
    data.once('close', (code, reason) => reject(new Error(`the data socket closed with ${code} ${reason.toString()}`)));
    data.on('message', (message: Buffer) => {
      text += message.toString();
      if (text.includes('split-8-sockets')) resolve();
    });
  });
  control.send('{"type":"end"}');
  await new Promise((resolve) => control.once('close', resolve));
});

test('a ticket offered fifty times at once, over three nodes, opens one socket', async () => {
  const { person, targetId } = await personWithMachine('twin');
  await using third = await both.startNode('c');
  const urls = [both.a.url, both.b.url, third.url];
  const { session, tickets } = await person.api.openSession({ body: { targetId } });
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) => {
      const at = person.at(urls[index % urls.length] ?? '');
      return knock(at.url, {
        sessionId: session.id,
        kind: 'control',
        origins: [at.origin],
        cookie: at.cookie,
        ticket: tickets.control,
      });
    }),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [101, ...Array<number>(49).fill(403)]);
  for (const { socket } of answers) socket?.destroy();
});

test('a grant withdrawn at one node ends the session at the other', async () => {
  const { person, targetId, grantId } = await personWithMachine('gerd');
  const shell = await person.open(targetId);
  await shell.live();
  await admin.at(both.b.url).api.deleteGrant({ params: { id: grantId } });
  assert.equal((await shell.ended()).reason, 'SESSION_REVOKED');
  await shell.leave();
});

test('an administrator at one node ends a session of the other, and the person reads why', async () => {
  const { person, targetId } = await personWithMachine('eva');
  const shell = await person.open(targetId);
  await shell.live();
  await admin
    .at(both.b.url)
    .api.endSession({ params: { id: shell.sessionId }, body: { reason: 'maintenance at noon' } });
  const end = await shell.ended();
  assert.equal(end.reason, 'SESSION_TERMINATED');
  assert.equal(end.detail, 'maintenance at noon');
  await shell.leave();
});

test('signing out at one node ends the session at the other', async () => {
  const { person, targetId } = await personWithMachine('lena');
  const shell = await person.open(targetId);
  await shell.live();
  await person.at(both.b.url).api.logout();
  assert.equal((await shell.ended()).reason, 'SESSION_REVOKED');
  await shell.leave();
});

test('the holder does not believe a stranger who says to be a node', async () => {
  const { person, targetId } = await personWithMachine('nils');
  await using shell = await person.open(targetId);
  await shell.live();
  const path = `/peer/v1/sessions/${shell.sessionId}/data`;
  for (const authorization of ['Peer', 'Peer a.b.c', `Peer ${'a'.repeat(8_000)}.b.c`]) {
    const socket = new WebSocket(both.a.url.replace(/^http/u, 'ws') + path, ['enchilada.v1'], {
      headers: { authorization, cookie: person.cookie },
    });
    const refusal = await new Promise<Error>((resolve, reject) => {
      socket.once('error', resolve);
      socket.once('open', () => reject(new Error('a stranger was let in')));
    });
    assert.match(refusal.message, /401/u);
  }
  await echoes(shell, 5);
});

test('failed sign-ins at both nodes count together', async () => {
  await admin.api.createUser({ body: { username: 'thea', displayName: 'thea', role: 'user', password: PASSWORD } });
  const codes: unknown[] = [];
  for (let attempt = 0; attempt < 8; attempt += 1) {
    const url = attempt % 2 === 0 ? both.a.url : both.b.url;
    codes.push(
      await Person.signIn(url, { username: 'thea', password: 'not this one at all' }).then(
        () => 'signed in',
        ({ code }: { code: string }) => code,
      ),
    );
  }
  // Five are free of delay, wherever they are made.
  assert.deepEqual(codes.slice(5), ['THROTTLED', 'THROTTLED', 'THROTTLED']);
  assert.ok(!codes.slice(0, 5).includes('THROTTLED'), codes.join());
});

test('the audit chains of all nodes are whole', async () => {
  const { chains } = await admin.at(both.b.url).api.verifyAudit();
  assert.deepEqual(chains.map(({ node, intact }) => [node, intact]).sort(), [
    ['node-a', true],
    ['node-b', true],
    ['node-c', true],
  ]);
});

// Last: node A does not come back.
test('the session of a node that died is answered in words at the other', async () => {
  const { person, targetId } = await personWithMachine('kurt');
  const shell = await person.open(targetId);
  await shell.live();
  const passedOn = await person.at(both.b.url).join(shell.sessionId, 'control');
  await passedOn.live();
  const cut = new Promise((resolve) => passedOn.control.once('close', resolve));
  await both.a.stop('SIGKILL');
  // However slow this machine is: the other node has not yet given it up.
  await both.database.execute(
    "update node set heartbeat_at = heartbeat_at + 3600000 where id = 'node-a'",
    new URL(both.databaseUrl).pathname.slice(1),
  );
  await cut;
  const again = await person.at(both.b.url).join(shell.sessionId, 'control');
  const end = await again.ended();
  assert.equal(end.reason, 'SESSION_ELSEWHERE');
  assert.equal(end.fault?.code, 'SESSION_ELSEWHERE');
  await again.leave();
  await using fresh = await person.at(both.b.url).open(targetId);
  await fresh.live();
  await echoes(fresh, 6);
});
