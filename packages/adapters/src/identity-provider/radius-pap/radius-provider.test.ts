import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { after, before, test } from 'node:test';
import { Secret } from '@enchilada/core/credential';
import { type FaultCode, isFault } from '@enchilada/core/fault';
import type { PasswordProvider, PasswordVerdict } from '@enchilada/core/identity';
import { systemClock } from '@enchilada/core/testing/authorized';
import { type FreeRadius, startFreeRadius } from '@enchilada/core/testing/servers/freeradius';
import { until } from '@enchilada/core/testing/until';
import { ManualClock } from '@enchilada/core/testing/recorder-parts';
import type { Clock } from '@enchilada/core/time';
import { encodeRequest, readReply } from './packet.ts';
import { RadiusProvider } from './radius-provider.ts';

const ASKER = { address: '192.0.2.7' };

let server: FreeRadius;
before(async () => {
  server = await startFreeRadius();
});
after(() => server[Symbol.asyncDispose]());

type Parameters = Record<string, string | number | boolean | string[]>;

function open(change: Parameters = {}, secret = server.secret, clock: Clock = systemClock): PasswordProvider {
  const parameters = { servers: [`127.0.0.1:${server.port}`], timeoutSeconds: 10, ...change };
  return new RadiusProvider({ id: 'idp_x', parameters, secret: new Secret(secret) }, clock);
}

const verify = (username: string, password: string, change?: Parameters): Promise<PasswordVerdict> =>
  open(change).verify(username, new Secret(password), ASKER);
const rejects = (outcome: Promise<unknown>, code: FaultCode, words = /./u) =>
  assert.rejects(outcome, (failure) => isFault(failure, code) && words.test(failure.message), String(words));

async function person(username: string, change?: Parameters) {
  const verdict = await verify(username, `password of ${username.toLowerCase()}`, change);
  assert.ok('person' in verdict);
  return verdict.person;
}

test('a person signs in, with the groups that an attribute of the answer names', async () => {
  const alice = await person('alice');
  assert.deepEqual([alice.subject, alice.username, alice.groups], ['alice', 'alice', ['ops', 'staff', 'vpn']]);
  assert.deepEqual((await person('alice', { groupsFrom: 'class' })).groups, ['OU=admins']);
  const vendor = { groupsFrom: 'vendor', vendorAttribute: '9:1' };
  assert.deepEqual((await person('alice', vendor)).groups, ['shell:roles=network']);
  assert.deepEqual((await person('bob')).groups, []);
  assert.equal((await person('ALICE')).subject, 'alice', 'one person, however the name is typed');
  assert.equal((await person('ALICE', { caseSensitive: true })).subject, 'ALICE');
  const spaced = await verify(' alice ', 'password of alice');
  assert.ok('person' in spaced && spaced.person.subject === 'alice');
});

test('a wrong password, an unknown name and nothing at all are refused, with what the server said of it', async () => {
  await rejects(verify('alice', 'password of bob'), 'LOGIN_REFUSED');
  await rejects(verify('mallory', 'x'), 'LOGIN_REFUSED', /nobody of that name/u);
  for (const [name, password] of [
    ['alice', ''],
    ['', 'x'],
    ['alice', 'password of alice\0'],
    ['alice', 'x'.repeat(129)],
    ['a'.repeat(254), 'x'],
    ['alice\n', 'x'],
  ] as const)
    await rejects(verify(name, password), 'LOGIN_REFUSED');
});

