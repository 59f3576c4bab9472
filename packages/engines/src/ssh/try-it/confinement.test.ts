import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../testing.ts';
import { meansHere } from './confinement.ts';
import type { ShellHost } from './shell-host.ts';
import { prepareShells } from './unprivileged-shell.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;

/** What a shell says to one command. */
async function ask(host: ShellHost, command: string): Promise<{ readonly said: string; readonly exitCode: number }> {
  const shell = host.openShell({ terminalType: 'xterm', columns: 80, rows: 24, command });
  let said = '';
  shell.onData((bytes) => (said += Buffer.from(bytes).toString()));
  const exitCode = await new Promise<number>((resolve) => shell.onExit((exit) => resolve(exit.exitCode)));
  return { said, exitCode };
}

/** The same as an ordinary account, as a developer starts the product. */
async function asOrdinaryAccount(body: string): Promise<string> {
  const code = `import { prepareShells } from '${import.meta.resolve('./unprivileged-shell.ts')}';
    await using host = await prepareShells('mark-of-a-test');
    const ask = (command) => new Promise((resolve) => {
      const shell = host.openShell({ terminalType: 'xterm', columns: 80, rows: 24, command });
      let said = ''; shell.onData((bytes) => (said += Buffer.from(bytes).toString()));
      shell.onExit(({ exitCode }) => resolve({ said, exitCode }));
    });
    ${body}`;
  const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', code], {
    ...(isRoot ? { uid: NOBODY, gid: NOBODY } : {}),
    env: { PATH: process.env['PATH'], SECRET_OF_THE_GATEWAY: 'seen' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
  await once(child, 'close');
  return output;
}

test('a gateway of an ordinary account locks the shell out of its own files, the network and other processes', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-keys-'));
  await chmod(folder, 0o755);
  const key = join(folder, 'key');
  await writeFile(key, 'KEY', { mode: 0o644 });
  if (isRoot) await chown(key, NOBODY, NOBODY);
  const answers = JSON.parse(
    await asOrdinaryAccount(`
      const answers = { confinement: host.confinement };
      for (const [name, command] of Object.entries({
        key: 'cat ${key} 2>&1; ls ${tmpdir()} | wc -l',
        home: 'ls -a /home /root /work /var /run /sys /mnt /srv 2>/dev/null | tr "\\\\n" " "',
        environment: 'env | grep -c SECRET_OF_THE_GATEWAY; tr "\\\\0" "\\\\n" < /proc/1/environ | grep -c SECRET_OF_THE_GATEWAY',
        processes: 'ls -d /proc/[0-9]* | wc -l',
        signal: 'kill -9 1 ${process.pid} 2>&1; echo alive',
        network: 'grep -c : /proc/net/dev; (exec 3<>/dev/tcp/127.0.0.1/22) 2>/dev/null || echo nowhere',
        mounts: 'mount -t tmpfs t /tmp 2>&1 | grep -c -i -E "denied|must be|permission"; unshare -Ur true 2>/dev/null || echo none',
        system: 'touch /usr/bin/x /bin/x 2>/dev/null || echo read-only',
        works: 'cd && echo kept > f && cat f && awk "BEGIN{print 6*7}" && sleep 0.01 | cat && exit 3',
      })) answers[name] = await ask(command);
      console.log(JSON.stringify(answers));`),
  ) as Record<string, { said: string; exitCode: number }> & { confinement: string };
  assert.equal(answers.confinement, 'namespaces');
  const said = (name: string): string => answers[name]?.said.replaceAll('\r\n', '\n').trim() ?? '';
  assert.match(said('key'), /No such file[^]*\n0$/u);
  assert.doesNotMatch(said('home'), /enchilada|main|\bh\b|log|systemd/u);
  assert.equal(said('environment'), '0\n0');
  assert.ok(Number(said('processes')) < 10, said('processes'));
  assert.match(said('signal'), /alive$/u);
  assert.equal(said('network'), '1\nnowhere');
  assert.equal(said('mounts'), '1\nnone');
  assert.equal(said('system'), 'read-only');
  assert.equal(said('works'), 'kept\n42');
  assert.equal(answers['works']?.exitCode, 3);
  await rm(folder, { recursive: true });
});

test('what a locked-in shell left running ends with the machine, and with its terminal', async () => {
  const pids = (): string =>
    execFileSync('sh', ['-c', 'pgrep -f "sleep 98765[4]3" || true'], { encoding: 'utf8' }).trim();
  const host = await prepareShells('mark-of-leaving');
  const shell = host.openShell({ terminalType: 'xterm', columns: 80, rows: 24 });
  shell.onData(() => undefined);
  shell.write(Buffer.from('setsid sleep 9876543 & trap "" HUP; sleep 9876543\n'));
  await until(() => pids().split('\n').length >= 2);
  if (host.confinement !== 'account') {
    // Namespaces end as a whole with their first process.
    shell.hangUp();
    await until(() => pids() === '');
  }
  await host[Symbol.asyncDispose]();
  assert.equal(pids(), '');
});

test('root drops to another account with namespaces or without, and never runs a shell of its own', async () => {
  const means = await meansHere();
  if (!isRoot) {
    // Root alone has an account to drop to; anybody else has namespaces or nothing.
    await using host = await prepareShells('mark', { ...means, unshare: undefined });
    assert.equal(host.isImitation, true);
    return;
  }
  {
    await using host = await prepareShells('mark-both', means);
    assert.equal(host.confinement, 'account and namespaces');
    assert.match((await ask(host, 'id -u')).said, /^65534\r\n$/u);
  }
  {
    await using host = await prepareShells('mark-account', { ...means, unshare: undefined });
    assert.equal(host.confinement, 'account');
    assert.match((await ask(host, 'id -u; id -G')).said, /^65534\r\n65534\r\n$/u);
  }
  for (const missing of [{ setpriv: undefined }, { nobody: undefined }]) {
    await using host = await prepareShells('mark-none', { ...means, ...missing });
    assert.equal(host.isImitation, true);
  }
});

test('means that are there and do not hold are not trusted', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'enchilada-false-'));
  await chmod(folder, 0o755);
  // As under a policy that lets namespaces be made and takes every right in them away: the command runs, and nothing is locked.
  const unshare = join(folder, 'unshare');
  await writeFile(
    unshare,
    '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift; while [ "$1" != /bin/sh ] || [ "$2" != -ec ]; do shift; done; exec "$@"\n',
    {
      mode: 0o755,
    },
  );
  await using host = await prepareShells('mark', { ...(await meansHere()), unshare });
  assert.equal(host.confinement, isRoot ? 'account' : 'imitation');
  assert.ok(existsSync(unshare));
  await rm(folder, { recursive: true });
});

test('a window that is resized while its shell ends ends with it, and nothing else does', async () => {
  await using host = await prepareShells('mark-of-a-resize');
  const shell = host.openShell({ terminalType: 'xterm', columns: 80, rows: 24, command: 'true' });
  let isOver = false;
  shell.onExit(() => (isOver = true));
  for (let turn = 0; !isOver; turn++) {
    shell.resize(80 + (turn % 40), 24);
    await new Promise((resolve) => setImmediate(resolve));
  }
  shell.resize(80, 24);
});
