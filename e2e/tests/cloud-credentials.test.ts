import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, publicEncrypt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CloudMachines } from './cloud-machines.ts';
import { ADMIN, Site } from './site.ts';

const owned = new AsyncDisposableStack();
let machines: CloudMachines;
let site: Site;

before(async () => {
  machines = owned.use(await CloudMachines.start());
  site = owned.use(await Site.start({ environment: machines.environment }));
});
after(() => owned.disposeAsync());

test('a machine is opened with a key made for one session, and by the password of its key pair, and nothing of either is stored', async () => {
  const { api } = site.admin;
  const { sshd, desktop, privateKey, admitted } = machines;
  const { sessionKey, launch } = await machines.credentials(site);
  assert.equal((await api.getCredential({ params: { id: sessionKey } })).hasSecret, false);
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' });
  await assert.rejects(
    api.createCredential({
      body: { name: 'no RSA', kind: 'launch-password', username: 'x', privateKey: ec.toString() },
    }),
    /must be an RSA key, received ec/u,
  );
  await machines.connect(site, [
    { name: 'linux', match: { platform: 'linux' }, credentialId: sessionKey, port: sshd.port },
    { name: 'windows', match: { platform: 'windows' }, credentialId: launch, port: desktop.port },
  ]);

  const linux = await machines.entry(site, 'linux-1');
  for (const mark of ['once', 'twice']) {
    const shell = await site.admin.open(linux);
    await shell.live();
    shell.type(`echo opened-${mark} $(id -un)\n`);
    await shell.see(`opened-${mark} ${sshd.username}`);
    shell.type('exit\n');
    await shell.ended();
  }
  const [first, second] = admitted;
  assert.ok(first !== undefined && second !== undefined);
  const [source] = (await api.listSources()).items;
  assert.deepEqual(
    [first.instance, first.username, first.session],
    [machines.linux, sshd.username, `enchilada-${ADMIN.username}@${source?.id ?? ''}`],
  );
  assert.notEqual(first.publicKey, second.publicKey, 'each session has a key of its own');

  const windows = await machines.entry(site, 'windows-1');
  const screen = await site.admin.open(windows);
  await screen.live();
  await screen.leave();

  const database = await readFile(join(site.gateway.dataDir, 'enchilada.db'), 'latin1');
  const journal = await readFile(join(site.gateway.dataDir, 'enchilada.db-wal'), 'latin1').catch(() => '');
  for (const secret of [desktop.password, privateKey.split('\n')[1] ?? '', first.publicKey.split(' ')[1] ?? ''])
    assert.equal((database + journal).includes(secret), false);
});

test('what stands in the way is said in words: not allowed, throttled, not running, no password, another key', async () => {
  const { api } = site.admin;
  const { cloud, account, region } = machines;
  const [linux, windows] = [await machines.entry(site, 'linux-1'), await machines.entry(site, 'windows-1')];
  const endOf = async (target: string) => {
    const shell = await site.admin.open(target);
    const { fault } = await shell.ended();
    return [fault?.code, fault?.facts['permission']];
  };
  cloud.denied.add(account);
  const SEND = 'ec2-instance-connect:SendSSHPublicKey';
  assert.deepEqual(await endOf(linux), ['MACHINE_ACCESS_DENIED', SEND]);
  assert.deepEqual(await endOf(windows), ['MACHINE_ACCESS_DENIED', 'ec2:GetPasswordData']);
  cloud.denied.clear();
  cloud.connectRoleName = 'another';
  assert.deepEqual(await endOf(linux), ['MACHINE_ACCESS_DENIED', 'sts:AssumeRole']);
  cloud.connectRoleName = 'EnchiladaConnect';
  cloud.throttledPerMille = 1_000;
  assert.deepEqual(await endOf(linux), ['MACHINE_ACCESS_THROTTLED', SEND]);
  cloud.throttledPerMille = 0;
  cloud.put(account, region, { InstanceId: machines.linux, State: { Code: 80, Name: 'stopped' } });
  assert.deepEqual(await endOf(linux), ['MACHINE_NOT_RUNNING', SEND]);
  cloud.passwordData.delete(machines.windows);
  assert.deepEqual(await endOf(windows), ['LAUNCH_PASSWORD_MISSING', undefined]);
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const data = publicEncrypt(
    { key: stranger.publicKey, padding: constants.RSA_PKCS1_PADDING },
    Buffer.from('Correct-Horse-7'),
  );
  cloud.passwordData.set(machines.windows, data.toString('base64'));
  assert.deepEqual(await endOf(windows), ['LAUNCH_PASSWORD_KEY_WRONG', undefined]);
  const [source] = (await api.listSources()).items;
  assert.ok(source);
  const { name, parameters, protectedTags, version } = source;
  await api.updateSource({
    params: { id: source.id },
    body: { name, parameters, protectedTags, enabled: false, version },
  });
  assert.deepEqual(await endOf(linux), ['MACHINE_ACCESS_FAILED', undefined]);
});