test('a question is asked, answered at the server that asked it, and counts as a second factor', async () => {
  const asked = await verify('carol', 'password of carol');
  assert.ok('question' in asked);
  assert.deepEqual([asked.question.text, asked.question.isHidden], ['The code on your token', false]);
  const answer = (text: string, state = asked.question.state, username = 'carol') =>
    open().answer?.({ username, state, answer: new Secret(text) }, ASKER) ?? assert.fail();
  const answered = await answer(server.code);
  assert.ok('person' in answered);
  assert.deepEqual([answered.person.subject, answered.gaveSecondFactor], ['carol', true]);
  const again = await verify('carol', 'password of carol');
  assert.ok('question' in again);
  await rejects(answer('000000', again.question.state), 'LOGIN_REFUSED');
  // The password alone is no answer, and a state leads to no other server.
  await rejects(answer('password of carol', again.question.state), 'LOGIN_REFUSED');
  await rejects(answer(server.code, new Secret('127.0.0.2 1812 00')), 'LOGIN_REFUSED');
  const bob = await verify('bob', 'password of bob');
  assert.ok('person' in bob && bob.gaveSecondFactor === false);
});

test('the next server is asked where one is shut or silent, and why none answered is said', async () => {
  await using silent = await udp(() => undefined);
  const here = `127.0.0.1:${server.port}`;
  const servers = ['127.0.0.1:1', `127.0.0.1:${silent.port}`, here];
  const clock = new ManualClock();
  const provider = open({ servers, timeoutSeconds: 2 }, server.secret, clock);
  const verifying = provider.verify('alice', new Secret('password of alice'), ASKER);
  await until(() => silent.received.length > 0);
  clock.advance(2_000);
  assert.ok('person' in (await verifying));
  const before = silent.received.length;
  await provider.verify('alice', new Secret('password of alice'), ASKER);
  assert.equal(silent.received.length, before, 'a server that was silent is asked last for a while');
  const alone = open({ servers: [`127.0.0.1:${silent.port}`], timeoutSeconds: 3 }, server.secret, clock);
  const refused = rejects(
    alone.verify('alice', new Secret('x'), ASKER),
    'PROVIDER_UNAVAILABLE',
    /gave no answer within 3 seconds.*shared secret/u,
  );
  await until(() => silent.received.length > before);
  clock.advance(2_000);
  await until(() => silent.received.length > before + 1);
  clock.advance(1_000);
  await refused;
  const [first, ...more] = silent.received.slice(before);
  assert.ok(
    more.every((packet) => packet.equals(first ?? Buffer.alloc(0))),
    'repeated as it was',
  );
  await rejects(
    open({ timeoutSeconds: 2 }, 'another secret altogether').verify('alice', new Secret('password of alice'), ASKER),
    'PROVIDER_UNAVAILABLE',
  );
});

/** What somebody in between, or another server, may send. `secret` forges the Response Authenticator, as CVE-2024-3596 does without it. */
function reply(
  request: Buffer,
  code: number,
  { signed, secret = server.secret }: { readonly signed: boolean; readonly secret?: string },
) {
  const attributes = signed ? Buffer.concat([Buffer.from([80, 18]), Buffer.alloc(16)]) : Buffer.alloc(0);
  const packet = Buffer.concat([
    Buffer.from([code, request[1] ?? 0, 0, 20 + attributes.length]),
    request.subarray(4, 20),
    attributes,
  ]);
  if (signed) createHmac('md5', secret).update(packet).digest().copy(packet, 22);
  createHash('md5').update(packet).update(secret).digest().copy(packet, 4);
  return packet;
}

