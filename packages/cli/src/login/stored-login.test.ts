import assert from 'node:assert/strict';
import { chmod, readdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@enchilada/core/testing/temporary-folder';
import { forgetLogin, loginFile, readLogin, writeLogin } from './stored-login.ts';

const login = { url: 'https://bastion.example.org', username: 'anna', cookie: '__Host-enchilada=x' };
const newEnv = () => ({ XDG_CONFIG_HOME: join(temporaryFolder('login'), 'config') });

test('a login is kept in a file that only its owner may read, in a folder only they may open', async () => {
  const env = newEnv();
  await writeLogin(env, login);
  assert.equal((await stat(loginFile(env))).mode & 0o777, 0o600);
  assert.equal((await stat(dirname(loginFile(env)))).mode & 0o777, 0o700);
  assert.deepEqual(await readLogin(env), login);
  await writeLogin(env, { ...login, cookie: '__Host-enchilada=y' });
  assert.deepEqual(await readdir(dirname(loginFile(env))), ['login.json']);
  await forgetLogin(env);
  assert.equal(await readLogin(env), undefined);
});

test('a login file that others may read is refused, and so is one that holds something else', async () => {
  const env = newEnv();
  await writeLogin(env, login);
  await chmod(loginFile(env), 0o644);
  await assert.rejects(readLogin(env), /mode 644, so that others may read it; set 600/u);
  await chmod(loginFile(env), 0o600);
  await writeFile(loginFile(env), '{"url":1}');
  await assert.rejects(readLogin(env), /holds no login/u);
});

test('XDG_CONFIG_HOME counts only when it is absolute, as its specification says', () => {
  assert.equal(
    loginFile({ XDG_CONFIG_HOME: 'relative', HOME: '/home/anna' }),
    '/home/anna/.config/enchilada/login.json',
  );
});
