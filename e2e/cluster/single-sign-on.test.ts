import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { OpenIdServer, OpenIdVisitor } from '@enchilada/adapters/identity-provider/oidc/testing';
import { ApiProblem } from '@enchilada/contract';
import { startSshd } from '@enchilada/core/testing/servers/sshd';
import { Person } from '../product/index.ts';
import { ADMIN } from '../tests/site.ts';
import { Balancer, DoorPage } from './balancer.ts';
import { TwoNodes } from './two-nodes.ts';

const owned = new AsyncDisposableStack();
let both: TwoNodes;
let idp: OpenIdServer;
let admin: Person;
let balancer: Balancer;
let providerId: string;

before(async () => {
  idp = owned.use(await OpenIdServer.start());
  balancer = owned.use(await Balancer.start());
  const publicUrl = balancer.url;
  const environment = { ENCHILADA_PUBLIC_URL: publicUrl, ENCHILADA_SECOND_FACTOR_REQUIRED: 'nobody' };
  both = owned.use(await TwoNodes.start({ environment }));
  balancer.serve(both);
  admin = await Person.bootstrap(both.a, ADMIN);
  const provider = await admin.api.createProvider({
    body: {
      ...{ kind: 'oidc', name: 'Example', secret: idp.clientSecret, rules: [], admits: 'everyone' },
      ...{ parameters: { issuer: idp.issuer, clientId: idp.clientId }, trustsFactor: false, enabled: true },
    },
  });
  providerId = provider.id;
  const { returnTo = '', logoutTo = '' } = provider;
  idp.register({ returnTo, logoutTo, signedOut: `${publicUrl}/sign-in` });
});
after(() => owned.disposeAsync());

async function signIn(name: string): Promise<{ readonly person: Person; readonly visitor: OpenIdVisitor }> {
  const page = new DoorPage(balancer.url);
  balancer.turn = 'a';
  const begun = await page.send(`/login/providers/${providerId}/start`, {});
  assert.equal(begun.status, 200, await begun.clone().text());
  const { url } = (await begun.json()) as { url: string };
  const visitor = new OpenIdVisitor();
  const back = await visitor.signIn(url, { name, home: balancer.url });
  assert.equal(back.pathname, `/sign-in/back/${providerId}`);
  balancer.turn = 'b';
  const answer = back.search.slice(1);
  const completed = await page.send(`/login/providers/${providerId}/complete`, { answer });
  assert.equal(completed.status, 200, await completed.clone().text());
  assert.equal((await page.send(`/login/providers/${providerId}/complete`, { answer })).status, 409, 'once');
  return { person: page.person, visitor };
}

test('a sign-in that begins on one node is completed on the other', async () => {
  idp.people.set('ida', { name: 'Ida Example', groups: ['ops'] });
  const { person } = await signIn('ida');
  const me = await person.api.getMe();
  assert.deepEqual([me.user.username, me.user.displayName, me.login.method], ['ida', 'Ida Example', 'sso']);
});

test('what the provider ends ends the live session on whichever node holds it', async () => {
  await using sshd = await startSshd();
  idp.people.set('otto', { name: 'Otto', groups: [] });
  const { person, visitor } = await signIn('otto');
  const { user } = await person.api.getMe();
  balancer.turn = 'a';
  const { id: credentialId } = await admin.api.createCredential({
    body: { name: 'ssh', kind: 'password', username: sshd.username, secret: sshd.password },
  });
  const { id: targetId } = await admin.api.createTarget({
    body: {
      ...{ name: 'machine', protocol: 'ssh', host: sshd.host, port: sshd.port, credentialId },
      hostKeyPolicy: 'trust-first',
    },
  });
  await admin.api.createGrant({
    body: { subject: { kind: 'user', id: user.id }, scope: { kind: 'target', id: targetId }, actions: ['connect'] },
  });
  // Held by node B; the provider's server calls node A.
  const shell = await balancer.straight(person, 'b').open(targetId);
  await shell.live();
  balancer.turn = 'a';
  await visitor.signOut(`${idp.issuer}/session/end`);
  await shell.ended();
  assert.deepEqual(idp.failures, []);
  await assert.rejects(person.api.getMe(), (problem) => problem instanceof ApiProblem && problem.status === 401);
});
