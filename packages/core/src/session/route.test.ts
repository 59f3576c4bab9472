import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aCredential, aLogin, aTarget, aUser } from '@enchilada/core/testing/store-fixture';
import { authorizeTarget } from '../access/index.ts';
import { Secret } from '../credential/index.ts';
import type { CredentialKind } from '../credential/index.ts';
import type { Prompt } from '../engine/index.ts';
import { identifyLogin } from '../identity/index.ts';
import type { LoginMethod } from '../identity/index.ts';
import { routeTo } from './route.ts';
import type { RouteParts } from './route.ts';

/** Opens a machine whose credential is of the kind, by somebody who signed in like that; answers what they were asked. */
async function asked(kind: CredentialKind, method: LoginMethod, password?: string): Promise<readonly Prompt[]> {
  const user = aUser();
  const login = aLogin(user.id, { method });
  const identity = identifyLogin({ user, login, groupIds: [] }, { idleMs: Infinity, absoluteMs: Infinity }, 0);
  assert.ok(identity);
  const credential = aCredential({ kind, username: 'ops' });
  const target = aTarget({ name: 'payments-01', credentialId: credential.id });
  const grant = {
    ...{ id: 'grt_1', subject: { kind: 'user' as const, id: user.id }, scope: { kind: 'all' as const } },
    ...{ actions: ['connect' as const], createdAt: 0, createdBy: user.id },
  };
  const circumstances = { now: 0, address: '192.0.2.7', proofs: [] };
  const leave = authorizeTarget(identity, target, { grants: [grant], groups: new Map(), circumstances });
  const prompts: Prompt[] = [];
  const now = {
    credentials: { find: () => Promise.resolve(credential) },
    hostKeys: { listOf: () => Promise.resolve([]) },
    providers: { findLogin: () => Promise.resolve(undefined) },
  };
  const [hop] = await routeTo(leave, {
    store: { now },
    issuers: new Map(),
    builtIns: new Map(),
    questions: {
      prompt: (prompt: Prompt) => {
        prompts.push(prompt);
        return Promise.resolve(['typed']);
      },
    },
    loginPassword: () => Promise.resolve(password === undefined ? undefined : new Secret(password)),
  } as unknown as RouteParts);
  const used = await hop.credential();
  assert.equal(used.kind === 'password' && used.password.reveal(), password ?? 'typed');
  return prompts;
}

test('who signed in without a password is asked for the machine’s and told why, by the way they signed in', async () => {
  for (const method of ['sso', 'passkey', 'device'] as const) {
    const [prompt, ...more] = await asked('login-password', method);
    assert.deepEqual(more, []);
    assert.equal(prompt?.noLoginPassword, method);
    assert.deepEqual([prompt.origin, prompt.title], ['product', 'payments-01']);
    assert.deepEqual(
      prompt.fields.map(({ text }) => text),
      ['password'],
    );
  }
});

test('who signed in with a password is asked nothing, and a machine that is to ask has no such reason', async () => {
  assert.deepEqual(await asked('login-password', 'directory', 'of the directory'), []);
  const [prompt] = await asked('ask', 'sso');
  assert.ok(prompt);
  assert.equal('noLoginPassword' in prompt, false);
});
