import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Sshd } from '@enchilada/core/testing/servers/sshd';
import { issueCertificate } from '@enchilada/core/testing/servers/database-server';
import { Gateway } from '../fixtures/gateway.ts';
import { INSPECTED, Inspector } from '../fixtures/inspector.ts';
import { Person } from '../product/index.ts';
import { ADMIN, LOOPBACK, Site, startSshd } from './site.ts';

const owned = new AsyncDisposableStack();
let sshd: Sshd;

before(async () => {
  sshd = owned.use(await startSshd());
});
after(() => owned.disposeAsync());

/** What nobody catches. The node cannot know what it broke, and must not take everybody's work with it unsealed. */
const SLIPS = {
  'an exception': "void setTimeout(() => { throw new Error('a slip of the pen') }, 0)",
  'a rejection': "void Promise.reject(new Error('a slip of the pen'))",
};

for (const [name, slip] of Object.entries(SLIPS)) {
  test(`${name} that nobody caught ends the node in order: everybody is told, recordings are whole, the cause is in the log`, async () => {
    await using site = await Site.start(INSPECTED);
    const shell = await site.admin.open(await site.machineOn(sshd));
    await shell.live();
    shell.type('echo shown-$((6*7))-before\r');
    await shell.see('shown-42-before');
    {
      await using inside = await Inspector.attach(site.gateway);
      await inside.evaluate(slip);
    }
    assert.equal((await shell.ended()).reason, 'NODE_DRAINING');
    await shell.leave();
    assert.equal(await site.gateway.exited(), 70);
    assert.match(site.gateway.log, /"level":"fatal".*a slip of the pen.*an error that nobody caught/u);
    await using again = await Gateway.start({ dataDir: site.gateway.dataDir, config: LOOPBACK });
    const admin = await Person.signIn(again.url, ADMIN);
    const { items } = await admin.api.listRecordings({ query: {} });
    assert.deepEqual(
      items.map(({ state }) => state),
      ['complete'],
    );
    assert.equal((await admin.api.verifyRecording({ params: { id: items[0]?.id ?? '' } })).code, 0);
    assert.equal((await admin.api.verifyAudit()).intact, true);
  });
}

test('with every provider of identities down, also at the start, the administrator of last resort signs in and works, loudly', async () => {
  await using site = await Site.start();
  const targetId = await site.machineOn(sshd);
  const { ca } = await issueCertificate('localhost');
  const rest = { admits: 'everyone' as const, trustsFactor: false, enabled: true };
  // Port 1 (tcpmux) answers nowhere.
  const providers: Readonly<Record<'oidc' | 'ldap' | 'radius', Readonly<Record<string, string | string[]>>>> = {
    oidc: { issuer: 'https://localhost:1/', clientId: 'enchilada' },
    ldap: {
      ...{ servers: ['ldaps://localhost:1'], authorities: ca.trim().split('\n') },
      ...{ bindDn: 'cn=x', peopleBase: 'o=x', groupBase: 'o=x' },
    },
    radius: { servers: ['127.0.0.1:1'] },
  };
  for (const [kind, parameters] of Object.entries(providers))
    await site.admin.api.createProvider({
      body: { ...rest, rules: [], kind, name: kind, secret: 'an unused secret 1', parameters },
    });
  const { dataDir } = site.gateway;
  await site.gateway.stop();
  await using again = await Gateway.start({ dataDir, config: LOOPBACK });
  const admin = await Person.signIn(again.url, ADMIN);
  const shell = await admin.open(targetId);
  await shell.live();
  await shell.leave();
  const { items } = await admin.api.listAudit({ query: { action: 'login.break-glass' } });
  assert.ok(items.length > 0);
  assert.match(again.log, /the administrator of last resort signed in/u);
});
