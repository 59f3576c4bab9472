import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Ran, runCommand } from '../fixtures/command.ts';
import { Site } from './site.ts';

const POLICY = `
groups:
  - name: operators
    description: Runs payments
    members: [anna]
  - name: leads
targetGroups: [Production/Databases]
targets:
  - name: bastion
    protocol: ssh
    host: bastion.example.org
  - name: db1
    protocol: ssh
    host: db1.example.org
    group: Production/Databases
    labels: { env: prod }
    jump: bastion
grants:
  - group: operators
    labels: { env: prod }
    actions: [connect, file-out]
    conditions:
      sessionMinutes: 60
      secondFactor: { level: passkey, minutes: 15 }
      approval: { groups: [leads], minutes: 60 }
  - group: operators
    target: bastion
  - user: eve
    effect: deny
    targetGroup: Production
rules:
  - name: linux
    match: { platform: linux }
    outcome: { protocol: ssh, grants: { groups: [operators], actions: [connect] } }
`;

let site: Site;
let base: string;
const owned = new AsyncDisposableStack();

before(async () => {
  base = await mkdtemp(join(tmpdir(), 'enchilada-apply-'));
  site = owned.use(await Site.start());
  for (const username of ['anna', 'eve'])
    await site.admin.api.createUser({ body: { username, displayName: username, role: 'user' } });
  const scope = ['access.read', 'access.write', 'catalog.read', 'catalog.write', 'credential.read'] as const;
  const { value } = await site.admin.api.createToken({ body: { name: 'ci', scope: [...scope], days: 1 } });
  await writeFile(join(base, 'token'), `${value}\n`, { mode: 0o600 });
  Object.assign(process.env, { ENCH_URL: site.gateway.url, ENCH_TOKEN_FILE: join(base, 'token') });
});
after(async () => {
  delete process.env['ENCH_URL'];
  delete process.env['ENCH_TOKEN_FILE'];
  await owned.disposeAsync();
  await rm(base, { recursive: true, force: true });
});

async function apply(text: string, ...words: readonly string[]): Promise<Ran> {
  await writeFile(join(base, 'policy.yaml'), text);
  return runCommand(base, ['apply', 'policy.yaml', ...words]);
}

test('a plan changes nothing and says for whom; applying makes it so, and once more finds nothing to do', async () => {
  const plan = await apply(POLICY, '--plan');
  assert.equal(plan.exitCode, 2, plan.stderr);
  for (const line of [
    '+ group operators',
    '+ member anna in operators',
    '+ machine group Production/Databases',
    '+ machine db1',
    '+ group operators may connect, file-out on env=prod, after 1 approval; with a passkey at most 15 min old; 60 min a session',
    '+ user eve may never connect on group Production',
    '+ rule linux',
    '1 person gains 2 machines.',
  ])
    assert.ok(plan.stdout.includes(`${line}\n`), `${line}\n${plan.stdout}`);
  assert.deepEqual((await site.admin.api.listGroups()).items, []);
  const fingerprint = /Fingerprint of these changes: (\w+)/u.exec(plan.stdout)?.[1] ?? '';
  const others = await apply(POLICY, '--only', '0'.repeat(16));
  assert.deepEqual([others.exitCode, /the changes are others by now/u.test(others.stderr)], [1, true]);
  const done = await apply(POLICY, '--only', fingerprint);
  assert.equal(done.exitCode, 0, done.stderr);
  for (const words of [['--plan'], [], ['--plan', '--prune']]) {
    const again = await apply(POLICY, ...words);
    assert.deepEqual([again.exitCode, again.stdout], [0, 'All is as the file says.\n'], words.join(' '));
  }
  const targets = (await site.admin.api.listTargets({ query: {} })).items;
  const [db1, bastion] = ['db1', 'bastion'].map((name) => targets.find((target) => target.name === name));
  assert.equal(db1?.jumpTargetId, bastion?.id);
  const { rules } = await site.admin.api.getRules();
  assert.equal(rules[0]?.outcome.grants?.groups[0]?.startsWith('grp_'), true);
});

test('a change is told as before and after, a grant is replaced and not added to, and who did otherwise shows as drift', async () => {
  await site.admin.api.createTarget({ body: { name: 'by-hand', protocol: 'ssh', host: 'h.example.org', port: 22 } });
  const changed = POLICY.replace('env: prod }\n    jump', 'env: prod, tier: "1" }\n    port: 2222\n    jump')
    .replace('actions: [connect, file-out]', 'actions: [connect]')
    .replace('  - group: operators\n    target: bastion\n', '');
  const plan = await apply(changed, '--plan');
  assert.equal(plan.exitCode, 2);
  assert.match(plan.stdout, /~ machine db1\n {4}port 22 → 2222\n {4}label tier none → 1\n/u);
  assert.match(
    plan.stdout,
    /~ group operators may connect on env=prod.*\n {4}before: group operators may connect, file-out/u,
  );
  assert.match(
    plan.stdout,
    /left alone without --prune:\n {2}- machine by-hand\n {2}- group operators may connect on machine bastion\n/u,
  );
  assert.equal((await apply(changed)).exitCode, 0);
  const { items } = await site.admin.api.listGrants();
  assert.equal(items.filter(({ scope }) => scope.kind === 'labels' && Object.hasOwn(scope.selector, 'env')).length, 1);
  const pruned = await apply(changed, '--prune', '--json');
  const value = JSON.parse(pruned.stdout) as { changes: { act: string; kind: string }[]; applied: boolean };
  assert.deepEqual(
    [pruned.exitCode, value.applied, value.changes.map(({ act, kind }) => `${act} ${kind}`)],
    [0, true, ['delete machine', 'delete grant']],
  );
  assert.ok((await site.admin.api.listTargets({ query: {} })).items.every(({ name }) => name !== 'by-hand'));
});

test('mistakes are told with line and nearest name, whatever goes wrong ends with 1, and nothing was changed', async () => {
  const wrong = await apply('grants:\n  - group: operatrs\n    target: db2\n');
  assert.equal(wrong.exitCode, 1);
  assert.match(wrong.stdout, /policy\.yaml:2: there is no group "operatrs"; the nearest name is "operators"\n/u);
  assert.match(wrong.stdout, /policy\.yaml:3: there is no machine "db2"; the nearest name is "db1"\n/u);
  assert.equal((await apply('targets: []\n', '--paln')).exitCode, 1);
  assert.equal((await runCommand(base, ['apply', 'none.yaml', '--plan'])).exitCode, 1);
  const stopped = await apply(
    'groups: [{ name: first }]\ntargets: [{ name: x, protocol: ssh, host: h, labels: { "tag:a": b } }]\n',
  );
  assert.equal(stopped.exitCode, 1);
  assert.match(stopped.stderr, /stopped at \+ machine x: .*applying again goes on from there/u);
  assert.ok((await site.admin.api.listGroups()).items.some(({ name }) => name === 'first'));
});
