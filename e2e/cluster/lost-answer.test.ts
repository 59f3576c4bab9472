import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startMariadb } from '@enchilada/core/testing/servers/mariadb';
import { startPostgres } from '@enchilada/core/testing/servers/postgres';
import { Site } from '../tests/site.ts';
import { DatabaseLine } from './database-line.ts';

for (const [name, start] of Object.entries({ postgres: startPostgres, mariadb: startMariadb })) {
  test(`${name}: an audit row whose commit was done and never answered is written once, and nobody is told of a failure`, async () => {
    await using owned = new AsyncDisposableStack();
    const server = owned.use(await start());
    const line = owned.use(await DatabaseLine.to(server.port));
    const folder = await mkdtemp(join(tmpdir(), 'enchilada-line-'));
    owned.defer(() => rm(folder, { recursive: true, force: true }));
    const url = new URL(await server.createDatabase());
    url.port = String(line.port);
    const file = join(folder, 'database-url');
    await writeFile(file, url.href, { mode: 0o600 });
    await using site = await Site.start({ config: `database: { url: "file:${file}" }\n` });
    const { api } = site.admin;
    const names = ['first', 'second', 'third'];
    for (const [index, group] of names.entries()) {
      line.loseCommitOf(/insert into .audit. /u);
      await api.createGroup({ body: { name: group, description: '' } });
      assert.equal(line.lost, index + 1);
    }
    const { items } = await api.listAudit({ query: { action: 'group.created', limit: 100 } });
    assert.deepEqual(items.map(({ object }) => object?.name).toSorted(), names);
    assert.equal((await api.verifyAudit()).intact, true);
  });
}
