import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '@enchilada/core/testing/temporary-folder';
import { runLine } from '../testing/run-line.ts';

async function check(yaml: string) {
  const file = join(temporaryFolder('config'), 'enchilada.yaml');
  await writeFile(file, yaml);
  return runLine(['config', 'check', file]);
}

test('a good file is good', async () => {
  const { exitCode, stdout } = await check(
    'publicUrl: https://bastion.example.org\nlisten: ["::"]\ntls: { cert: /a, key: /b }\nsessions: { idle: 2h, perUser: 3 }\nrecording: { mode: strict }\n',
  );
  assert.equal(exitCode, 0);
  assert.match(stdout, /good, 7 keys set/u);
});

test('all problems are named at once, unknown keys with the nearest known one', async () => {
  const { exitCode, stdout } = await check(
    'prot: 1\nsesions: { idle: 1h }\nsessions: { idel: 1h, grace: soon }\nport: 70000\nlisten: localhost\nrecording: { mode: lax }\ntls: yes\n',
  );
  assert.equal(exitCode, 5);
  for (const part of [
    /prot is not known; did you mean port\?/u,
    /sesions is not known; did you mean sessions\?/u,
    /sessions\.idel is not known; did you mean sessions\.idle\?/u,
    /sessions\.grace must match .*like 5m, received "soon"/u,
    /port must be a whole number from 0 to 65535, received 70000/u,
    /listen must be a list/u,
    /recording\.mode must be one of strict, off, received "lax"/u,
    /tls must hold keys/u,
  ]) {
    assert.match(stdout, part);
  }
});

test('a URL that may hold a password is never printed', async () => {
  const { stdout } = await check('database: { url: [ "db://u:canary@h/d" ] }\n');
  assert.match(stdout, /database\.url must be text, received a value that is not shown/u);
  assert.doesNotMatch(stdout, /canary/u);
});

test('what is not YAML is said to be so, and a file that was named must be there', async () => {
  assert.match((await check('a: [\n')).stdout, /is not valid YAML/u);
  assert.match((await check('port: 1\nport: 2\n')).stdout, /is not valid YAML/u);
  assert.match((await check('a: &a 1\nb: *a\n')).stdout, /aliases .* are not read/u);
  const { exitCode, stderr } = await runLine(['config', 'check', '/nonexistent/enchilada.yaml']);
  assert.deepEqual([exitCode, /there is no file/u.test(stderr)], [1, true]);
});
