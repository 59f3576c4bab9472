import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { test } from 'node:test';
import { FAULTS } from '../packages/core/src/fault/fault.ts';
import { FIGURES } from '../e2e/bench/figure.ts';
import { LAYERS } from './layers.mjs';

const ROOT = join(import.meta.dirname, '..');
const read = (path) => readFileSync(join(ROOT, path), 'utf8');
const PAGES = ['README.md', 'ARCHITECTURE.md', 'STYLE.md', ...globSync('docs/**/*.md', { cwd: ROOT })].filter((path) =>
  existsSync(join(ROOT, path)),
);
/** Made by the end-to-end run. */
const MADE_LATER = /^docs\/images\//u;

/** As GitHub makes them: https://github.com/gjtorikian/html-pipeline, TableOfContentsFilter. */
function anchors(text) {
  return [...text.matchAll(/^#+ (.+)$/gmu)].map(([, title]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('every link between the pages leads somewhere', () => {
  const broken = [];
  let links = 0;
  for (const page of PAGES) {
    const text = read(page).replaceAll(/```.*?```/gsu, '');
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/gu)) {
      if (/^[a-z]+:/u.test(target)) continue;
      links += 1;
      const [path, anchor] = target.split('#');
      const file = path === '' ? page : relative(ROOT, join(ROOT, dirname(page), path));
      if (MADE_LATER.test(file)) continue;
      if (!existsSync(join(ROOT, file))) broken.push(`${page}: ${target}`);
      else if (anchor !== undefined && !anchors(read(file)).includes(anchor))
        broken.push(`${page}: ${target} has no such heading`);
    }
  }
  assert.deepEqual(broken, []);
  assert.ok(links > 20, `found only ${links} links`);
});

test('every file that ARCHITECTURE.md names is there', () => {
  const named = [
    ...read('ARCHITECTURE.md').matchAll(
      /`((?:packages\/|tools\/|e2e\/|core\/|contract\/|gateway\/|engines\/|adapters\/|cli\/)[\w./{},*-]+)`/gu,
    ),
  ].map(([, path]) => path);
  const expand = (path) => {
    const braces = /^(.*)\{([^}]+)\}(.*)$/u.exec(path);
    return braces === null ? [path] : braces[2].split(',').flatMap((part) => expand(braces[1] + part + braces[3]));
  };
  const missing = named.flatMap(expand).filter((path) => {
    const full = /^(?:core|contract|gateway|engines|adapters|cli)\//u.test(path) ? `packages/${path}` : path;
    return globSync(full, { cwd: ROOT }).length === 0;
  });
  assert.deepEqual(missing, []);
  assert.ok(named.length > 30, `found only ${named.length} files`);
});

