import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ParameterValues } from '@enchilada/core/engine';
import { isFault } from '@enchilada/core/fault';
import { childrenOf } from '@enchilada/core/testing/children';
import { startSshd, type Sshd } from '@enchilada/core/testing/servers/sshd';
import { openJourney, password, pinnedKeys, sshdTarget, until, type Journey, type OpenClient } from './testing.ts';

async function descendants(pid: number): Promise<readonly number[]> {
  const pids = await childrenOf(pid);
  return [...pids, ...(await Promise.all(pids.map(descendants))).flat()];
}

/** Every process of the connections that `server` holds. */
async function processesOf(server: Sshd): Promise<readonly number[]> {
  const all = (await server.connectionPids()).map(async (pid) => [pid, ...(await descendants(pid))]);
  return [...new Set((await Promise.all(all)).flat())];
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch (error) {
      // One of a connection's short-lived helpers, or one that went with its parent.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

describe('a session on OpenSSH', () => {
  let sshd: Sshd;
  before(async () => {
    sshd = await startSshd({ config: ['AcceptEnv LANG ENCHILADA_*'] });
  });
  after(() => sshd[Symbol.asyncDispose]());

  const open = (parameters: ParameterValues = {}, journey: Partial<Journey> = {}): Promise<OpenClient> => {
    const target = sshdTarget(sshd, { parameters });
    return openJourney({
      hops: [{ target, credential: password(sshd.username, sshd.password), pinned: pinnedKeys(target, sshd.hostKeys) }],
      ...journey,
    });
  };

  it('tells the target of its size, at once and when it changes', async () => {
    await using client = await open();
    client.session.input(Buffer.from('stty size\n'));
    await until(() => client.output().includes('24 80'));
    client.session.control({ type: 'resize', columns: 132, rows: 50 });
    client.session.input(Buffer.from('stty size\n'));
    await until(() => client.output().includes('50 132'));
  });

  it('sets the terminal type and the environment; a name that the target refuses is no failure', async () => {
    await using client = await open({
      terminalType: 'vt220',
      environment: ['ENCHILADA_A=one=1', 'REFUSED=x', 'ENCHILADA_B='],
    });
    client.session.input(Buffer.from('echo "<$TERM|$ENCHILADA_A|$REFUSED|${ENCHILADA_B-unset}>"\n'));
    await until(() => client.output().includes('<vt220|one=1||>'));
  });

  it('runs the initial command on a terminal and gives its exit status, its last word first', async () => {
    await using client = await open({ initialCommand: 'test -t 1 && echo on a terminal; echo to stderr >&2; exit 7' });
    assert.deepEqual(await client.session.ended, { reason: 'closed-by-target', exitCode: 7 });
    assert.equal(client.output(), 'on a terminal\r\nto stderr\r\n');
  });

  it('names the signal that ended the command', async () => {
    await using client = await open({ initialCommand: 'kill -KILL $$' });
    assert.deepEqual(await client.session.ended, { reason: 'closed-by-target', exitSignal: 'SIGKILL' });
  });

  it('gives facts that hold no secret', async () => {
    await using client = await open();
    assert.match(client.session.facts['server'] ?? '', /^OpenSSH_/u);
    assert.equal(client.session.facts['cipher'], 'aes128-gcm@openssh.com');
    assert.equal(client.session.facts['keyExchange'], 'curve25519-sha256');
    assert.ok(!JSON.stringify(client.session.facts).includes(sshd.password));
  });

  it('says that the target disconnected when its process dies in mid-session', async () => {
    await using server = await startSshd({ hostKeyTypes: ['ed25519'] });
    const target = sshdTarget(server);
    await using client = await openJourney({
      hops: [{ target, credential: password(server.username, server.password) }],
    });
    signal(await processesOf(server), 'SIGKILL');
    const end = await client.session.ended;
    assert.equal(end.reason, 'failed');
    assert.ok(isFault(end.fault, 'TARGET_DISCONNECTED'), end.fault?.message);
  });

  it('notices a target that falls silent without closing', async () => {
    await using server = await startSshd({ hostKeyTypes: ['ed25519'] });
    const target = sshdTarget(server);
    await using client = await openJourney({
      hops: [{ target, credential: password(server.username, server.password) }],
      limits: { keepaliveMs: 100 },
    });
    const pids = await processesOf(server);
    try {
      signal(pids, 'SIGSTOP');
      const end = await client.session.ended;
      assert.ok(isFault(end.fault, 'TARGET_KEEPALIVE_LOST'), end.fault?.message);
    } finally {
      signal(pids, 'SIGKILL');
    }
  });

  it('keeps an idle and a paused session alive as long as the target answers', async () => {
    // Longer than it may be silent, and a machine that is busy is not silent for so long.
    await using client = await open({}, { limits: { keepaliveMs: 20, keepaliveMisses: 50 } });
    client.session.input(Buffer.from('cat /dev/zero\n'));
    client.session.pause();
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    client.session.resume();
    client.session.input(Buffer.from('\u0003'));
    client.session.input(Buffer.from('echo still-$((1+1))\n'));
    await until(() => client.output().includes('still-2'));
  });

  it('says that the shell was refused', async () => {
    await using server = await startSshd({ config: ['PermitTTY no'], hostKeyTypes: ['ed25519'] });
    const target = sshdTarget(server);
    await assert.rejects(openJourney({ hops: [{ target, credential: password(server.username, server.password) }] }), {
      code: 'SHELL_REFUSED',
    });
  });

  it('takes 400 MB while nobody reads, in bounded memory, and holds the target', async () => {
    let received = 0;
    await using client = await open({}, { output: (bytes) => (received += bytes.length) });
    const FLOOD = 400_000_000;
    client.session.input(Buffer.from(`stty -echo -onlcr; head -c 20000000 /dev/zero; echo\n`));
    await until(() => received > 20_000_000);
    global.gc?.();
    const before = process.memoryUsage().rss;
    client.session.pause();
    const atPause = received;
    client.session.input(Buffer.from(`head -c ${FLOOD} /dev/zero; exit 0\n`));
    let peak = 0;
    for (let sample = 0; sample < 40; sample += 1) {
      await new Promise((resolve) => setTimeout(resolve, 25));
      peak = Math.max(peak, process.memoryUsage().rss - before);
    }
    assert.equal(received, atPause);
    assert.ok(peak < 16 * 1024 * 1024, `grew by ${peak} bytes`);
    client.session.resume();
    assert.equal((await client.session.ended).exitCode, 0);
    assert.ok(received - atPause >= FLOOD, `${received - atPause} bytes came`);
  });

  it('tells the sender of input to wait when the target takes none, and to go on afterwards', async () => {
    await using client = await open({ initialCommand: 'stty raw -echo; echo ready; sleep 1; head -c 6000000 | wc -c' });
    await until(() => client.output().includes('ready'));
    let resumed = 0;
    let wake = (): void => undefined;
    client.session.onInputDrained(() => {
      resumed += 1;
      wake();
    });
    const block = new Uint8Array(60_000).fill(97);
    let waits = 0;
    for (let sent = 0; sent < 100; sent += 1) {
      const drained = new Promise<void>((resolve) => (wake = resolve));
      if (client.session.input(block)) continue;
      waits += 1;
      await drained;
    }
    await client.session.ended;
    assert.match(client.output(), /6000000/u);
    assert.ok(waits > 0 && resumed >= waits);
  });

  it('goes through a chain of machines, each with its own host key and credential', async () => {
    await using jump = await startSshd({ hostKeyTypes: ['ed25519'] });
    await using middle = await startSshd({ hostKeyTypes: ['ecdsa'] });
    const targets = [sshdTarget(jump), sshdTarget(middle), sshdTarget(sshd)] as const;
    const servers = [jump, middle, sshd] as const;
    const asked: number[] = [];
    const hops = targets.map((target, index) => ({
      target,
      pinned: pinnedKeys(target, servers[index]!.hostKeys),
      credential: () => {
        asked.push(index);
        return password(servers[index]!.username, servers[index]!.password)();
      },
    }));
    {
      await using client = await openJourney({ hops: [hops[0]!, hops[1]!, hops[2]!] });
      client.session.input(Buffer.from('echo "from $SSH_CONNECTION"; exit 5\n'));
      assert.deepEqual(await client.session.ended, { reason: 'closed-by-target', exitCode: 5 });
      assert.match(client.output(), new RegExp(`from 127\\.0\\.0\\.1 \\d+ 127\\.0\\.0\\.1 ${sshd.port}`, 'u'));
      assert.deepEqual(asked, [0, 1, 2]);
      assert.equal(client.session.facts['via'], `${targets[0].name} → ${targets[1].name}`);
    }
    // The key of one hop is no key of another.
    const crossed = [hops[0]!, { ...hops[1]!, pinned: pinnedKeys(targets[1], jump.hostKeys) }] as const;
    const seen = middle.attempts().length;
    await assert.rejects(openJourney({ hops: crossed }), { code: 'HOST_KEY_CHANGED' });
    assert.equal(middle.attempts().length, seen);
    const nowhere = sshdTarget({ host: '127.0.0.1', port: 1 });
    await assert.rejects(openJourney({ hops: [hops[0]!, { target: nowhere, credential: hops[0]!.credential }] }), {
      code: 'TARGET_REFUSED',
    });
  });

  it('does not go through a machine that forbids it, nor to an address that is denied behind it', async () => {
    await using jump = await startSshd({ config: ['AllowTcpForwarding no'], hostKeyTypes: ['ed25519'] });
    const through = { target: sshdTarget(jump), credential: password(jump.username, jump.password) };
    const to = (host: string) => ({ target: sshdTarget({ host, port: sshd.port }), credential: through.credential });
    await assert.rejects(openJourney({ hops: [through, to('127.0.0.1')] }), { code: 'TARGET_NO_ROUTE' });
    const connections = jump.log().split('Connection from').length;
    for (const host of [
      '169.254.169.254',
      '0xa9fea9fe',
      '[fe80::1%eth0]',
      'metadata.google.internal.',
      '２５５.255.255.255',
      '64:ff9b::a9fe:a9fe',
    ]) {
      await assert.rejects(openJourney({ hops: [through, to(host)] }), { code: 'TARGET_EGRESS_DENIED' }, host);
    }
    assert.equal(jump.log().split('Connection from').length, connections);
  });
});
