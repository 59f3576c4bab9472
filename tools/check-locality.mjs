// Fails when the name of one protocol engine is written outside its own folder: adding a protocol must be one folder and one line of composition.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const HOMES = [
  'packages/engines/src',
  'packages/adapters/src/store',
  'packages/adapters/src/recording-store',
  'packages/adapters/src/identity-provider',
  'packages/adapters/src/discovery-source',
  'packages/adapters/src/secret-store',
  'packages/adapters/src/key-encryption',
];
/** Words of every day that also name a folder. */
const NOT_NAMES = new Set(['shared', 'filesystem', 'local', 'testing', 'file']);
/** Where surfaces are named. A protocol's folder may have a surface's name: there the word is the surface's. */
const SURFACE_TABLE = 'packages/core/src/engine/manifest.ts';
const SURFACE_HOMES = [
  SURFACE_TABLE,
  'packages/web/src/surfaces/',
  'packages/engines/src/guacd/guacd-manifest.ts',
  // Which decoder is loaded for a surface, live and played back.
  'packages/web/src/session/session-document.tsx',
  'packages/web/src/player/desktop-stages.ts',
];
const SURFACES = /SURFACES = \[([^\]]*)\]/u.exec(readFileSync(join(ROOT, SURFACE_TABLE), 'utf8'))[1].match(/[a-z]+/gu);
/** May name implementations: they choose them. */
const COMPOSITIONS = ['packages/gateway/src/composition.ts', 'packages/gateway/src/lambda.ts'];
/** Known exceptions, each with its reason; the list may only shrink. */
const BASELINE = JSON.parse(readFileSync(join(ROOT, 'tools/locality-baseline.json'), 'utf8'));

const folders = (home) => {
  try {
    return readdirSync(join(ROOT, home), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  } catch {
    return [];
  }
};
const names = HOMES.flatMap((home) =>
  folders(home)
    .filter(({ name }) => !NOT_NAMES.has(name))
    .map(({ name }) => ({ name, home: `${home}/${name}/` })),
);
const files = readdirSync(join(ROOT, 'packages'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.tsx?$/u.test(entry.name) && !/\.test\.tsx?$|-suite\.ts$/u.test(entry.name))
  .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
  .filter((file) => !/node_modules|\/dist\/|\/testing\/|\/dev\/|\.gen\.ts$/u.test(file));

// Comments may explain by example; code may not branch.
const isSurfaceHere = (name, file) => SURFACES.includes(name) && SURFACE_HOMES.some((home) => file.startsWith(home));
/** A platform serves several ports: `key-encryption/aws-kms` and `shared/aws` may say what `discovery-source/aws` is called. */
const isOfPlatform = (name, file) =>
  file.startsWith('packages/adapters/src/') &&
  file.split('/').some((part) => part === name || part.startsWith(`${name}-`));
const withoutComments = (text) => text.replaceAll(/\/\*[\s\S]*?\*\//gu, '').replaceAll(/(^|\s)\/\/.*$/gmu, '$1');
const strays = files
  .filter((file) => !COMPOSITIONS.includes(file))
  .flatMap((file) => {
    const text = withoutComments(readFileSync(join(ROOT, file), 'utf8'));
    const own = names.filter(
      ({ name, home }) =>
        !file.startsWith(home) &&
        !isSurfaceHere(name, file) &&
        !isOfPlatform(name, file) &&
        !file.startsWith(`${home.split('/').slice(0, -2).join('/')}/shared/`) &&
        new RegExp(`(?<![A-Za-z0-9])${name}(?![A-Za-z0-9])`, 'iu').test(text),
    );
    return own.map(({ name }) => `${file}: ${name}`);
  });
const known = new Set(BASELINE.map(({ stray }) => stray));
const fresh = strays.filter((stray) => !known.has(stray));
const gone = [...known].filter((stray) => !strays.includes(stray));
for (const stray of fresh) console.error(`names an implementation outside its folder: ${stray}`);
for (const stray of gone) console.error(`no longer strays, take it out of tools/locality-baseline.json: ${stray}`);
console.log(
  `${files.length} files, ${names.length} implementations, ${strays.length} strays, ${known.size} of them known`,
);
process.exitCode = files.length > 100 && names.length > 0 && fresh.length === 0 && gone.length === 0 ? 0 : 1;
