import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { isFault } from '@enchilada/core/fault';
import { anAuditRecord, aSession, aTarget, aUser } from '@enchilada/core/testing/store-fixture';
import Database from 'better-sqlite3';
import { sqlite } from './index.ts';

const unavailable = (error: unknown): boolean => isFault(error, 'STORE_UNAVAILABLE');
const NOBODY = 65_534;

async function inDirectory(work: (file: string, directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'enchilada-sqlite-'));
  try {
    await work(join(directory, 'enchilada.db'), directory);
  } finally {
    await chmod(directory, 0o700);
    await rm(directory, { recursive: true, force: true });
  }
}

/** Runs as somebody whom file modes bind; root is not. `write` is tried, then `read`. */
async function asOrdinaryUser(file: string, limits: readonly string[] = []): Promise<string> {
  const body = `import { sqlite } from '${import.meta.resolve('./index.ts')}';
    const store = sqlite({ file: ${JSON.stringify(file)} });
    const attempt = (call) => call().then((value) => JSON.stringify(value ?? 'done'), (fault) => fault.code);
    await attempt(() => store.migrate());
    const filler = 'x'.repeat(200_000);
    let written = 0, fault = 'none';
    while (written < 200 && fault === 'none') await store.now.settings.set('row ' + written, filler).then(() => written++, (error) => { fault = error.code; });
    console.log(JSON.stringify({ written, fault, probe: await attempt(() => store.probe()), kept: await attempt(async () => Object.keys(await store.now.settings.all()).length) }));`;
  const identity = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  const child = spawn(
    '/usr/bin/prlimit',
    [...limits, process.execPath, '--conditions=source', '--input-type=module', '-e', body],
    {
      ...identity,
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let output = '';
  child.stdout.on('data', (text: Buffer) => (output += text.toString('utf8')));
  await new Promise((resolve) => child.once('close', resolve));
  return output;
}

it('answers STORE_UNAVAILABLE from a read-only file, and loses nothing', () =>
  inDirectory(async (file, directory) => {
    {
      await using store = sqlite({ file });
      await store.migrate();
      await store.now.settings.set('kept', 'yes');
    }
    const before = await readFile(file);
    if (process.getuid?.() === 0) for (const path of [directory, file]) await chown(path, NOBODY, NOBODY);
    await chmod(file, 0o444);
    await chmod(directory, 0o555);
    const answer = JSON.parse(await asOrdinaryUser(file)) as { written: number; fault: string; probe: string };
    assert.deepEqual([answer.written, answer.fault, answer.probe], [0, 'STORE_UNAVAILABLE', 'STORE_UNAVAILABLE']);
    assert.deepEqual(await readFile(file), before);
    await chmod(directory, 0o700);
    await chmod(file, 0o600);
    await using again = sqlite({ file });
    assert.equal(await again.now.settings.get('kept'), 'yes');
    await again.probe();
  }));

it('answers STORE_UNAVAILABLE when a file may not grow, and keeps what it had acknowledged', () =>
  inDirectory(async (file, directory) => {
    if (process.getuid?.() === 0) await chown(directory, NOBODY, NOBODY);
    const answer = JSON.parse(await asOrdinaryUser(file, ['--fsize=3000000'])) as { written: number; fault: string };
    assert.equal(answer.fault, 'STORE_UNAVAILABLE');
    assert.ok(answer.written > 0);
    await using store = sqlite({ file });
    assert.equal(Object.keys(await store.now.settings.all()).length, answer.written);
    await store.now.settings.set('after', 'room again');
  }));

it('names a path that cannot be opened, or is no database', () =>
  inDirectory(async (file, directory) => {
    await using absent = sqlite({ file: join(directory, 'no', 'such.db') });
    await assert.rejects(absent.migrate(), unavailable);
    await writeFile(file, 'this is no database, and long enough to be read as a header of one'.repeat(40));
    await using foreign = sqlite({ file });
    await assert.rejects(foreign.migrate(), unavailable);
  }));

it('makes its file for its owner alone', () =>
  inDirectory(async (file) => {
    await using store = sqlite({ file });
    await store.migrate();
    for (const path of [file, `${file}-wal`]) assert.equal((await stat(path)).mode & 0o777, 0o600);
  }));

it('has an audit log that SQL can neither change nor shorten, and sessions that stay ended', () =>
  inDirectory(async (file) => {
    await using store = sqlite({ file });
    await store.migrate();
    await store.now.audit.append(anAuditRecord('node-1', 1));
    await store.now.sessions.insert(aSession({ id: 'ses_1', state: 'ended', endedAt: 1 }));
    const database = new Database(file);
    database.pragma('recursive_triggers = ON');
    for (const statement of [
      "update audit set action = 'x'",
      'delete from audit',
      'insert or replace into audit select * from audit',
      'update policy_history set at = 0',
      'delete from policy_history',
    ]) {
      assert.throws(() => database.exec(statement), /append-only/u, statement);
    }
    assert.throws(() => database.exec("update session set state = 'live', ended_at = null"), /may not change/u);
    database.close();
    assert.equal((await store.now.audit.chain('node-1', 0, 10)).length, 1);
  }));

it('begins the history of access with what there is, and notes later what was written past it', () =>
  inDirectory(async (file) => {
    await using store = sqlite({ file });
    await store.migrate();
    const [user, target, group] = [aUser(), aTarget(), 'grp_1'];
    await store.now.users.insert(user);
    await store.now.catalog.insertTarget(target);
    await store.now.groups.insert({ id: group, name: group, description: '', createdAt: 1 });
    await store.now.groups.addMember(group, user.id);
    const database = new Database(file);
    // As a database of the release before: it has everything but this history.
    database.exec('drop trigger policy_history_no_delete; delete from policy_history');
    await store.migrate();
    const { policyHistory } = store.now;
    const begun = await policyHistory.versionAt(await policyHistory.knownSince());
    assert.ok(begun !== undefined);
    assert.deepEqual([...(await policyHistory.states('user', begun)).keys()], [user.id]);
    assert.deepEqual([...(await policyHistory.states('target', begun)).keys()], [target.id]);
    assert.deepEqual((await policyHistory.states('membership', begun)).get(user.id)?.groups, [group]);

    database.exec('update user_account set disabled_at = 7; delete from group_member');
    database.close();
    await store.migrate();
    const later = await policyHistory.versionAt(await store.clock());
    assert.ok(later !== undefined);
    assert.equal((await policyHistory.states('user', later)).get(user.id)?.disabledAt, 7);
    assert.equal((await policyHistory.states('membership', later)).size, 0);
    assert.deepEqual([...(await policyHistory.states('user', begun)).values()][0]?.disabledAt, undefined);
  }));

it('notes of many machines only those in which the policy sees a change', () =>
  inDirectory(async (file) => {
    await using store = sqlite({ file });
    await store.migrate();
    const targets = Array.from({ length: 450 }, () => aTarget());
    await store.now.catalog.insertTargets(targets);
    const database = new Database(file, { readonly: true });
    const noted = () => database.prepare("select count(*) from policy_history where kind = 'target'").pluck().get();
    assert.equal(noted(), targets.length);
    const next = targets.map((target, index) => ({
      ...target,
      ...(index === 300 ? { labels: { env: 'test' } } : { labels: { team: 'büro', env: 'prod' }, host: 'elsewhere' }),
    }));
    await store.now.catalog.updateTargets(next);
    assert.equal(noted(), targets.length + 1);
    database.close();
  }));

it('refuses a database of a newer release', () =>
  inDirectory(async (file) => {
    await using store = sqlite({ file });
    await store.migrate();
    const database = new Database(file);
    database.exec("insert into schema_step values ('9999-future/step', 1)");
    database.close();
    await assert.rejects(
      store.migrate(),
      (error) => unavailable(error) && /9999-future/u.test((error as Error).message),
    );
    await store.now.users.insert(aUser());
  }));
