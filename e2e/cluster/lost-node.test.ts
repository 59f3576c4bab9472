import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import type { Person, Shell } from '../product/index.ts';
import { startSshd } from '../tests/site.ts';
import { eventually, personWithMachine } from './people.ts';
import { TwoNodes } from './two-nodes.ts';

const PER_USER = 3;
const owned = new AsyncDisposableStack();
let sshd: Sshd;
let both: TwoNodes;
/** The administrator at node A, and at node B. */
let admin: Person;
let atB: Person;

before(async () => {
  sshd = owned.use(await startSshd());
  both = owned.use(await TwoNodes.start({ sessionsPerUser: PER_USER }));
  admin = await both.bootstrap();
  atB = admin.at(both.b.url);
});
after(() => owned.disposeAsync());

const codeOf = (attempt: Promise<unknown>): Promise<string> =>
  attempt.then(
    () => 'done',
    ({ code }: { readonly code: string }) => code,
  );
const isReady = async (url: string): Promise<boolean> => (await fetch(`${url}/readyz`)).status === 200;

/** Ends of these sessions in the audit log, as `action reason`. */
async function endsOf(sessionIds: readonly string[]): Promise<readonly string[]> {
  const { items } = await atB.api.listAudit({ query: { action: 'session.ended', limit: 500 } });
  return items
    .filter(({ detail }) => sessionIds.includes(String(detail?.['sessionId'])))
    .map(({ action, reason }) => `${action} ${reason ?? ''}`);
}

async function lossesOf(node: string): Promise<number> {
  const { items } = await atB.api.listAudit({ query: { action: 'node.lost', limit: 100 } });
  return items.filter(({ object }) => object?.id === node).length;
}

/** Cuts the sockets of somebody whose node does not answer any more. */
function abandon(shell: Shell): void {
  shell.data.terminate();
  shell.control.terminate();
}

test('a node that was killed loses its own sockets and nothing else; the other frees the places and tells the truth', async (t) => {
  const { person, targetId } = await personWithMachine(admin, sshd, 'lotte');
  const bystander = await personWithMachine(admin, sshd, 'bert');
  await using untouched = await bystander.person.at(both.b.url).open(bystander.targetId);
  await untouched.live();
  const held: Shell[] = [];
  for (let index = 0; index < PER_USER; index += 1) {
    const shell = await person.open(targetId);
    await shell.live();
    shell.type(`echo shown-$((${index}+500))-once\r`);
    await shell.see(`shown-${index + 500}-once`);
    held.push(shell);
  }
  const ids = held.map(({ sessionId }) => sessionId);
  assert.equal(await codeOf(person.at(both.b.url).api.openSession({ body: { targetId } })), 'SESSION_LIMIT');

  await both.a.stop('SIGKILL');
  const freedAfter = await eventually('the places of the dead node to be free', async () => {
    const { items } = await atB.api.listSessions({ query: { scope: 'all', live: true } });
    return !items.some(({ id }) => ids.includes(id));
  });
  t.diagnostic(`places free ${freedAfter} ms after the node was killed`);
  await using fresh = await person.at(both.b.url).open(targetId);
  await fresh.live();
  untouched.type('echo still-$((40+2))-here\r');
  await untouched.see('still-42-here');
  assert.deepEqual(
    untouched.frames.filter(({ type }) => type === 'ended'),
    [],
  );
  for (const id of ids) {
    const session = await atB.api.getSession({ params: { id } });
    assert.equal(session.endReason, 'node-lost');
    const recorded = async () => (await atB.api.getRecording({ params: { id: session.recordingId ?? '' } })).recording;
    // The place is free before the index of recordings knows of the loss.
    await eventually('the recording to be given up', async () => (await recorded()).state !== 'recording');
    const { state, endReason } = await recorded();
    assert.deepEqual([state, endReason], ['incomplete', 'node-lost']);
  }
  await eventually('the ends to be audited', async () => (await endsOf(ids)).length >= PER_USER);
  assert.deepEqual(await endsOf(ids), Array<string>(PER_USER).fill('session.ended node-lost'));
  assert.equal(await lossesOf('node-a'), 1);
  for (const shell of held) abandon(shell);

  // The recordings are finalised by the node that made them, when it is back.
  admin = admin.at((await both.startNode('a')).url);
  for (const [index, id] of ids.entries()) {
    const { recordingId = '' } = await admin.api.getSession({ params: { id } });
    const { recording } = await admin.api.getRecording({ params: { id: recordingId } });
    assert.equal(recording.state, 'incomplete');
    assert.ok(recording.chunks > 0, JSON.stringify(recording));
    const text = await (
      await admin.api.exportRecording({ params: { id: recordingId }, query: { format: 'text' } })
    ).text();
    assert.ok(text.includes(`shown-${index + 500}-once`), text);
    assert.equal((await admin.api.verifyRecording({ params: { id: recordingId } })).code, 10);
  }
  assert.equal(await lossesOf('node-a'), 1);
  assert.equal((await atB.api.verifyAudit()).intact, true);
});

test('a node that was merely slow ends what it holds once it learns that it was given up, and serves again', async (t) => {
  const { person, targetId } = await personWithMachine(admin, sshd, 'siggi');
  const shell = await person.open(targetId);
  await shell.live();
  const { sessionId } = shell;
  const before = await lossesOf('node-a');
  process.kill(both.a.pid, 'SIGSTOP');
  const givenUpAfter = await eventually('the silent node to be given up', async () => {
    const session = await atB.api.getSession({ params: { id: sessionId } });
    return session.endReason === 'node-lost';
  });
  process.kill(both.a.pid, 'SIGCONT');
  const end = await shell.ended();
  assert.equal(end.reason, 'node-lost');
  t.diagnostic(`given up ${givenUpAfter} ms after it was stopped`);
  await shell.leave();
  const backAfter = await eventually('the node to be a member again', () => isReady(both.a.url));
  t.diagnostic(`a member again ${backAfter} ms after its session ended`);
  await using next = await person.open(targetId);
  await next.live();
  next.type('echo back-$((3+4))-again\r');
  await next.see('back-7-again');
  await eventually('the end to be audited', async () => (await endsOf([sessionId])).length > 0);
  assert.deepEqual(await endsOf([sessionId]), ['session.ended node-lost']);
  assert.equal(await lossesOf('node-a'), before + 1);
  const { recordingId = '' } = await atB.api.getSession({ params: { id: sessionId } });
  // Nothing was lost: the slow node has sealed it to the end.
  await eventually('the recording to be whole', async () => {
    const { recording } = await atB.api.getRecording({ params: { id: recordingId } });
    return recording.state === 'complete';
  });
  assert.equal((await atB.api.verifyAudit()).intact, true);
});
