import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, publicEncrypt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Admitted, AwsStandIn } from '@enchilada/adapters/discovery-source/aws/testing';
import { startRdpShadow } from '@enchilada/core/testing/servers/rdp-shadow';
import { startSshd, type Sshd } from '@enchilada/core/testing/servers/sshd';
import { ADMIN, Site } from './site.ts';

const ACCOUNT = '111111111111';
const REGION = 'eu-west-1';
const LINUX = 'i-0123456789abcdef0';
const WINDOWS = 'i-0123456789abcdef1';

const owned = new AsyncDisposableStack();
const admitted: Admitted[] = [];
let cloud: AwsStandIn;
let site: Site;
let sshd: Sshd;

async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + 30_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > end) assert.fail(`${what} did not come about`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const targetIdOf = async (name: string): Promise<string | undefined> =>
  (await site.admin.api.listTargets({ query: { text: name } })).items[0]?.id;

before(async () => {
  const config = ['PasswordAuthentication no', 'KbdInteractiveAuthentication no'];
  sshd = owned.use(await startSshd({ hostKeyTypes: ['ed25519'], config }));
  cloud = owned.use(await AwsStandIn.start());
  // What the instance's own agent does on EC2: the key is valid for sshd until its time is over.
  cloud.admit = async (key) => {
    const until = key.until.toISOString().replaceAll(/[-:T]|\.\d+/gu, '');
    await sshd.authorize(`expiry-time="${until}" ${key.publicKey}`);
    admitted.push(key);
  };
  const running = { State: { Code: 16, Name: 'running' }, PrivateIpAddress: '127.0.0.1' } as const;
  cloud.put(ACCOUNT, REGION, {
    ...{ InstanceId: LINUX, PlatformDetails: 'Linux/UNIX', Placement: { AvailabilityZone: 'eu-west-1a' }, ...running },
    Tags: [{ Key: 'Name', Value: 'linux-1' }],
  });
  cloud.put(ACCOUNT, REGION, {
    ...{ InstanceId: WINDOWS, PlatformDetails: 'Windows', Platform: 'windows' as 'Windows', ...running },
    Tags: [{ Key: 'Name', Value: 'windows-1' }],
  });
  site = owned.use(await Site.start({ environment: cloud.environment }));
});
after(() => owned.disposeAsync());

/** Finds both machines by a source whose rules choose their credentials and ports. */
async function connectCloud(chosen: { readonly linux: string; readonly windows: string; readonly rdpPort: number }) {
  const { api } = site.admin;
  const rule = (platform: 'linux' | 'windows', credentialId: string, port: number) => ({
    name: platform,
    enabled: true,
    match: { platform },
    outcome: { credentialId, port, hostKeyPolicy: 'trust-first' as const },
  });
  await api.setRules({
    body: {
      rules: [rule('linux', chosen.linux, sshd.port), rule('windows', chosen.windows, chosen.rdpPort)],
      version: 0,
    },
  });
  const fields = {
    name: 'Cloud',
    parameters: { accounts: [`${ACCOUNT}=Payments`], regions: [REGION], endpoint: cloud.url, callsPerSecond: 100 },
    protectedTags: [],
  };
  const source = await api.createSource({ body: { ...fields, kind: 'aws', enabled: false } });
  cloud.roles.set(ACCOUNT, source.externalId);
  await api.updateSource({ params: { id: source.id }, body: { ...fields, enabled: true, version: source.version } });
  const { user } = await api.getMe();
  await api.createGrant({
    body: {
      subject: { kind: 'user', id: user.id },
      scope: { kind: 'labels', selector: { 'cloud:account': [ACCOUNT] } },
      actions: ['connect'],
    },
  });
}

test('a machine is opened with a key made for one session, and by the password of its key pair, and nothing of either is stored', async () => {
  const { api } = site.admin;
  const desktop = owned.use(await startRdpShadow());
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  cloud.passwordData.set(
    WINDOWS,
    publicEncrypt(
      { key: pair.publicKey, padding: constants.RSA_PKCS1_PADDING },
      Buffer.from(desktop.password),
    ).toString('base64'),
  );
  const sessionKey = await api.createCredential({
    body: { name: 'instance connect', kind: 'session-key', username: sshd.username },
  });
  assert.equal(sessionKey.hasSecret, false);
  const privateKey = pair.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();
  const launch = await api.createCredential({
    body: { name: 'key pair', kind: 'launch-password', username: desktop.username, privateKey },
  });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'sec1', format: 'pem' });
  await assert.rejects(
    api.createCredential({
      body: { name: 'no RSA', kind: 'launch-password', username: 'x', privateKey: ec.toString() },
    }),
    /must be an RSA key, received ec/u,
  );
  await connectCloud({ linux: sessionKey.id, windows: launch.id, rdpPort: desktop.port });

  const linux = await until('the Linux machine', () => targetIdOf('linux-1'));
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
    [LINUX, sshd.username, `enchilada-${ADMIN.username}@${source?.id ?? ''}`],
  );
  assert.notEqual(first.publicKey, second.publicKey, 'each session has a key of its own');

  const windows = await until('the Windows machine', () => targetIdOf('windows-1'));
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
  const [linux, windows] = [await targetIdOf('linux-1'), await targetIdOf('windows-1')];
  assert.ok(linux !== undefined && windows !== undefined);
  const endOf = async (target: string) => {
    const shell = await site.admin.open(target);
    const { fault } = await shell.ended();
    return [fault?.code, fault?.facts['permission']];
  };
  cloud.denied.add(ACCOUNT);
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
  cloud.put(ACCOUNT, REGION, { InstanceId: LINUX, State: { Code: 80, Name: 'stopped' } });
  assert.deepEqual(await endOf(linux), ['MACHINE_NOT_RUNNING', SEND]);
  cloud.passwordData.delete(WINDOWS);
  assert.deepEqual(await endOf(windows), ['LAUNCH_PASSWORD_MISSING', undefined]);
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const data = publicEncrypt(
    { key: stranger.publicKey, padding: constants.RSA_PKCS1_PADDING },
    Buffer.from('Correct-Horse-7'),
  );
  cloud.passwordData.set(WINDOWS, data.toString('base64'));
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
