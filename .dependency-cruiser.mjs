import { LAYERS } from './tools/layers.mjs';

const TEST = '[.](test|contract[.]test|fuzz)[.]tsx?$|/testing/|/testing[.]ts$|/dev/|-(rig|child)[.]ts$';
const layers = Object.entries(LAYERS).map(([from, to]) => ({
  name: `${from}-layer`,
  severity: 'error',
  comment: `packages/${from} may import only: ${[from, ...to].join(', ')}`,
  from: { path: `^packages/${from}/`, pathNot: TEST },
  to: { path: '^packages/', pathNot: [from, ...to].map((name) => `^packages/${name}/`) },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...layers,
    {
      name: 'unlisted-package',
      severity: 'error',
      comment: 'a package that is in no row of tools/layers.mjs may import nothing',
      from: { path: '^packages/', pathNot: Object.keys(LAYERS).map((name) => `^packages/${name}/`) },
      to: { path: '^packages/' },
    },
    {
      name: 'engine-siblings',
      severity: 'error',
      comment: 'one engine folder never imports another',
      from: { path: '^packages/engines/src/([^/]+)/', pathNot: TEST },
      to: {
        path: '^packages/engines/src/([^/]+)/',
        pathNot: ['^packages/engines/src/$1/', '^packages/engines/src/shared/'],
      },
    },
    {
      name: 'adapter-siblings',
      severity: 'error',
      comment: 'one adapter folder never imports another',
      from: { path: '^packages/adapters/src/([^/]+)/([^/]+)/', pathNot: TEST },
      to: {
        path: '^packages/adapters/src/[^/]+/[^/]+/',
        pathNot: [
          '^packages/adapters/src/$1/$2/',
          '^packages/adapters/src/$1/shared/',
          '^packages/adapters/src/shared/',
        ],
      },
    },
    {
      name: 'only-the-composition-root-names-implementations',
      severity: 'error',
      from: { path: '^packages/gateway/src/', pathNot: `^packages/gateway/src/(?:composition|lambda)[.]ts$|${TEST}` },
      to: { path: '^packages/(engines|adapters)/' },
    },
    {
      name: 'core-has-no-dependencies',
      severity: 'error',
      from: { path: '^packages/core/src/', pathNot: TEST },
      to: { dependencyTypes: ['core', 'npm', 'npm-dev'] },
    },
    {
      name: 'ssh2-in-one-folder',
      severity: 'error',
      comment:
        'the folder that sets the host key verifier, the algorithms and the keepalive is the only one that may use the library (T22)',
      from: { path: '^packages/', pathNot: '^packages/engines/src/ssh/|[.]test[.]ts$|^packages/core/testing/' },
      to: { path: 'node_modules/ssh2/' },
    },
    {
      name: 'no-cycles-between-packages',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { circular: true, pathNot: '^packages/$1/' },
    },
    {
      name: 'undeclared-dependency',
      severity: 'error',
      comment: 'what a package imports stands in its own package.json, or in that of the root',
      from: { path: '^packages/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown'] },
    },
    {
      name: 'no-cycles-at-run-time',
      severity: 'error',
      comment: 'types may name each other; a module that runs before what it needs is a fault in waiting',
      from: { path: '^packages/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only', 'dynamic-import'] } },
    },
    { name: 'not-resolvable', severity: 'error', from: { path: '^(packages|e2e)/' }, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['^packages/[^/]+/dist/', '^packages/core/testing/dist/', '^e2e/dist/', '[.]css$'] },
    combinedDependencies: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'types', 'import', 'node', 'default'],
    },
  },
};
