// A guard needs a canary: breaks a copy of the tree in every way the checks promise to catch, and fails unless each is caught.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const copy = mkdtempSync(join(tmpdir(), 'enchilada-canary-'));

const LAYERS = [
  [
    'undeclared-dependency',
    'packages/gateway/src/http/zr.ts',
    "import { Client } from 'kysely'; export const z = Client;",
  ],
  // Of a cycle one module is reported; the other has a fault of its own to show that it was read.
  [
    'not-resolvable',
    'packages/gateway/src/http/zq.ts',
    "import { z as y } from './zp.ts'; export * from './not-there.ts'; export const z = (): unknown => y;",
  ],
  [
    'no-cycles-at-run-time',
    'packages/gateway/src/http/zp.ts',
    "import { z as y } from './zq.ts'; export const z = (): unknown => y;",
  ],
  [
    'engines-layer',
    'packages/engines/src/ssh/zz.ts',
    "import { ROUTES } from '@enchilada/contract'; export const z = ROUTES;",
  ],
  [
    'adapters-layer',
    'packages/adapters/src/store/sqlite/zz.ts',
    "import { createSsh } from '@enchilada/engines/ssh'; export const z = createSsh;",
  ],
  [
    'adapters-layer',
    'packages/adapters/src/store/sqlite/zy.ts',
    "import type * as S from '@enchilada/engines/ssh'; export type Z = typeof S;",
  ],
  [
    'adapters-layer',
    'packages/adapters/src/store/sqlite/zx.ts',
    "export const z = () => import('@enchilada/engines/ssh');",
  ],
  [
    'contract-layer',
    'packages/contract/src/zz.ts',
    "import { createSsh } from '@enchilada/engines/ssh'; export const z = createSsh;",
  ],
  [
    'web-layer',
    'packages/web/src/zz.ts',
    "import { sqlite } from '@enchilada/adapters/store/sqlite'; export const z = sqlite;",
  ],
  [
    'cli-layer',
    'packages/cli/src/zz.ts',
    "import { sqlite } from '@enchilada/adapters/store/sqlite'; export const z = sqlite;",
  ],
  [
    'adapter-siblings',
    'packages/adapters/src/store/mysql/zz.ts',
    "import { sqlite } from '../sqlite/index.ts'; export const z = sqlite;",
  ],
  [
    'engine-siblings',
    'packages/engines/src/zz/index.ts',
    "import { createSsh } from '../ssh/index.ts'; export const z = createSsh;",
  ],
  [
    'only-the-composition-root-names-implementations',
    'packages/gateway/src/http/zz.ts',
    "import { createSsh } from '@enchilada/engines/ssh'; export const z = createSsh;",
  ],
  ['core-has-no-dependencies', 'packages/core/src/time/zz.ts', "import net from 'node:net'; export const z = net;"],
  ['ssh2-in-one-folder', 'packages/gateway/src/http/zy.ts', "import { Client } from 'ssh2'; export const z = Client;"],
  [
    'unlisted-package',
    'packages/zz/src/index.ts',
    "import { randomId } from '@enchilada/core/time'; export const z = randomId;",
  ],
  ['not-resolvable', 'packages/core/src/time/zy.ts', "import { z } from './not-there.ts'; export const y = z;"],
];
const TYPES = [
  ['Node in core', 'packages/core/src/time/zw.ts', "export const z = Buffer.from('x');"],
  [
    'Node types leaked into core',
    'packages/core/src/time/zv.ts',
    '/// <reference types="node" />\nexport type Z = 1;',
    'packages/core/src/purity.canary.ts',
  ],
  [
    'a bare target opens an engine',
    'packages/core/src/session/zz.ts',
    "import type { Target } from '../target/index.ts';\nimport type { AuthorizedTarget } from '../access/index.ts';\nexport const z = (target: Target): AuthorizedTarget => ({ target, actions: new Set() });",
  ],
];
const LINT = [
  [
    'no-restricted-syntax',
    'packages/core/src/session/zy.ts',
    "import type { AuthorizedTarget } from '../access/index.ts';\nexport const z = (value: unknown): AuthorizedTarget => value as AuthorizedTarget;",
  ],
  [
    '@typescript-eslint/no-floating-promises',
    'packages/core/src/session/zx.ts',
    'export function z(): void {\n  Promise.resolve(1);\n}',
  ],
  [
    'max-params',
    'packages/core/src/session/zw.ts',
    'export const z = (a: number, b: number, c: number, d: number): number => a + b + c + d;',
  ],
];
const lintOf = (rule, file, text) => [rule, `packages/gateway/src/http/${file}.ts`, text];
LINT.push(
  lintOf('no-restricted-syntax', 'zl', 'export const z = (): number => Math.random();'),
  lintOf('no-restricted-syntax', 'zk', 'export const z = { rejectUnauthorized: false };'),
  lintOf(
    'no-restricted-syntax',
    'zj',
    'export const z = (into: { innerHTML: string }, text: string): void => {\n  into.innerHTML = text;\n};',
  ),
  lintOf(
    'no-restricted-syntax',
    'zi',
    'declare const sql: { raw(text: string): string };\nexport const z = (name: string): string => sql.raw(`drop table ${name}`);',
  ),
  lintOf('no-console', 'zh', "console.log('here');"),
  lintOf('enchilada/reason-for-disabling', 'zg', "// eslint-disable-next-line no-console\nconsole.log('here');"),
  lintOf(
    '@typescript-eslint/switch-exhaustiveness-check',
    'zf',
    "export const z = (kind: 'a' | 'b'): void => {\n  switch (kind) {\n    case 'a':\n  }\n};",
  ),
);
/** Each in a compilation of its own: what leaks is seen everywhere in it. */
const LEAKS = [
  [
    'the browser leaked into core',
    'packages/core/tsconfig.json',
    'packages/core/src/time/zu.ts',
    '/// <reference lib="dom" />\nexport type Z = 1;',
    'packages/core/src/purity.canary.ts',
  ],
  [
    'Node leaked into contract',
    'packages/contract/tsconfig.json',
    'packages/contract/src/zu.ts',
    '/// <reference types="node" />\nexport type Z = 1;',
    'packages/contract/src/purity.canary.ts',
  ],
  [
    'an import past exports',
    'packages/contract/tsconfig.json',
    'packages/contract/src/zt.ts',
    "import { randomId } from '@enchilada/core/src/time/index.ts';\nexport const z = randomId;",
    'packages/contract/src/zt.ts',
  ],
  [
    'I/O in a codec',
    'tsconfig.pure.json',
    'packages/engines/src/zz/codec/zs.ts',
    "import net from 'node:net';\nexport const z = net;",
    'packages/engines/src/zz/codec/zs.ts',
  ],
];
const LOCALITY = [
  'packages/gateway/src/http/zx.ts',
  "export const z = (protocol: string): boolean => protocol === 'ssh';",
];

