import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import type { RouteId } from '@enchilada/contract';

interface Mutation {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** The routes that must be seen to answer wrongly. */
  readonly routes: readonly RouteId[];
}

/** One check taken away at a time: what the matrix does not notice, it does not prove. */
const MUTATIONS: readonly Mutation[] = [
  {
    name: 'the guard asks for no permission',
    file: 'gateway/src/http/app.ts',
    from: 'if (wanted.some((permission) => held.has(permission))) return;',
    to: 'return;',
    routes: ['listAudit'],
  },
  {
    name: 'the guard asks for no login',
    file: 'gateway/src/http/app.ts',
    from: 'if (IS_OPEN.has(access)) return;',
    to: 'return;',
    routes: ['getMe'],
  },
  {
    name: 'a route needs less than the table says',
    file: 'contract/src/routes/machine.ts',
    from: `path: '/credentials',
    access: 'credential.read',`,
    to: `path: '/credentials',
    access: 'signed-in',`,
    routes: ['listCredentials'],
  },
  {
    name: 'a recording is everybody’s',
    file: 'gateway/src/api/recording-handlers.ts',
    from: "reach(context) === 'all' || mine ? row",
    to: 'row !== undefined ? row',
    routes: ['streamRecording'],
  },
  {
    name: 'a session is everybody’s',
    file: 'gateway/src/api/session-handlers.ts',
    from: "return record.userId === context.identity.user.id || context.permissions.has('session.manage');",
    to: 'return true;',
    routes: ['endSession'],
  },
  {
    name: 'control of a session is everybody’s',
    file: 'core/src/session/rights-check.ts',
    from: 'return isOwn && openingActions',
    to: 'return openingActions',
    routes: [],
  },
  {
    name: 'a machine needs no grant',
    file: 'core/src/access/policy.ts',
    from: 'apply(rules.everywhere);',
    to: "allowed.add('connect');",
    routes: ['getMachine'],
  },
  {
    name: 'leave to open is not asked for',
    file: 'core/src/session/session-access.ts',
    from: 'if (!openingActions(viewOnly).some((action) => leave.actions.has(action))) {',
    to: 'if (false) {',
    routes: [],
  },
  {
    name: 'leave to look is leave to act',
    file: 'core/src/session/session-access.ts',
    from: 'return { leave, viewOnly };',
    to: 'return { leave, viewOnly: false };',
    routes: [],
  },
  {
    name: 'who may not open a machine may look at it',
    file: 'core/src/access/grant.ts',
    from: "return actions.includes('connect') ? [...actions, 'view-only'] : actions;",
    to: 'return actions;',
    routes: [],
  },
  {
    name: 'a grant alone lets sessions go unrecorded',
    file: 'core/src/session/session-requests.ts',
    from: 'const recordExempt = this.#parts.recording.allowExempt && isRecordExempt(leave);',
    to: 'const recordExempt = isRecordExempt(leave);',
    routes: [],
  },
  {
    name: 'anybody shares their sessions',
    file: 'core/src/session/session-access.ts',
    from: "return judgement.holds && judgement.actions.has('share');",
    to: 'return judgement.holds;',
    routes: ['createInvitation'],
  },
  {
    name: 'an invitation is for everybody',
    file: 'core/src/session/rights-check.ts',
    from: 'if (!invitations.some(({ guestId }) => guestId === user.id)) return undefined;',
    to: '',
    routes: [],
  },
  {
    name: 'everybody looks for people by name',
    file: 'contract/src/routes/identity.ts',
    from: `path: '/subjects',
    access: 'access.read',`,
    to: `path: '/subjects',
    access: 'signed-in',`,
    routes: ['findSubjects'],
  },
  {
    name: 'somebody else’s login can be ended',
    file: 'gateway/src/api/identity-handlers.ts',
    from: 'const own = await store.now.logins.listOf(context.identity.user.id);',
    to: 'const own = (await Promise.all((await store.now.users.list()).map((u) => store.now.logins.listOf(u.id)))).flat();',
    routes: ['endLogin'],
  },
  {
    name: 'anybody lists everybody’s sessions',
    file: 'gateway/src/api/session-handlers.ts',
    from: "if (scope === 'all' && !context.permissions.has('session.manage'))",
    to: 'if (false)',
    routes: [],
  },
  {
    name: 'a person lists everybody’s recordings',
    file: 'gateway/src/api/recording-handlers.ts',
    from: "...(allowed === 'own' ? { userId: context.identity.user.id } : {}),",
    to: '',
    routes: [],
  },
];

/** Runs the matrix with the mutation in place. */
function survives({ routes, ...mutation }: Mutation): Promise<{ readonly passed: boolean; readonly output: string }> {
  const hook = join(import.meta.dirname, '..', 'testing', 'mutate.mjs');
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env;
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--conditions=source', '--import', hook, join(import.meta.dirname, 'authorisation-matrix.test.ts')],
      {
        env: { ...environment, MUTATION: JSON.stringify(mutation), MATRIX_ONLY: routes.join(',') },
        maxBuffer: 16 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        resolve({ passed: error === null, output: `${error?.message ?? ''}${stdout}${stderr}` });
      },
    );
  });
}

for (const mutation of MUTATIONS) {
  test(`the matrix notices that ${mutation.name}`, async () => {
    const { passed, output } = await survives(mutation);
    assert.equal(passed, false, output.slice(-2_000));
    assert.match(output, /ERR_ASSERTION/u, output.slice(-2_000));
  });
}

test('the matrix passes where nothing is taken away', async () => {
  const { passed, output } = await survives({
    name: '',
    file: 'gateway/src/http/app.ts',
    from: 'if (IS_OPEN.has(access)) return;',
    to: 'if (IS_OPEN.has(access)) return;',
    routes: ['listAudit', 'getMe', 'listCredentials', 'issueTickets', 'endLogin'],
  });
  assert.equal(passed, true, output.slice(-2_000));
});
