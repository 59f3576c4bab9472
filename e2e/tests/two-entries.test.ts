// A machine that its tag makes two entries of the catalog, opened by both: a real sshd and a real RDP server behind one instance.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { until } from '@enchilada/core/testing/until';
import { CloudMachines } from './cloud-machines.ts';
import { ADMIN, Site } from './site.ts';

const TAG = 'enchilada:protocol';

const owned = new AsyncDisposableStack();
let machines: CloudMachines;
let site: Site;

before(async () => {
  machines = owned.use(await CloudMachines.start({ [TAG]: 'ssh rdp' }));
  site = owned.use(await Site.start({ environment: machines.environment }));
  const { sessionKey, launch } = await machines.credentials(site);
  await machines.connect(site, [
    { name: 'by SSH', match: { protocol: 'ssh' }, credentialId: sessionKey, port: machines.sshd.port },
    { name: 'by RDP', match: { protocol: 'rdp' }, credentialId: launch, port: machines.desktop.port },
  ]);
});
after(() => owned.disposeAsync());

const credentialOf = async (id: string): Promise<string | undefined> =>
  (await site.admin.api.getTarget({ params: { id } })).credentialId;

test('while anybody may set the tag, the second entry has no credential of a rule, and nothing is asked of the cloud for it', async () => {
  for (const name of ['linux-1 (RDP)', 'windows-1 (SSH)']) {
    const id = await machines.entry(site, name);
    assert.equal(await credentialOf(id), undefined, name);
    await using viewer = await site.admin.open(id);
    await viewer.until(
      () => viewer.frames.some(({ type }) => type === 'prompt' || type === 'ended'),
      'a question or the end',
    );
  }
  assert.equal(machines.desktop.signIns(), 0);
  assert.equal(machines.admitted.length, 0);
  assert.equal(
    machines.cloud.calls.some(({ action }) => action === 'GetPasswordData'),
    false,
  );
});

test('where the tag is protected, both entries of a machine are open at once: one by a key of the session, one by the password of the key pair', async () => {
  const { api } = site.admin;
  const { admitted, cloud, desktop, sshd } = machines;
  const [source] = (await api.listSources()).items;
  assert.ok(source);
  const { id, name, parameters, version } = source;
  await api.updateSource({ params: { id }, body: { name, parameters, protectedTags: [TAG], enabled: true, version } });
  const entries = [
    { machine: machines.linux, shell: 'linux-1', screen: 'linux-1 (RDP)' },
    { machine: machines.windows, shell: 'windows-1 (SSH)', screen: 'windows-1' },
  ];
  for (const { machine, ...named } of entries) {
    const [bySsh, byRdp] = [await machines.entry(site, named.shell), await machines.entry(site, named.screen)];
    for (const entry of [bySsh, byRdp]) await until(async () => (await credentialOf(entry)) !== undefined);
    const [keys, signIns] = [admitted.length, desktop.signIns()];
    await using shell = await site.admin.open(bySsh);
    await using screen = await site.admin.open(byRdp);
    await Promise.all([shell.live(), screen.live()]);
    shell.type('echo opened $(id -un)\n');
    await shell.see(`opened ${sshd.username}`);
    assert.deepEqual(
      admitted.slice(keys).map((key) => [key.instance, key.username, key.session]),
      [[machine, sshd.username, `enchilada-${ADMIN.username}@${id}`]],
    );
    // Its log is read when it comes.
    await until(() => desktop.signIns() > signIns);
    assert.equal(desktop.signIns(), signIns + 1);
  }
  // Each call was made under a session that may make it on this one machine.
  const asked = (action: string) =>
    cloud.assumed
      .map(
        ({ policy }) => JSON.parse(policy) as { readonly Statement: readonly { Action: string[]; Resource: string }[] },
      )
      .flatMap(({ Statement }) => Statement)
      .filter(({ Action }) => Action.includes(action))
      .map(({ Resource }) => Resource.split('/').at(-1));
  for (const action of ['ec2-instance-connect:SendSSHPublicKey', 'ec2:GetPasswordData'])
    assert.deepEqual(asked(action), [machines.linux, machines.windows], action);
});

test('a machine that is terminated takes both of its entries with it, and what was open by either', async () => {
  const { api } = site.admin;
  const { account, region, linux } = machines;
  const [bySsh, byRdp] = [await machines.entry(site, 'linux-1'), await machines.entry(site, 'linux-1 (RDP)')];
  await using shell = await site.admin.open(bySsh);
  await using screen = await site.admin.open(byRdp);
  await Promise.all([shell.live(), screen.live()]);
  machines.cloud.put(account, region, { InstanceId: linux, State: { Code: 48, Name: 'terminated' } });
  const [source] = (await api.listSources()).items;
  assert.equal((await api.sweepSource({ params: { id: source?.id ?? '' } })).complete, 1);
  await Promise.all([shell.ended(), screen.ended()]);
  const { items } = await api.listTargets({ query: {} });
  assert.deepEqual(items.map(({ name }) => name).sort(), ['windows-1', 'windows-1 (SSH)']);
});
