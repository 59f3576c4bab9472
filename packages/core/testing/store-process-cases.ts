import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, it } from 'node:test';
import { aUser, type StoreUnderTest } from './store-fixture.ts';

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

async function runChild(database: StoreUnderTest, body: string): Promise<Ended> {
  const child = spawn(
    process.execPath,
    ['--conditions=source', '--input-type=module', '-e', `${database.childModule}\n${body}`],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (output += text.toString('utf8')));
  return new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal, output })));
}

const MIGRATE = `await using store = open(() => undefined); await store.migrate(); await store.probe();`;

/** Kills itself as step `count` begins: everything before has happened, nothing after will. */
const dieAt = (count: number): string => `let left = ${count};
  const store = open((step, event) => { if (event === 'begins' && left-- === 0) process.kill(process.pid, 'SIGKILL'); });
  await store.migrate(); await store[Symbol.asyncDispose]();`;

export function storeProcessCases(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`store ${name}: processes`, () => {
    it('is migrated by five processes at once', async () => {
      await using database = await create();
      const children = await Promise.all(Array.from({ length: 5 }, () => runChild(database, MIGRATE)));
      for (const child of children) assert.equal(child.code, 0, child.output);
      const store = database.open();
      await store.migrate();
      await store.now.users.insert(aUser());
    });

    it('is migrated after migrators were killed in the middle', async () => {
      await using database = await create();
      for (const count of [0, 1, 7, 12, 20]) {
        const killed = await runChild(database, dieAt(count));
        assert.equal(killed.signal, 'SIGKILL', killed.output);
      }
      const store = database.open();
      await store.migrate();
      await store.now.users.insert(aUser());
      assert.equal((await store.now.users.list()).length, 1);
    });

    it('keeps no table that a later release gave up', async () => {
      await using database = await create();
      await database.open().migrate();
      const tables = await database.tables();
      assert.ok(tables.includes('bootstrap_link'));
      assert.ok(!tables.includes('bootstrap'));
    });
  });
}
