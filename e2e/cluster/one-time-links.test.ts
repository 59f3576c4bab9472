import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runCommand, runJson } from '../fixtures/command.ts';
import { Person } from '../product/index.ts';
import { ADMIN } from '../tests/site.ts';
import { TwoNodes } from './two-nodes.ts';

const NEXT = 'after the node was lost 77';
const owned = new AsyncDisposableStack();
let base: string;
let both: TwoNodes;

before(async () => {
  base = await mkdtemp(join(tmpdir(), 'enchilada-links-'));
  owned.defer(() => rm(base, { recursive: true, force: true }));
  both = owned.use(await TwoNodes.start());
});
after(() => owned.disposeAsync());

const count = (codes: readonly string[], wanted: string): number => codes.filter((code) => code === wanted).length;
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    ({ code }: { code: string }) => code,
  );

test('the link of each node works, and of all who use both at once, at both nodes, exactly one becomes administrator', async () => {
  const tokens = [both.a, both.b].map(({ bootstrapUrl }) => new URL(bootstrapUrl).hash.slice(1));
  assert.notEqual(tokens[0], tokens[1]);
  const urls = [both.a.url, both.b.url];
  for (const url of urls) for (const token of tokens) await new Person(url).api.checkBootstrap({ body: { token } });
  const people = Array.from({ length: 16 }, (_unused, index) => {
    const username = index === 0 ? ADMIN.username : `racer-${index}`;
    const token = tokens[index % 2] ?? '';
    return { index, username, body: { token, username, displayName: '', password: ADMIN.password } };
  });
  const codes = await Promise.all(
    people.map(({ index, body }) => codeOf(new Person(urls[(index >> 1) & 1] ?? '').api.completeBootstrap({ body }))),
  );
  assert.equal(count(codes, 'done'), 1, codes.join());
  const winner = people[codes.indexOf('done')];
  const admin = await Person.signIn(both.b.url, { username: winner?.username ?? '', password: ADMIN.password });
  assert.equal((await admin.api.listUsers()).items.length, 1);
  if (winner?.username !== ADMIN.username)
    await admin.api.createUser({ body: { ...ADMIN, displayName: '', role: 'administrator' } });
  for (const node of [both.a, both.b]) {
    await new Person(node.url).api.getSignIn();
    assert.ok(!existsSync(join(node.dataDir, 'bootstrap-link')), 'no file keeps a link that opens nothing');
  }
});

test('a backup of a node says that the database is elsewhere', async () => {
  const { exitCode, stderr, stdout } = await runCommand(base, [
    'backup',
    '--data-dir',
    both.a.dataDir,
    '--to',
    join(base, 'node-a.tar'),
  ]);
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /NOT in this backup/u);
  assert.match(stdout, /gateway running/u);
});

// Last: node A does not come back.
test('a recovery link of a node that died works at the other, once, whoever tries', async () => {
  const { link } = await runJson(base, ['user', 'recover', ADMIN.username, '--data-dir', both.a.dataDir]);
  const body = { token: new URL(String(link)).hash.slice(1), password: NEXT };
  await both.a.stop('SIGKILL');
  const { stderr } = await runCommand(base, ['user', 'recover', ADMIN.username, '--data-dir', both.a.dataDir]);
  assert.match(stderr, /no gateway runs on/u);
  const codes = await Promise.all(
    Array.from({ length: 8 }, () => codeOf(new Person(both.b.url).api.completeRecovery({ body }))),
  );
  assert.equal(count(codes, 'done'), 1, codes.join());
  assert.equal(count(codes, 'RECOVERY_TOKEN_REFUSED'), 7, codes.join());
  const admin = await Person.signIn(both.b.url, { username: ADMIN.username, password: NEXT });
  const { items } = await admin.api.listAudit({ query: { action: 'recovery.issued' } });
  assert.equal(items[0]?.node, 'node-a');
});
