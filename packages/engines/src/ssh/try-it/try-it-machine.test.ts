import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, readdir } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { temporaryFolder } from '@enchilada/core/testing/temporary-folder';
import { checkedOpen, until } from '../testing.ts';
import { createTryItMachine } from './index.ts';

const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };

describe('the machine inside the gateway', () => {
  it('gives a greeting and a shell that is not root, in a home of its own', async () => {
    await using machine = createTryItMachine({ random });
    await using client = await checkedOpen({ machine });
    client.session.input(
      Buffer.from('echo uid=$(id -u) groups=$(id -G) home=$HOME; env | grep -c -i "enchilada_[a-l]"\n'),
    );
    await until(() => /uid=\d+ groups=[\d ]+ home=\S+\r\n0\r/u.test(client.output()));
    assert.match(client.output(), /Welcome/u);
    assert.doesNotMatch(client.output(), /uid=0 /u);
    assert.doesNotMatch(client.output(), /groups=(?:\d+ )*0 /u);
    client.session.control({ type: 'resize', columns: 101, rows: 33 });
    client.session.input(Buffer.from('stty size; exit 4\n'));
    assert.deepEqual(await client.session.ended, { reason: 'closed-by-target', exitCode: 4 });
    assert.match(client.output(), /33 101/u);
  });

  it('leaves no process and no file behind when it is disposed, not even one that left its terminal', async () => {
    const folder = temporaryFolder('try-it');
    await chmod(folder, 0o755);
    const usual = process.env['TMPDIR'];
    process.env['TMPDIR'] = folder;
    const machine = createTryItMachine({ random });
    await using client = await checkedOpen({ machine });
    client.session.input(Buffer.from('setsid sleep 987654 & echo started-$((6*7))\n'));
    await until(() => client.output().includes('started-42'));
    assert.equal((await readdir(folder)).length, 1);
    await machine[Symbol.asyncDispose]();
    assert.deepEqual(await readdir(folder), []);
    if (usual === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = usual;
    await client.session.ended;
    assert.throws(() => execFileSync('pgrep', ['-f', 'sleep 98765[4]$']));
    assert.throws(() => machine.connect());
  });

  it('refuses a wrong password and the shell beyond its limit', async () => {
    await using machine = createTryItMachine({ random, maxShells: 1 });
    await assert.rejects(checkedOpen({ machine, password: 'guess' }), { code: 'CREDENTIAL_REFUSED' });
    await using first = await checkedOpen({ machine });
    await assert.rejects(checkedOpen({ machine }), { code: 'SHELL_REFUSED' });
    first.session.input(Buffer.from('exit\n'));
    await first.session.ended;
    await using _again = await checkedOpen({ machine });
  });
});
