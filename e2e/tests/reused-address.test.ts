// T49: the address of a machine that is gone is another's by now. Whoever opens the first one sends the second one nothing.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { AwsStandIn } from '@enchilada/adapters/discovery-source/aws/testing';
import { freePort } from '@enchilada/core/testing/free-port';
import { startSshd, type Sshd } from '@enchilada/core/testing/servers/sshd';
import { until } from '@enchilada/core/testing/until';
import { Site } from './site.ts';

const ACCOUNT = '111111111111';
const REGION = 'eu-west-1';
const [FIRST, SECOND] = ['i-0123456789abcdef0', 'i-0123456789abcdef1'];
const AGO_MS = 120_000;

const owned = new AsyncDisposableStack();
let cloud: AwsStandIn;
let site: Site;
let sourceId: string;
let metricsPort: number;
/** The server of the machine that has the address now. */
let sshd: Sshd;

const put = (id: string, name: string, state: 'running' | 'terminated'): void => {
  cloud.put(ACCOUNT, REGION, {
    ...{ InstanceId: id, PlatformDetails: 'Linux/UNIX', Tags: [{ Key: 'Name', Value: name }] },
    // What is terminated has no address any more. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html
    ...(state === 'running'
      ? { State: { Code: 16, Name: state }, PrivateIpAddress: '127.0.0.1' }
      : { State: { Code: 48, Name: state }, PrivateIpAddress: undefined }),
  });
};

async function entry(name: string): Promise<string> {
  let id: string | undefined;
  await until(async () => {
    const { items } = await site.admin.api.listTargets({ query: { text: name } });
    id = items.find((one) => one.name === name)?.id;
    return id !== undefined;
  });
  return id ?? '';
}

/** What the audit log says of one machine, newest first. */
async function audited(action: string, targetId: string) {
  const { items } = await site.admin.api.listAudit({ query: { action, limit: 100 } });
  return items.filter(({ object }) => object?.id === targetId);
}

/** As if nobody had seen the machines for two minutes; answers when the node knows. */
async function grownOld(): Promise<void> {
  const database = new DatabaseSync(join(site.gateway.dataDir, 'enchilada.db'), { timeout: 10_000 });
  database.exec(`update found_machine set observed_at = observed_at - ${AGO_MS}`);
  database.exec(`update discovery_scope set last_sweep_at = last_sweep_at - ${AGO_MS}`);
  database.close();
  await until(async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    return Number(/^enchilada_discovery_oldest_sweep_seconds (\S+)$/mu.exec(metrics)?.[1]) >= AGO_MS / 1_000;
  });
}

before(async () => {
  cloud = owned.use(await AwsStandIn.start());
  metricsPort = await freePort();
  sshd = await startSshd();
  owned.defer(() => sshd[Symbol.asyncDispose]());
  site = owned.use(
    await Site.start({ environment: cloud.environment, config: `metrics: { listen: "127.0.0.1:${metricsPort}" }\n` }),
  );
  const { api } = site.admin;
  const { id: credentialId } = await api.createCredential({
    body: { name: 'of the first', kind: 'password', username: sshd.username, secret: sshd.password },
  });
  const outcome = { credentialId, port: sshd.port, hostKeyPolicy: 'trust-first' } as const;
  await api.setRules({ body: { rules: [{ name: 'all', enabled: true, match: {}, outcome }], version: 0 } });
  const parameters = { accounts: [ACCOUNT], regions: [REGION], endpoint: cloud.url, callsPerSecond: 100 };
  const fields = { name: 'Cloud', parameters, protectedTags: [] };
  const source = await api.createSource({ body: { ...fields, kind: 'aws', enabled: false } });
  sourceId = source.id;
  cloud.roles.set(ACCOUNT, source.externalId);
  put(FIRST, 'first', 'running');
  await api.updateSource({ params: { id: sourceId }, body: { ...fields, enabled: true, version: source.version } });
  const { user } = await api.getMe();
  const scope = { kind: 'labels' as const, selector: { 'cloud:account': [ACCOUNT] } };
  await api.createGrant({ body: { subject: { kind: 'user', id: user.id }, scope, actions: ['connect'] } });
});
after(() => owned.disposeAsync());

test('a machine that took the address of another is sent no credential of it, whatever the catalog still says', async () => {
  const { admin } = site;
  const first = await entry('first');
  const shell = await admin.open(first);
  await shell.live();
  shell.type('exit\n');
  await shell.ended();
  await shell.leave();
  assert.ok(sshd.attempts().length > 0, 'the server writes down who tries to sign in');

  const { port } = sshd;
  await sshd[Symbol.asyncDispose]();
  sshd = await startSshd({ port });
  put(FIRST, 'first', 'terminated');
  put(SECOND, 'second', 'running');

  // The cloud cannot be asked and no event came: the key of the first machine is all that tells them apart.
  cloud.denied.add(ACCOUNT);
  const mistaken = await admin.open(first);
  const { fault } = await mistaken.ended();
  await mistaken.leave();
  const shown = sshd.hostKeys.map(({ fingerprint }) => fingerprint);
  assert.deepEqual([fault?.code, fault?.facts['target']], ['HOST_KEY_CHANGED', 'first']);
  assert.ok(shown.includes(String(fault?.facts['fingerprint'])), 'the words name the key that was shown');
  await until(async () => (await audited('session.failed', first)).length > 0);
  const [refused] = await audited('host-key.refused', first);
  assert.deepEqual(
    [refused?.outcome, refused?.reason, refused?.detail?.['fingerprint'], refused?.actor.name],
    ['denied', 'HOST_KEY_CHANGED', fault?.facts['fingerprint'], 'root-of-all'],
  );
  assert.deepEqual(sshd.attempts(), []);
  const connections = (): number => sshd.log().split('Connection from').length - 1;
  assert.ok(connections() > 0, 'it was the second server that answered');

  // The cloud can be asked: the second machine is not even dialled.
  cloud.denied.clear();
  await grownOld();
  const before = connections();
  const gone = await admin.open(first);
  const end = await gone.ended();
  await gone.leave();
  assert.equal(end.fault?.code, 'MACHINE_GONE');
  await until(async () => (await audited('session.failed', first)).some(({ reason }) => reason === 'MACHINE_GONE'));
  assert.equal(connections(), before);
  assert.deepEqual(sshd.attempts(), []);
  // From now on the catalog knows it too.
  await assert.rejects(admin.open(first), { code: 'NOT_FOUND' });

  // The second machine is one of its own: its key is pinned anew, and the credential reaches it as the rule's and not as its predecessor's.
  await admin.api.sweepSource({ params: { id: sourceId } });
  const second = await entry('second');
  assert.notEqual(second, first);
  assert.deepEqual((await admin.api.listHostKeys({ params: { id: second } })).items, []);
  const own = await admin.open(second);
  await own.live();
  own.type('exit\n');
  await own.ended();
  await own.leave();
  const [pinned] = (await admin.api.listHostKeys({ params: { id: second } })).items;
  assert.ok(shown.includes(pinned?.fingerprint ?? ''));
});
