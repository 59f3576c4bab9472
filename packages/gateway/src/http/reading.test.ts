import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { ROUTE_LIST, type RouteId } from '@enchilada/contract';
import type { Role } from '@enchilada/core/identity';
import { call, GatewayFixture } from '../testing/gateway-fixture.ts';
import { fill, populate } from '../testing/populate.ts';

const GETS = ROUTE_LIST.filter(({ method }) => method === 'GET');
const QUERIES: Partial<Record<RouteId, string>> = {
  exportRecording: '?format=text',
  exportAudit: '?format=csv',
  exportAccessReport: '?user=root&format=csv',
};
const PEOPLE = { user: 'ann', auditor: 'otto', administrator: 'root' } as const satisfies Record<Role, string>;
/** The one thing a reading may write into a table: that its login is still in use. The audit log is looked at apart. */
const MAY_CHANGE = new Map([['login', ['last_seen_at']]]);

/** A digest of every row of every table, but for what may change. */
function everything(file: string): ReadonlyMap<string, string> {
  using database = new DatabaseSync(file, { readOnly: true });
  const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[];
  assert.ok(tables.length > 15);
  return new Map(
    tables.map(({ name }) => {
      const free = MAY_CHANGE.get(name) ?? [];
      const hash = createHash('sha256');
      for (const row of database.prepare(`SELECT * FROM "${name}" ORDER BY rowid`).all())
        hash.update(
          JSON.stringify(
            Object.entries(row).filter(([column]) => !free.includes(column)),
            (_key, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value),
          ),
        );
      return [name, hash.digest('hex')];
    }),
  );
}

test('no GET changes anything, whoever asks and whatever for', async () => {
  await using fixture = new GatewayFixture();
  const node = await fixture.start();
  for (const [role, name] of Object.entries(PEOPLE)) await fixture.addUser(name, role as Role);
  await fixture.addUser('bob', 'user');
  const file = join(fixture.folder, 'store.db');
  const written = new Set<string>();
  for (const [role, name] of [...Object.entries(PEOPLE), ['anonymous', undefined] as const]) {
    const ids = await populate(fixture, name ?? 'bob', `r-${role}`);
    const cookie = name === undefined ? undefined : await fixture.signIn(node, name);
    const asked = await Promise.all(
      GETS.flatMap((route) =>
        (route.path.includes(':') ? (['own', 'other', 'missing'] as const) : (['own'] as const)).map(async (whose) => ({
          route,
          url: `${await fill(fixture, { path: route.path, ids, whose, owner: name ?? 'bob', stranger: 'bob', node })}${QUERIES[route.id] ?? ''}`,
        })),
      ),
    );
    const before = everything(file);
    for (const { route, url } of asked) {
      // Past the half minute after which a login is touched.
      fixture.clock.time += 31_000;
      const audited = fixture.audit.events.length;
      for (let twice = 0; twice < 2; twice++) {
        const { statusCode } = await call(node, 'GET', url, { cookie });
        assert.ok(statusCode < 500 && (statusCode !== 401 || cookie === undefined), `${route.id}: ${statusCode}`);
      }
      assert.deepEqual(everything(file), before, `${route.id} by ${role} at ${url}`);
      for (const { action } of fixture.audit.events.slice(audited)) {
        assert.ok(action === 'access.denied' || route.audit?.includes(action), `${route.id} audits ${action}`);
        written.add(action);
      }
    }
    fixture.clock.time += 1_000;
  }
  assert.deepEqual(
    [...written].sort(),
    [
      'access.denied',
      'access.exported',
      'audit.exported',
      'recording.downloaded',
      'recording.exported',
      'recording.keys-viewed',
      'recording.viewed',
    ],
    'readings that matter are audited',
  );
});