const write = (file, text) => {
  mkdirSync(dirname(join(copy, file)), { recursive: true });
  writeFileSync(join(copy, file), `${text}\n`);
};
const run = (...args) => {
  const { stdout, stderr, status } = spawnSync(process.execPath, args, {
    cwd: copy,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  });
  return { text: stdout + stderr, status };
};

let missed = 0;
const report = (caught, words) => {
  if (!caught) missed += 1;
  if (!caught) console.error(`not caught: ${words}`);
};

try {
  for (const name of [
    'packages',
    'tools',
    'types',
    'tsconfig.base.json',
    'tsconfig.json',
    'tsconfig.pure.json',
    '.dependency-cruiser.mjs',
    'eslint.config.mjs',
    'package.json',
  ]) {
    cpSync(join(ROOT, name), join(copy, name), {
      recursive: true,
      filter: (source) => !source.split(sep).some((part) => part === 'node_modules' || part === 'dist'),
    });
  }
  mkdirSync(join(copy, 'node_modules/@enchilada'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    if (name !== '@enchilada') symlinkSync(join(ROOT, 'node_modules', name), join(copy, 'node_modules', name));
  for (const name of readdirSync(join(copy, 'packages'))) {
    symlinkSync(join(copy, 'packages', name), join(copy, 'node_modules/@enchilada', name));
    try {
      symlinkSync(join(ROOT, 'packages', name, 'node_modules'), join(copy, 'packages', name, 'node_modules'));
    } catch {
      // Most packages have none of their own.
    }
  }

  for (const [, file, text] of LAYERS) write(file, text);
  const layers = run('tools/check-layers.mjs');
  for (const [rule, file] of LAYERS)
    report(layers.status !== 0 && layers.text.includes(`${rule}: ${file} -> `), `${rule} in ${file}`);
  for (const [, file] of LAYERS) rmSync(join(copy, file));
  rmSync(join(copy, 'packages/zz'), { recursive: true });
  rmSync(join(copy, 'packages/engines/src/zz'), { recursive: true });

  for (const [, file, text] of TYPES) write(file, text);
  const types = run('node_modules/typescript/bin/tsc', '-p', 'packages/core/tsconfig.json', '--noEmit');
  // The reference to Node's types makes Buffer resolve; the canary then reports that it does.
  report(types.text.includes('packages/core/src/purity.canary.ts'), 'Node types leaked into core');
  report(types.text.includes('packages/core/src/session/zz.ts'), 'a bare target opens an engine');
  rmSync(join(copy, 'packages/core/src/time/zv.ts'));
  report(
    run('node_modules/typescript/bin/tsc', '-p', 'packages/core/tsconfig.json', '--noEmit').text.includes(
      'packages/core/src/time/zw.ts',
    ),
    'Node in core',
  );
  for (const file of ['packages/core/src/time/zw.ts', 'packages/core/src/session/zz.ts']) rmSync(join(copy, file));

  for (const [words, project, file, text, seenIn] of LEAKS) {
    write(file, text);
    report(run('node_modules/typescript/bin/tsc', '-p', project, '--noEmit').text.includes(seenIn), words);
    rmSync(join(copy, file));
  }

  for (const [, file, text] of LINT) write(file, text);
  const lint = run('node_modules/eslint/bin/eslint.js', '--format', 'json', ...LINT.map(([, file]) => file));
  const found = JSON.parse(lint.text.slice(lint.text.indexOf('['), lint.text.lastIndexOf(']') + 1));
  for (const [rule, file] of LINT)
    report(
      found.some((entry) => entry.filePath.endsWith(file) && entry.messages.some((message) => message.ruleId === rule)),
      `${rule} in ${file}`,
    );
  for (const [, file] of LINT) rmSync(join(copy, file));

  write(...LOCALITY);
  const locality = run('tools/check-locality.mjs');
  report(locality.status !== 0 && locality.text.includes(LOCALITY[0]), 'the name of a protocol outside its folder');
} finally {
  rmSync(copy, { recursive: true, force: true });
}
const all = LAYERS.length + TYPES.length + LEAKS.length + LINT.length + 1;
console.log(`${all - missed} of ${all} breaks caught`);
process.exitCode = missed === 0 ? 0 : 1;