test('every event of the audit log is named under a requirement of PCI DSS in docs/security.md, and none that is not there', () => {
  const [, table = ''] = /<!-- pci -->(.*?)<!-- \/pci -->/su.exec(read('docs/security.md')) ?? [];
  const [, actions = ''] = /AUDIT_ACTIONS = \[(.*?)\]/su.exec(read('packages/core/src/audit/event.ts')) ?? [];
  const named = new Set([...table.matchAll(/`([a-z.-]+)`/gu)].map(([, action]) => action));
  assert.deepEqual([...named].sort(), [...actions.matchAll(/'([^']+)'/gu)].map(([, action]) => action).sort());
  for (let part = 1; part <= 7; part += 1) assert.match(table, new RegExp(`^\\| 10\\.2\\.1\\.${part} \\|`, 'mu'));
});

test('every test that docs/security.md names against a threat is there', () => {
  const [, table = ''] = /<!-- threats -->(.*?)<!-- \/threats -->/su.exec(read('docs/security.md')) ?? [];
  const rows = [...table.matchAll(/^\| (T\d\d) \| .+? \| `([^`]+)`: (.+) \|$/gmu)];
  assert.equal(
    rows.length,
    table.split('\n').filter((line) => line.startsWith('| T') && !line.startsWith('| Threat')).length,
  );
  const missing = rows.flatMap(([, threat, path, named]) => {
    const file = path.startsWith('e2e/') || path.startsWith('tools/') ? path : `packages/${path}`;
    const text = existsSync(join(ROOT, file)) ? read(file) : '';
    const names = [...named.matchAll(/\*([^*]+)\*/gu)].map(([, name]) => name);
    return names.filter((name) => !text.includes(name)).map((name) => `${threat}, ${path}: ${name}`);
  });
  assert.deepEqual(missing, []);
  assert.ok(rows.length > 40, `found only ${rows.length} threats`);
});

test('the table of layers in ARCHITECTURE.md is the one that is enforced', () => {
  const [, table = ''] = /<!-- layers -->(.*?)<!-- \/layers -->/su.exec(read('ARCHITECTURE.md')) ?? [];
  const rows = [...table.matchAll(/^\| `(\w+)` \| (.+) \|$/gmu)].map(([, from, to]) => [
    from,
    [...to.matchAll(/`(\w+)`/gu)].map(([, name]) => name),
  ]);
  assert.deepEqual(Object.fromEntries(rows), LAYERS);
});

test('every fault is in its page, and the page names no other', () => {
  const documented = [...read('docs/faults.md').matchAll(/^\| `([A-Z_]+)` \|/gmu)].map(([, code]) => code);
  assert.deepEqual(documented, Object.keys(FAULTS));
});

test('every dependency of a package has its line with what it is for and its licence, and no line is left over', () => {
  const manifests = [...globSync('packages/*/package.json', { cwd: ROOT }), 'e2e/package.json'].map((path) =>
    JSON.parse(read(path)),
  );
  const used = new Set(
    manifests
      .flatMap(({ dependencies = {} }) => Object.keys(dependencies))
      .filter((name) => !/^@(?:enchilada|types)\//u.test(name)),
  );
  const rows = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` \|(.*)\|$/gmu)].map(([, name, rest]) => [
    name,
    rest.split('|').map((cell) => cell.trim()),
  ]);
  assert.deepEqual(rows.map(([name]) => name).toSorted(), [...used].toSorted());
  for (const [name, [purpose, , licence, keeper]] of rows)
    assert.ok(purpose !== '' && licence !== '' && keeper !== '', `${name} lacks a cell`);
});

test('every command that the pages show exists', async () => {
  const { COMMANDS } = await import('../packages/cli/src/commands.ts');
  const known = COMMANDS.map(({ path }) => path.join(' '));
  const unknown = PAGES.flatMap((page) =>
    [...read(page).matchAll(/(?:^|`)enchilada ([a-z-]+(?: [a-z-]+)?)/gmu)]
      .filter(([, words]) => !known.includes(words) && !known.includes(words.split(' ')[0]))
      .map(([, words]) => `${page}: ${words}`),
  );
  assert.deepEqual(unknown, []);
});

test('every page of an engine ends with one command that tries it, and the command finds tests', () => {
  const tests = globSync(['packages/*/src/**/*.test.ts', 'e2e/**/*.test.ts'], {
    cwd: ROOT,
    exclude: ['**/node_modules/**', '**/dist/**'],
  });
  const pages = PAGES.filter((page) => page.startsWith('docs/engines/'));
  const flaws = pages.flatMap((page) => {
    const [, command] = /^## Try it\n\n```sh\n(.+)\n```$/mu.exec(read(page)) ?? [];
    const [, parts] = /^npm test -- --file (\S+)$/u.exec(command ?? '') ?? [];
    if (parts === undefined) return [`${page}: ${command}`];
    return parts
      .split(',')
      .filter((part) => !tests.some((file) => file.includes(part)))
      .map((part) => `${page}: no test has ${part} in its path`);
  });
  assert.deepEqual(flaws, []);
  assert.ok(pages.length > 5, `found only ${pages.length} pages`);
});

test('the table of docs/performance.md has every figure of the bench with its target', () => {
  const rows = [...read('docs/performance.md').matchAll(/^\| `([\w-]+)` \| ([^|]+) \|/gmu)].map(
    ([, id, target]) => `${id} ${target}`,
  );
  const figures = FIGURES.map(
    ({ id, bound, target, unit }) => `${id} ${bound === 'at-most' ? '≤' : '≥'} ${target} ${unit}`,
  );
  assert.deepEqual(rows, figures);
});
