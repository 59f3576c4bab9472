import tseslint from 'typescript-eslint';

const forge = {
  selector:
    ':matches(TSAsExpression, TSTypeAssertion) > TSTypeReference[typeName.name=/^(AuthorizedTarget|VerifiedIdentity)$/]',
  message: 'Only core/access and core/identity make this proof.',
};
const unverified = {
  selector:
    ':matches(Property[key.name="rejectUnauthorized"], AssignmentExpression[left.property.name="rejectUnauthorized"]) > Literal[value=false]',
  message: 'TLS is verified, or the weakening has a name and an option (T23).',
};
const markup = {
  selector:
    'MemberExpression[property.name=/^(innerHTML|outerHTML|insertAdjacentHTML)$/], JSXAttribute[name.name="dangerouslySetInnerHTML"]',
  message: 'Text is text (T05).',
};
const chance = {
  selector: 'MemberExpression[object.name="Math"][property.name="random"]',
  message: 'Chance comes from RandomSource (T56).',
};
const rawSql = {
  selector: 'CallExpression[callee.object.name="sql"][callee.property.name="raw"]',
  message: 'Values go to SQL as parameters; only the store writes SQL of its own (T54).',
};
const always = [unverified, markup, chance, rawSql];
/** An exception without its reason is a rule that nobody can bring back. */
const reasonForDisabling = {
  create: (context) => ({
    Program() {
      for (const comment of context.sourceCode.getAllComments())
        if (/^\s*eslint-disable/u.test(comment.value) && !/\s--\s+\S/u.test(comment.value))
          context.report({ loc: comment.loc, message: 'eslint-disable needs its reason: `-- because …`.' });
    },
  }),
};
const nodeTest = {
  from: 'package',
  package: 'node:test',
  name: ['test', 'describe', 'it', 'suite', 'before', 'after', 'beforeEach', 'afterEach'],
};
/** `(): void => call()` is how a listener is written here; and methods of an interface are destructured, none of which uses `this`. */
const noise = {
  '@typescript-eslint/no-confusing-void-expression': 'off',
  '@typescript-eslint/unbound-method': 'off',
  // `void | Promise<void>` is the type of a callback that may wait.
  '@typescript-eslint/no-invalid-void-type': 'off',
};
/** Strict rules that are wrong here more often than right; STYLE.md says why. */
const notHeld = {
  '@typescript-eslint/no-unnecessary-condition': 'off',
  '@typescript-eslint/no-unnecessary-type-conversion': 'off',
  '@typescript-eslint/no-misused-spread': 'off',
  '@typescript-eslint/no-generated-empty-object-type': 'off',
  '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
};
const sources = ['packages/*/src/**/*.{ts,tsx}', 'packages/core/testing/**/*.ts', 'e2e/**/*.ts'];
const testFiles = [
  '**/*.test.ts',
  '**/testing/**',
  '**/testing.ts',
  'e2e/**',
  '**/*-rig.ts',
  '**/*-child.ts',
  '**/dev/**',
];

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      '.node/**',
      '**/*.mjs',
      '**/*.cjs',
      'types/**',
      '**/*.gen.ts',
      '**/*.canary.ts',
      'packages/web/vite.config.ts',
      'packages/web/*.ts',
      'packages/web/dev/**',
      'packages/web/src/**/*.test.ts',
      'packages/contract/src/**/*.test.ts',
    ],
  },
  {
    files: sources,
    extends: [tseslint.configs.strictTypeChecked],
    plugins: { enchilada: { rules: { 'reason-for-disabling': reasonForDisabling } } },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'enchilada/reason-for-disabling': 'error',
      // `test` and `describe` answer promises that the runner awaits by itself.
      '@typescript-eslint/no-floating-promises': ['error', { allowForKnownSafeCalls: [nodeTest] }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        {
          argsIgnorePattern: '^_',
          varsIgnorePattern: '^_',
          destructuredArrayIgnorePattern: '^_',
          ignoreRestSiblings: true,
        },
      ],
      '@typescript-eslint/no-misused-promises': [
        'error',
        { checksVoidReturn: { attributes: false, arguments: false } },
      ],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/prefer-promise-reject-errors': 'error',
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true, allowNullish: true },
      ],
      // What a callback reads before it was set cannot be a constant.
      'prefer-const': ['error', { ignoreReadBeforeAssign: true }],
      ...noise,
      ...notHeld,
      'max-params': ['error', 3],
      'no-console': 'error',
      'no-eval': 'error',
      eqeqeq: 'error',
      'no-restricted-syntax': ['error', forge, ...always],
    },
  },
  {
    files: ['packages/core/src/access/**', 'packages/core/src/identity/**'],
    rules: { 'no-restricted-syntax': ['error', ...always] },
  },
  // node:test's describe and test answer promises that nobody awaits; tests make proofs and meet certificates of their own.
  {
    files: testFiles,
    rules: {
      '@typescript-eslint/await-thenable': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      '@typescript-eslint/use-unknown-in-catch-callback-variable': 'off',
      'no-restricted-syntax': ['error', markup],
      'max-params': 'off',
      'no-console': 'off',
      // A test that reads past an end fails there and then; `assert.fail` as a callback is its deprecated form only by its type.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-deprecated': 'off',
    },
  },
  {
    files: ['packages/adapters/src/store/**'],
    rules: { 'no-restricted-syntax': ['error', forge, unverified, markup, chance] },
  },
  { files: ['packages/cli/src/**'], rules: { 'no-console': 'off' } },
  {
    files: ['packages/web/src/**'],
    ignores: ['packages/web/src/components/layer.tsx'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          name: '@mantine/core',
          importNames: ['Drawer', 'Modal'],
          message: 'Take it from components/layer.tsx: there Escape closes the uppermost alone.',
        },
      ],
    },
  },
);
