import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { Secret } from '@enchilada/core/credential';
import { isFault } from '@enchilada/core/fault';
import type { RedirectProvider, SignInFlow } from '@enchilada/core/identity';
import { type SamlIdp, startSamlIdp } from '@enchilada/core/testing/servers/saml-idp';
import { StandingClock } from '@enchilada/core/testing/standing-clock';
import { SamlProvider } from './saml-provider.ts';
import { SamlVisitor } from './testing/index.ts';

const HOME = 'http://localhost:1/api/v1/login/providers/idp_x';
const AT = {
  ...{ returnTo: 'http://localhost:1/sign-in/back/idp_x', answerTo: `${HOME}/answer`, logoutTo: `${HOME}/logout` },
  ...{ metadata: `${HOME}/metadata`, signedOut: 'http://localhost:1/sign-in' },
};

let idp: SamlIdp;
const clock = new StandingClock(Date.now());
before(async () => {
  idp = await startSamlIdp();
});
after(() => idp[Symbol.asyncDispose]());

function open(parameters: Readonly<Record<string, string | string[]>> = {}): RedirectProvider {
  const settings = {
    id: 'idp_x',
    parameters: {
      entityId: idp.entityId,
      metadataUrl: idp.metadataUrl,
      ourCertificate: idp.spCertificate.trim().split('\n'),
      ...parameters,
    },
    secret: new Secret(idp.spKey),
  };
  return new SamlProvider(settings, clock);
}

function aFlow(): SignInFlow {
  const nonce = randomBytes(32).toString('base64url');
  return { state: randomBytes(32).toString('base64url'), nonce, verifier: '', at: AT, isFresh: false };
}

async function signIn(provider: RedirectProvider, visitor = new SamlVisitor(), aheadMs = 0) {
  clock.time = Date.now() + aheadMs;
  const flow = aFlow();
  const password = idp.people.get('paula')?.password ?? '';
  const form = await visitor.signIn(await provider.begin(flow), { name: 'paula', password });
  assert.equal(form.action, AT.answerTo);
  const act = await provider.door?.read({ where: 'answer', fields: form.fields, query: '' }, AT);
  assert.ok(act?.act === 'complete');
  assert.equal(act.state, flow.state);
  return { flow, answer: act.answer, login: await provider.complete(act.answer, flow) };
}

test('a real identity provider reads our metadata, signs somebody in, and signs them out', async () => {
  const provider = open();
  await idp.register(provider.door?.metadata(AT).text ?? '');
  const visitor = new SamlVisitor();
  const { login, answer } = await signIn(provider, visitor);
  assert.deepEqual(
    [login.person.subject, login.person.displayName, login.person.email, login.person.groups],
    ['paula', 'Paula Provider', 'paula@example.test', ['operators', 'staff']],
  );
  assert.ok((login.endsAt ?? 0) > clock.time, 'SimpleSAMLphp says SessionNotOnOrAfter');
  await assert.rejects(provider.complete(answer, aFlow()), (failure) => isFault(failure, 'PROVIDER_REFUSED'));
  const out = await provider.endSession(login.logoutHint, AT);
  const back = await visitor.goUntil(out ?? '', AT.logoutTo);
  const query = back.search.slice(1);
  const fields = Object.fromEntries(back.searchParams);
  assert.deepEqual(await provider.door?.read({ where: 'logout', fields, query }, AT), { act: 'signed-out' });
});

test('a real identity provider tells of a sign-out there, and goes on with our answer', async () => {
  const provider = open();
  await idp.register(provider.door?.metadata(AT).text ?? '');
  const visitor = new SamlVisitor();
  const { login } = await signIn(provider, visitor);
  const start = `${idp.origin}/saml2/idp/SingleLogoutService.php?ReturnTo=${encodeURIComponent(AT.signedOut)}`;
  const back = await visitor.goUntil(start, AT.logoutTo);
  const fields = Object.fromEntries(back.searchParams);
  const act = await provider.door?.read({ where: 'logout', fields, query: back.search.slice(1) }, AT);
  assert.ok(act?.act === 'logout');
  assert.deepEqual([act.logout.subject, act.logout.session], ['paula', login.session]);
  await visitor.goUntil(act.goTo ?? '', AT.signedOut);
});

test('a provider that has changed its key is asked for its metadata anew, once a minute at most', async () => {
  const provider = open();
  await idp.register(provider.door?.metadata(AT).text ?? '');
  await signIn(provider);
  await idp.changeKey();
  await assert.rejects(signIn(provider), (failure) => isFault(failure, 'PROVIDER_REFUSED'));
  const { login } = await signIn(provider, new SamlVisitor(), 61_000);
  assert.equal(login.person.subject, 'paula');
});

test('nothing that a stranger says without a key makes us ask for the metadata', async () => {
  let asked = 0;
  const text = await (await fetch(idp.metadataUrl)).text();
  const server = createServer((_request, response) => {
    asked += 1;
    response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const provider = open({ metadataUrl: `http://localhost:${(server.address() as AddressInfo).port}/` });
  await provider.begin(aFlow());
  clock.time += 61_000;
  const answer = Buffer.from('<x/>').toString('base64');
  await assert.rejects(provider.complete(answer, aFlow()), (failure) => isFault(failure, 'PROVIDER_REFUSED'));
  assert.equal(asked, 1);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test('metadata that cannot be read, are of another provider, or have expired sign nobody in', async () => {
  let text = '';
  const server = createServer((_request, response) => void response.end(text));
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const metadataUrl = `http://localhost:${(server.address() as AddressInfo).port}/`;
  const honest = await (await fetch(idp.metadataUrl)).text();
  const cases: Readonly<Record<string, string>> = {
    nothing: '',
    'another entity': honest.replaceAll(idp.entityId, 'https://evil.test'),
    'a DTD': `<!DOCTYPE x>${honest}`,
    expired: honest.replace('entityID=', 'validUntil="2020-01-01T00:00:00Z" entityID='),
    'no key': honest.replace(/<md:KeyDescriptor.*<\/md:KeyDescriptor>/su, ''),
    huge: 'x'.repeat(5 * 1024 * 1024),
  };
  for (const [name, given] of Object.entries(cases)) {
    text = given;
    await assert.rejects(
      open({ metadataUrl }).begin(aFlow()),
      (failure) => isFault(failure, 'PROVIDER_UNAVAILABLE'),
      name,
    );
  }
  text = honest;
  const known = open({ metadataUrl });
  await known.begin(aFlow());
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  // A provider that is away for a while is known for a while.
  clock.time += 2 * 60 * 60_000;
  await known.begin(aFlow());
  clock.time += 8 * 24 * 60 * 60_000;
  await assert.rejects(known.begin(aFlow()), (failure) => isFault(failure, 'PROVIDER_UNAVAILABLE'));
});