test('an answer without a valid Message-Authenticator signs nobody in', async () => {
  const bad: Readonly<Record<string, (request: Buffer) => Buffer>> = {
    'Message-Authenticator': (request) => reply(request, 2, { signed: false }),
    'not made with this': (request) => reply(request, 2, { signed: true, secret: 'the secret of somebody else' }),
    'no answer to the question': (request) =>
      reply(Buffer.concat([Buffer.from([1, ((request[1] ?? 0) + 1) & 255]), request.subarray(2)]), 2, { signed: true }),
  };
  await Promise.all(
    Object.entries(bad).map(async ([words, make]) => {
      await using forger = await udp(make);
      const clock = new ManualClock();
      const provider = open({ servers: [`127.0.0.1:${forger.port}`], timeoutSeconds: 3 }, server.secret, clock);
      const verifying = provider.verify('alice', new Secret('x'), ASKER);
      const refused = rejects(verifying, 'PROVIDER_UNAVAILABLE', new RegExp(words, 'u'));
      await until(() => forger.received.length > 0);
      clock.advance(2_000);
      // It goes on asking after what it cannot believe.
      await until(() => forger.received.length > 1);
      clock.advance(1_000);
      await refused;
    }),
  );
  // The forger's own packets are good where nothing is missing, or the cases above would prove nothing.
  await using honest = await udp((request) => reply(request, 2, { signed: true }));
  const provider = open({ servers: [`127.0.0.1:${honest.port}`] });
  assert.ok('person' in (await provider.verify('alice', new Secret('x'), ASKER)));
});

test('no octet of an answer can be changed, left out or added', () => {
  const key = { identifier: 7, authenticator: Buffer.alloc(16, 3), secret: Buffer.from(server.secret) };
  const request = encodeRequest(key, []);
  const good = reply(request, 3, { signed: true });
  assert.ok(typeof readReply(good, key) === 'object');
  for (let at = 0; at < good.length; at++) {
    for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
      const changed = Buffer.from(good);
      changed[at] = (changed[at] ?? 0) ^ bit;
      assert.equal(typeof readReply(changed, key), 'string', `octet ${at}, bit ${bit}`);
    }
    assert.equal(typeof readReply(good.subarray(0, at), key), 'string', `${at} octets`);
  }
  const longer = Buffer.concat([good, Buffer.from([18, 3, 65])]);
  longer[3] = longer.length;
  assert.equal(typeof readReply(longer, key), 'string');
});

test('settings that cannot be meant are refused', () => {
  const bad: readonly Parameters[] = [
    { servers: [] },
    { servers: ['127.0.0.1:0'] },
    { groupsFrom: 'vendor' },
    { groupsFrom: 'vendor', vendorAttribute: '9:300' },
  ];
  for (const change of bad)
    assert.throws(
      () => open(change),
      (failure) => isFault(failure, 'INVALID_REQUEST'),
      JSON.stringify(change),
    );
  assert.throws(
    () => open({}, 'testing123'),
    (failure) => isFault(failure, 'INVALID_REQUEST'),
  );
});

/** A socket that answers as told, and keeps what it was sent. */
async function udp(answer: (request: Buffer) => Buffer | undefined) {
  const socket = createSocket('udp4');
  const received: Buffer[] = [];
  socket.on('message', (bytes, from) => {
    received.push(bytes);
    const said = answer(bytes);
    if (said !== undefined) socket.send(said, from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  return {
    port: socket.address().port,
    received,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => socket.close(resolve)),
  };
}

test('a spelling that the server takes and the settings do not know makes no other account', async () => {
  await using accepting = await udp((request) => reply(request, 2, { signed: true }));
  const subjectOf = async (typed: string, change: Parameters = {}): Promise<string> => {
    const provider = open({ servers: [`127.0.0.1:${accepting.port}`], ...change });
    const verdict = await provider.verify(typed, new Secret('x'), ASKER);
    assert.ok('person' in verdict);
    return verdict.person.subject;
  };
  const domains = { domains: ['CORP', 'corp.example'] };
  for (const typed of ['Alice', 'corp\\ALICE', 'alice@Corp.Example'])
    assert.equal(await subjectOf(typed, domains), 'alice', typed);
  for (const typed of ['CORP\\alice', 'alice@corp.example']) await rejects(subjectOf(typed), 'LOGIN_REFUSED');
  await rejects(subjectOf('alice@other.example', domains), 'LOGIN_REFUSED');
  assert.equal(await subjectOf('Alice@A.example', { names: 'full' }), 'alice@a.example');
  await rejects(subjectOf('alice', { names: 'full' }), 'LOGIN_REFUSED');
});
