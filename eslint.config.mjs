import tseslint from 'typescript-eslint';

const forge = {
  selector: 'TSAsExpression > TSTypeReference[typeName.name=/^(AuthorizedTarget|VerifiedIdentity)$/]',
  message: 'Only core/access and core/identity make this proof.',
};
const unverified = {
  selector: 'Property[key.name="rejectUnauthorized"] > Literal[value=false]',
  message: 'TLS is verified, or the weakening has a name and an option (T23).',
};
const markup = {
  selector:
    'MemberExpression[property.name=/^(innerHTML|outerHTML)$/], JSXAttribute[name.name="dangerouslySetInnerHTML"]',
  message: 'Text is text (T05).',
};
const chance = {
  selector: 'MemberExpression[object.name="Math"][property.name="random"]',
  message: 'Chance comes from RandomSource (T56).',
};
const always = [unverified, markup, chance];
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
    files: ['packages/*/src/**/*.{ts,tsx}', 'packages/core/testing/**/*.ts', 'e2e/**/*.ts'],
    plugins: { '@typescript-eslint': tseslint.plugin },
    languageOptions: {
      parser: tseslint.parser,
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    linterOptions: { reportUnusedDisableDirectives: 'off' },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': [
        'error',
        { checksVoidReturn: { attributes: false, arguments: false } },
      ],
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/prefer-promise-reject-errors': 'error',
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
      '@typescript-eslint/no-floating-promises': 'off',
      '@typescript-eslint/await-thenable': 'off',
      'no-restricted-syntax': ['error', markup],
      'max-params': 'off',
      'no-console': 'off',
    },
  },
  { files: ['packages/cli/src/**'], rules: { 'no-console': 'off' } },
);
