import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { Gateway } from '../fixtures/gateway.ts';
import { Person } from '../product/index.ts';
import { ADMIN } from './site.ts';

const NOBODY = 65_534;

test('a newcomer who starts the product as an ordinary account gets a real shell that cannot reach the gateway’s files', async () => {
  await using gateway = await Gateway.start(process.getuid?.() === 0 ? { account: NOBODY } : {});
  const owner = execFileSync('stat', ['-c', '%u', `/proc/${gateway.pid}`], { encoding: 'utf8' }).trim();
  assert.notEqual(owner, '0');
  const admin = await Person.bootstrap(gateway, ADMIN);
  const { targetId } = await admin.api.createTryIt();
  await using shell = await admin.open(targetId);
  await shell.live();
  await shell.see('guest@try-it');
  const key = join(gateway.dataDir, 'keys', 'key-encryption.key');
  assert.notEqual(await readFile(key, 'utf8'), '');
  shell.type(`cat ${key}; ls ${gateway.dataDir}; echo read-$((1+1))\r`);
  await shell.see('read-2');
  assert.match(shell.text, /No such file[^]*No such file/u);
  shell.type('stty size; jobs; sleep 100 &\rjobs\r');
  await shell.see('Running');
  assert.doesNotMatch(shell.text, /cannot set terminal|no job control/u);
  shell.type('exit\r');
  await shell.ended();
});
