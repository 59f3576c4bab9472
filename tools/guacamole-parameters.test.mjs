// Each parameter that Guacamole has for a protocol is a field of ours, or the protocol's page says why not.
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..');
const CHECK_LIST = JSON.parse(readFileSync(join(ROOT, 'tools/guacamole-parameters.json'), 'utf8'));
/** An answer in place of a field, with its reason. */
const EXPLAINED = /^(?:not here|not needed|always): .{12,}$/u;

async function textsOfTheInterface() {
  const files = globSync('packages/web/src/i18n/en/*.ts', { cwd: ROOT });
  const modules = await Promise.all(files.map((file) => import(join(ROOT, file))));
  return modules.flatMap((module) => Object.values(module).flatMap((texts) => Object.values(texts)));
}

function rowsOf(protocol) {
  const page = join(ROOT, `docs/engines/${protocol}.md`);
  assert.ok(existsSync(page), `docs/engines/${protocol}.md is missing`);
  const [, table = ''] =
    /\n\| Guacamole \| here \|\n\| --- \| --- \|\n((?:\|.*\n)+)/u.exec(readFileSync(page, 'utf8')) ?? [];
  return table
    .trimEnd()
    .split('\n')
    .map((line) => /^\| (.+?) \| (.+) \|$/u.exec(line) ?? assert.fail(`no row: ${line}`))
    .map(([, names, answer]) => ({ names: names.split(', '), answer }));
}

for (const [protocol, groups] of Object.entries(CHECK_LIST)) {
  test(`each of Guacamole's parameters for ${protocol} is a field, or its page says why not`, async () => {
    const { manifest } = await import(join(ROOT, `packages/engines/src/${protocol}/${protocol}-manifest.ts`));
    const labels = new Set([
      ...(await textsOfTheInterface()),
      ...manifest.parameters.flatMap(({ label, group }) => [label.en, group.en]),
    ]);
    const rows = rowsOf(protocol);
    assert.deepEqual(
      rows.flatMap(({ names }) => names).toSorted(),
      Object.values(groups).flat().toSorted(),
      'the names in the table are those of the check list, each once',
    );
    for (const { names, answer } of rows) {
      const fields = [...answer.matchAll(/\*([^*]+)\*/gu)].map(([, field]) => field);
      const unknown = fields.filter((field) => !labels.has(field));
      assert.deepEqual(unknown, [], `${names.join(', ')}: no such field`);
      assert.ok(fields.length > 0 || EXPLAINED.test(answer), `${names.join(', ')}: neither a field nor a reason`);
    }
  });
}
