import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { childrenOf } from '@enchilada/core/testing/children';
import { LoopbackCertificate } from '@enchilada/core/testing/loopback-certificate';
import { startRdpShadow } from '@enchilada/core/testing/servers/rdp-shadow';
import { startSshd, type Sshd } from '@enchilada/core/testing/servers/sshd';
import { startXvnc, type Xvnc } from '@enchilada/core/testing/servers/xvnc';
import { firstPicture } from '../product/index.ts';
import { Site } from './site.ts';

const SIZE = { width: 320, height: 240 };
const owned = new AsyncDisposableStack();
let site: Site;
let desktop: Xvnc;
let first: Sshd;
let second: Sshd;

before(async () => {
  site = owned.use(await Site.start());
  desktop = owned.use(await startXvnc({ geometry: `${SIZE.width}x${SIZE.height}` }));
  first = owned.use(await startSshd({ hostKeyTypes: ['ed25519'] }));
  second = owned.use(await startSshd({ hostKeyTypes: ['ed25519'] }));
});
after(() => owned.disposeAsync());

async function machineOn(change: Parameters<Site['machine']>[0]): Promise<string> {
  const { id: credentialId } = await site.admin.api.createCredential({
    body: { name: change.name ?? 'desktop', kind: 'password', username: '', secret: desktop.password },
  });
  return site.machine({ protocol: 'vnc', credentialId, ...change }, ['connect', 'watch']);
}

/** The connection itself is held by a child, which runs as the account that signed in. */
async function killWithChildren(pid: number): Promise<void> {
  for (const one of [pid, ...(await childrenOf(pid))]) process.kill(one, 'SIGKILL');
}

test('a desktop is reached through a chain of SSH servers, by each viewer and again after a break', async () => {
  const entry = await site.machineOn(first, { name: 'entry' });
  const inner = await site.machineOn(second, { name: 'inner', jumpTargetId: entry });
  const { host, port } = desktop;
  const id = await machineOn({ name: 'behind', host, port, jumpTargetId: inner });
  await using one = await site.admin.open(id);
  await firstPicture(one, SIZE);
  const facts = one.frames.find((frame) => frame.type === 'facts')?.facts;
  assert.equal(facts?.['via'], 'entry → inner');
  assert.equal(facts['security'], 'VeNCrypt X509Vnc');
  const connections = (await second.connectionPids()).length;
  const watching = await site.admin.join(one.sessionId, 'watch');
  await firstPicture(watching, SIZE);
  await watching.leave();
  await one.leave();
  await using again = await site.admin.join(one.sessionId, 'control');
  await firstPicture(again, SIZE);
  assert.equal((await second.connectionPids()).length, connections, 'all of them over the same SSH connection');
  for (const pid of await first.connectionPids()) await killWithChildren(pid);
  const end = await again.ended();
  assert.match(end.reason, /closed-by-target|TARGET_DISCONNECTED/u);
});

test('a machine of RDP is reached through an SSH server too', async () => {
  await using server = await startRdpShadow();
  const jumpTargetId = await site.machineOn(first, { name: 'way in' });
  const { id: credentialId } = await site.admin.api.createCredential({
    body: { name: 'windows', kind: 'password', username: server.username, secret: server.password },
  });
  const { host, port } = server;
  const id = await site.machine({ name: 'windows', protocol: 'rdp', credentialId, host, port, jumpTargetId });
  await using shell = await site.admin.open(id);
  await shell.live();
  await shell.until(() => shell.frames.some(({ type }) => type === 'facts'), 'what is known of the connection');
  assert.equal(shell.frames.find((frame) => frame.type === 'facts')?.facts['via'], 'way in');
});

test('a machine that passes nothing on is no jump host', async () => {
  const { host, port } = desktop;
  const jumpTargetId = await machineOn({ name: 'no way through', host, port });
  await assert.rejects(machineOn({ name: 'behind a desktop', host, port, jumpTargetId }), /passes connections on/u);
});

test('a certificate that was pinned beforehand opens a machine where unknown ones are refused, and another one does not', async () => {
  using own = new LoopbackCertificate();
  using other = new LoopbackCertificate();
  const certificate = { key: own.keyFile, certificate: own.certFile };
  await using machine = await startXvnc({ geometry: `${SIZE.width}x${SIZE.height}`, certificate });
  const { host, port } = machine;
  for (const [pinned, code] of [
    [undefined, 'HOST_KEY_UNKNOWN'],
    [other.cert, 'HOST_KEY_CHANGED'],
    [own.cert, undefined],
  ] as const) {
    const id = await machineOn({ name: code ?? 'pinned', host, port, hostKeyPolicy: 'deny' });
    if (pinned !== undefined) {
      const params = { id };
      const { keyType, fingerprint } = await site.admin.api.pinHostKey({ params, body: { publicKey: pinned } });
      assert.deepEqual([keyType, fingerprint === machine.fingerprint], ['x509', pinned === own.cert]);
    }
    const before = machine.signIns();
    const shell = await site.admin.open(id);
    if (code === undefined) await firstPicture(shell, SIZE);
    else {
      assert.equal((await shell.ended()).fault?.code, code);
      assert.equal(machine.signIns(), before);
    }
    await shell.leave();
  }
});

test('a machine that sleeps gets a magic packet before the gateway connects', async () => {
  const card = createSocket('udp4').bind(0, '127.0.0.1');
  await once(card, 'listening');
  try {
    const heard = once(card, 'message');
    const parameters = { wakeMac: '02:00:5e:10:fe:01', wakeAddress: '127.0.0.1', wakePort: card.address().port };
    const id = await machineOn({ name: 'asleep', host: desktop.host, port: desktop.port, parameters });
    await using shell = await site.admin.open(id);
    await firstPicture(shell, SIZE);
    const [packet] = (await heard) as [Buffer];
    assert.equal(packet.toString('hex'), `ffffffffffff${'02005e10fe01'.repeat(16)}`);
  } finally {
    card.close();
  }
});
