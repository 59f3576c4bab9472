import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import type { Person, Shell } from '../product/index.ts';
import { startSshd } from '../tests/site.ts';
import { eventually, personWithMachine } from './people.ts';
import { TwoNodes } from './two-nodes.ts';

const PER_USER = 4;
const owned = new AsyncDisposableStack();
let sshd: Sshd;
let both: TwoNodes;
/** The administrator at node A. */
let admin: Person;

before(async () => {
  sshd = owned.use(await startSshd());
  both = owned.use(await TwoNodes.start({ sessionsPerUser: PER_USER }));
  admin = await both.bootstrap();
});
after(() => owned.disposeAsync());

let echoes = 0;

async function echo(shell: Shell): Promise<void> {
  echoes += 1;
  shell.type(`echo alive-$((${echoes}+1000))-here\r`);
  await shell.see(`alive-${echoes + 1_000}-here`);
}

const isReady = async (url: string): Promise<boolean> => (await fetch(`${url}/readyz`)).status === 200;

test('a person never has more sessions than allowed, however many are asked for at once, wherever', async () => {
  const { person, targetId } = await personWithMachine(admin, sshd, 'greta');
  const codes = await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      person
        .at(index % 2 === 0 ? both.a.url : both.b.url)
        .api.openSession({ body: { targetId } })
        .then(
          () => 'opened',
          ({ code }: { readonly code: string }) => code,
        ),
    ),
  );
  assert.equal(codes.filter((code) => code === 'opened').length, PER_USER);
  assert.deepEqual(new Set(codes), new Set(['opened', 'SESSION_LIMIT']));
});

test('sessions outlive a restart of the database under load, and what ended meanwhile is written down', async (t) => {
  const { person, targetId } = await personWithMachine(admin, sshd, 'paula');
  const shells = [await person.open(targetId), await person.at(both.b.url).open(targetId), await person.open(targetId)];
  for (const shell of shells) await shell.live();
  const [atA, atB, leaving] = shells as [Shell, Shell, Shell];
  // People keep working, and asking, all the while.
  let isLoaded = true;
  const codes = new Set<string>();
  const load = (async () => {
    while (isLoaded) {
      const asked = [both.a.url, both.b.url].map((url) =>
        person
          .at(url)
          .api.getMe()
          .catch(({ code }: { readonly code: string }) => codes.add(code)),
      );
      await Promise.all(asked);
    }
  })();
  await both.database.stop();
  await eventually('both nodes to say that they are not ready', async () => {
    const ready = await Promise.all([isReady(both.a.url), isReady(both.b.url)]);
    return !ready.includes(true);
  });
  await Promise.all([echo(atA), echo(atB)]);
  await assert.rejects(person.api.openSession({ body: { targetId } }), { code: 'STORE_UNAVAILABLE', status: 503 });
  leaving.type('exit\r');
  assert.equal((await leaving.ended()).reason, 'closed-by-target');
  await leaving.leave();
  await both.database.start();
  const readyAfter = await eventually('both nodes to be ready again', async () => {
    const ready = await Promise.all([isReady(both.a.url), isReady(both.b.url)]);
    return !ready.includes(false);
  });
  t.diagnostic(`ready ${readyAfter} ms after the database was back`);
  isLoaded = false;
  await load;
  assert.deepEqual([...codes], ['STORE_UNAVAILABLE']);
  await Promise.all([echo(atA), echo(atB)]);
  await eventually('the end to be written down', async () => {
    const session = await person.api.getSession({ params: { id: leaving.sessionId } });
    return session.endReason === 'closed-by-target';
  });
  const { recordingId = '' } = await person.api.getSession({ params: { id: leaving.sessionId } });
  await eventually('the recording to be indexed', async () => {
    const { recording } = await admin.api.getRecording({ params: { id: recordingId } });
    return recording.state === 'complete';
  });
  for (const shell of [atA, atB]) {
    assert.deepEqual(
      shell.frames.filter(({ type }) => type === 'ended'),
      [],
    );
    await shell[Symbol.asyncDispose]();
  }
  // An outage silences all nodes; nobody is declared lost for it.
  const { items } = await admin.api.listAudit({ query: { action: 'node.lost', limit: 10 } });
  assert.deepEqual(items, []);
  assert.equal((await admin.api.verifyAudit()).intact, true);
});
