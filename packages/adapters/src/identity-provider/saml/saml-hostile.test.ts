import assert from 'node:assert/strict';
import { randomBytes, sign } from 'node:crypto';
import { before, test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { isFault } from '@enchilada/core/fault';
import { Secret } from '@enchilada/core/credential';
import type { AssertedLogin, RedirectProvider, SignInFlow } from '@enchilada/core/identity';
import { StandingClock } from '@enchilada/core/testing/standing-clock';
import {
  assertionOf,
  base64,
  makePair,
  type Pair,
  responseOf,
  type Saying,
  signed,
  type Signing,
} from './testing/forge.ts';
import { SamlProvider } from './saml-provider.ts';

const HOME = 'https://bastion.test/api/v1/login/providers/idp_x';
const AT = {
  ...{ returnTo: 'https://bastion.test/sign-in/back/idp_x', answerTo: `${HOME}/answer`, logoutTo: `${HOME}/logout` },
  ...{ metadata: `${HOME}/metadata`, signedOut: 'https://bastion.test/sign-in' },
};
const ISSUER = 'https://idp.test/idp';
const NOW = Date.UTC(2026, 5, 1, 12);
const PERSISTENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';
const clock = new StandingClock(NOW);

let pair: Pair;
let other: Pair;
before(async () => {
  pair = await makePair();
  other = await makePair();
});

function open(parameters: Readonly<Record<string, string | string[]>> = {}, secret?: Secret): RedirectProvider {
  const settings = {
    id: 'idp_x',
    parameters: {
      ...{ entityId: ISSUER, signOnAddress: 'https://idp.test/sso', signOutAddress: 'https://idp.test/slo' },
      certificates: pair.certificate.trim().split('\n'),
      ...parameters,
    },
    secret,
  };
  return new SamlProvider(settings, clock);
}

interface Attempt {
  readonly say?: Partial<Saying>;
  readonly by?: Pair;
  readonly how?: Signing;
  readonly before?: (assertion: string) => string;
  /** What becomes of the whole after it was signed. */
  readonly after?: (response: string) => string;
  readonly answer?: (base64: string) => string;
  readonly flow?: Partial<SignInFlow>;
  readonly parameters?: Readonly<Record<string, string | string[]>>;
}

async function signIn(attempt: Attempt = {}): Promise<AssertedLogin> {
  const nonce = randomBytes(32).toString('base64url');
  const flow: SignInFlow = { state: 's', nonce, verifier: 'v', at: AT, isFresh: false };
  const say: Saying = {
    ...{ issuer: ISSUER, audience: AT.metadata, recipient: AT.answerTo, inResponseTo: `_${nonce}`, nameId: 'mallory' },
    ...{ format: PERSISTENT, now: NOW },
    ...attempt.say,
  };
  const assertion = attempt.before?.(assertionOf(say)) ?? assertionOf(say);
  const whole = signed(responseOf(say, assertion), '_assertion', attempt.by ?? pair, attempt.how);
  const answer = base64(attempt.after?.(whole) ?? whole);
  return open(attempt.parameters).complete(attempt.answer?.(answer) ?? answer, { ...flow, ...attempt.flow });
}

const ASSERTION = /<saml:Assertion.*<\/saml:Assertion>/su;
const SIGNATURE = /<Signature.*?<\/Signature>/su;
const partOf = (xml: string, what: RegExp): string => what.exec(xml)?.[0] ?? assert.fail(String(what));
const evil = (xml: string): string =>
  partOf(xml, ASSERTION)
    .replace(SIGNATURE, '')
    .replace('ID="_assertion"', 'ID="_evil"')
    .replace('mallory', 'administrator');
const replace = (from: RegExp | string, to: string): Attempt => ({
  after: (xml) => {
    const changed = xml.replace(from, to);
    assert.notEqual(changed, xml, 'the mutation changes something');
    return changed;
  },
});
const wrapped = (wrap: (parts: { original: string; evil: string; signature: string }) => string): Attempt => ({
  after: (xml) =>
    xml.replace(ASSERTION, () =>
      wrap({ original: partOf(xml, ASSERTION), evil: evil(xml), signature: partOf(xml, SIGNATURE) }),
    ),
});

/** T09. Each is something that an attacker or a broken provider does; none of them may sign anybody in. */
const CASES: Readonly<Record<string, () => Attempt>> = {
  'nothing is signed': () => replace(SIGNATURE, ''),
  'only the response is signed': () => ({
    after: (xml) => signed(xml.replace(SIGNATURE, ''), '_response', pair),
  }),
  'the name was changed after it was signed': () => replace('>mallory<', '>administrator<'),
  'a group was changed after it was signed': () => replace('>ops<', '>admins<'),
  'the signature is by another key that the message brings': () => ({ by: other }),
  'the signature value is cut': () => replace(/<SignatureValue>.{20}/u, '<SignatureValue>'),
  'the signature value is empty': () =>
    replace(/<SignatureValue>.*?<\/SignatureValue>/su, '<SignatureValue></SignatureValue>'),
  'the digest is empty': () => replace(/<DigestValue>.*?<\/DigestValue>/su, '<DigestValue></DigestValue>'),
  'the digest holds a comment (CVE-2025-29775)': () => replace('<DigestValue>', '<DigestValue><!--x-->'),
  'there are two SignedInfo (CVE-2025-29774)': () => ({
    after: (xml) => xml.replace(/<SignedInfo>.*<\/SignedInfo>/su, (info) => `${info}${info}`),
  }),
  'there are two references': () => ({
    after: (xml) => xml.replace(/<Reference.*<\/Reference>/su, (reference) => `${reference}${reference}`),
  }),
  'it is signed with SHA-1': () => ({ how: { algorithm: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1' } }),
  'the digest is SHA-1': () => ({ how: { digest: 'http://www.w3.org/2000/09/xmldsig#sha1' } }),
  'it says HMAC by the public certificate': () =>
    replace(/(SignatureMethod Algorithm=")[^"]+/u, '$1http://www.w3.org/2000/09/xmldsig#hmac-sha1'),
  'comments are canonicalized too': () => ({
    how: { canonicalization: 'http://www.w3.org/2001/10/xml-exc-c14n#WithComments' },
  }),
  'the transforms lack the enveloped signature': () => ({
    how: { transforms: ['http://www.w3.org/2001/10/xml-exc-c14n#'] },
  }),
  'the reference is to the whole document': () => replace('URI="#_assertion"', 'URI=""'),
  'XSW1: the evil assertion first': () => wrapped((one) => `${one.evil}${one.original}`),
  'XSW2: the evil assertion last': () => wrapped((one) => `${one.original}${one.evil}`),
  'XSW3: the evil one around the signed one': () =>
    wrapped((one) => one.evil.replace('</saml:Assertion>', `${one.original}</saml:Assertion>`)),
  'XSW4: the signed one inside the evil subject': () =>
    wrapped((one) => one.evil.replace('</saml:Subject>', `${one.original}</saml:Subject>`)),
  'XSW5: the evil one takes the signature, the original lies beside': () =>
    wrapped(
      ({ evil: bad, signature, original }) =>
        `${bad.replace('</saml:Issuer>', `</saml:Issuer>${signature}`)}${original.replace(SIGNATURE, '')}`,
    ),
  'XSW6: the original inside the signature of the evil one': () =>
    wrapped(({ evil: bad, signature, original }) =>
      bad.replace(
        '</saml:Issuer>',
        `</saml:Issuer>${signature.replace('</Signature>', `<Object>${original.replace(SIGNATURE, '')}</Object></Signature>`)}`,
      ),
    ),
  'XSW7: the evil one in Extensions': () =>
    wrapped((one) => `<samlp:Extensions>${one.evil}</samlp:Extensions>${one.original}`),
  'XSW8: the original in an Object of the evil one': () =>
    wrapped(({ evil: bad, original }) => bad.replace('</saml:Issuer>', `</saml:Issuer><Object>${original}</Object>`)),
  'a signed assertion in Advice': () =>
    wrapped((one) =>
      one.evil.replace('</saml:Conditions>', `</saml:Conditions><saml:Advice>${one.original}</saml:Advice>`),
    ),
  'the evil one has the same id': () => wrapped((one) => `${one.evil.replace('_evil', '_assertion')}${one.original}`),
  'the evil one has the same id under another name': () => replace('<samlp:Status>', '<samlp:Status Id="_assertion">'),
  'a response within the response': () => ({
    after: (xml) => xml.replace('</samlp:Response>', `${xml}</samlp:Response>`),
  }),
  'another assertion, encrypted, comes too': () =>
    replace(
      '</samlp:Response>',
      '<saml:EncryptedAssertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"/></samlp:Response>',
    ),
  'the assertion is in another namespace': () =>
    replace(/xmlns:saml="[^"]+" ID="_assertion"/u, 'xmlns:saml="urn:evil" ID="_assertion"'),
  'a comment cuts the name': () => replace('>mallory<', '>mal<!-- x -->lory<'),
  'a comment was signed with the name': () => ({
    before: (xml) => xml.replace('>mallory<', '>administrator<!---->.evil<'),
  }),
  'the name is in CDATA': () => ({ before: (xml) => xml.replace('>mallory<', '><![CDATA[mallory]]><') }),
  'the name holds elements': () => ({ before: (xml) => xml.replace('>mallory<', '><b>mallory</b><') }),
  'a processing instruction cuts the name': () => replace('>mallory<', '>mal<?x y?>lory<'),
  'it brings a DTD with an entity': () =>
    replace('<samlp:Response', '<!DOCTYPE r [<!ENTITY x "administrator">]><samlp:Response'),
  'it brings an external entity': () =>
    replace('<samlp:Response', '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><samlp:Response'),
  'there are two roots': () => replace('</samlp:Response>', '</samlp:Response><samlp:Response xmlns:samlp="urn:x"/>'),
  'text follows the root': () => replace('</samlp:Response>', '</samlp:Response>x'),
  'it is deep': () => ({ before: (xml) => xml.replace('>ops<', `>${'<a>'.repeat(5_000)}${'</a>'.repeat(5_000)}<`) }),
  'it is ten megabytes': () => ({ answer: () => base64('x'.repeat(10 * 1024 * 1024)) }),
  'it is no base64': () => ({ answer: () => '%%%' }),
  'it is no XML': () => ({ answer: () => base64('<samlp:Response') }),
  'the issuer is another one': () => ({ say: { issuer: 'https://evil.test/idp' } }),
  'the audience is another one': () => ({ say: { audience: 'https://other.test' } }),
  'there is no audience': () => ({
    before: (xml) => xml.replace(/<saml:AudienceRestriction>.*<\/saml:AudienceRestriction>/u, ''),
  }),
  'one of two audience restrictions is for somebody else': () => ({
    before: (xml) =>
      xml.replace(
        '</saml:Conditions>',
        '<saml:AudienceRestriction><saml:Audience>other</saml:Audience></saml:AudienceRestriction></saml:Conditions>',
      ),
  }),
  'the recipient is another one': () => ({
    before: (xml) => xml.replace(/Recipient="[^"]+"/u, 'Recipient="https://other.test/acs"'),
  }),
  'the destination is another one': () => replace(/Destination="[^"]+"/u, 'Destination="https://other.test/acs"'),
  'it answers another request': () => ({ say: { inResponseTo: '_another' } }),
  'it answers no request (unsolicited)': () => ({ before: (xml) => xml.replace(/InResponseTo="[^"]+" /u, '') }),
  'the confirmation is of another request': () => ({
    before: (xml) => xml.replace(/InResponseTo="[^"]+"/u, 'InResponseTo="_another"'),
  }),
  'it was made ten minutes ago': () => ({ say: { now: NOW - 600_000 } }),
  'it is of a time to come': () => ({ say: { now: NOW + 600_000 } }),
  'the confirmation has no end': () => ({
    before: (xml) => xml.replace(/(Data InResponseTo="[^"]+") NotOnOrAfter="[^"]+"/u, '$1'),
  }),
  'the confirmation is not for the bearer': () => ({ before: (xml) => xml.replace('cm:bearer', 'cm:holder-of-key') }),
  'the login there is over': () => ({
    before: (xml) => xml.replace('SessionIndex', 'SessionNotOnOrAfter="2026-06-01T11:00:00Z" SessionIndex'),
  }),
  'a time is not in UTC': () => ({
    before: (xml) => xml.replace(/NotOnOrAfter="[^"]+"/u, 'NotOnOrAfter="2099-01-01"'),
  }),
  'the login there is over on a day that is none': () => ({
    before: (xml) => xml.replace('SessionIndex', 'SessionNotOnOrAfter="2099-02-40T00:00:00Z" SessionIndex'),
  }),
  'nobody signed in': () => ({ before: (xml) => xml.replace(/<saml:AuthnStatement.*<\/saml:AuthnStatement>/u, '') }),
  'there are two names': () => ({
    before: (xml) => xml.replace(/<saml:NameID.*<\/saml:NameID>/u, (name) => name + name),
  }),
  'the name is transient': () => ({ say: { format: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient' } }),
  'the attribute that tells people apart is missing': () => ({ parameters: { subjectAttribute: 'objectguid' } }),
  'the provider refused': () => replace('status:Success', 'status:Responder'),
  'the person was to prove themselves anew and did so long ago': () => ({
    before: (xml) => xml.replace(/AuthnInstant="[^"]+"/u, `AuthnInstant="${new Date(NOW - 3_600_000).toISOString()}"`),
    flow: { isFresh: true },
  }),
};

test('an honest answer signs in, whoever else signed it too', async () => {
  const { person, session, message, provedAt } = await signIn();
  assert.deepEqual([person.subject, person.username, person.groups], ['mallory', 'mallory', ['ops']]);
  assert.deepEqual([session, message?.id, provedAt], ['_s1', '_assertion', NOW]);
  await signIn({ after: (xml) => signed(xml, '_response', pair) });
  const until = (time: string) => (xml: string) =>
    xml.replace('SessionIndex', `SessionNotOnOrAfter="${time}" SessionIndex`);
  const short = await signIn({ before: until('2099-01-01T00:00:00Z') });
  assert.equal(short.endsAt, Date.parse('2099-01-01T00:01:00Z'), 'with a minute of clock difference');
  const twice = (xml: string) =>
    xml.replace(/<saml:AuthnStatement.*<\/saml:AuthnStatement>/u, (one) =>
      ['2098', '2097'].map((year) => until(`${year}-01-01T00:00:00Z`)(one)).join(''),
    );
  assert.equal((await signIn({ before: twice })).endsAt, Date.parse('2097-01-01T00:01:00Z'), 'the earlier end holds');
  await signIn({ how: { algorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512' } });
  await signIn({
    parameters: { certificates: [...other.certificate.trim().split('\n'), ...pair.certificate.trim().split('\n')] },
  });
  assert.equal((await signIn({ parameters: { subjectAttribute: 'groups' } })).person.subject, 'ops');
  assert.equal((await signIn({ say: { nameId: 'm&amp;m' } })).person.subject, 'm&m');
  assert.equal((await signIn({ flow: { isFresh: true } })).person.subject, 'mallory');
});

for (const [name, attempt] of Object.entries(CASES))
  test(`nobody signs in where ${name}`, async () => {
    await assert.rejects(signIn(attempt()), (failure) => isFault(failure, 'PROVIDER_REFUSED'));
  });

test('no change of one byte of an answer says anything else', async () => {
  const provider = open();
  const say: Saying = {
    ...{ issuer: ISSUER, audience: AT.metadata, recipient: AT.answerTo, inResponseTo: '_n', nameId: 'mallory' },
    ...{ format: PERSISTENT, now: NOW },
  };
  const flow: SignInFlow = { state: 's', nonce: 'n', verifier: 'v', at: AT, isFresh: false };
  const bytes = Buffer.from(signed(responseOf(say, assertionOf(say)), '_assertion', pair));
  for (let index = 0; index < bytes.length; index += 7) {
    const changed = Buffer.from(bytes);
    changed[index] = (changed[index] ?? 0) ^ (1 << (index % 7));
    const outcome = await provider.complete(changed.toString('base64'), flow).catch((failure: unknown) => {
      assert.ok(isFault(failure, 'PROVIDER_REFUSED'), `byte ${index}: ${String(failure)}`);
      return undefined;
    });
    // What nothing rests on, such as the ID of the response, may differ.
    if (outcome !== undefined)
      assert.deepEqual([outcome.person.subject, outcome.person.groups], ['mallory', ['ops']], `byte ${index}`);
  }
});

test('settings that would believe anybody are refused', () => {
  const bad: Readonly<Record<string, Readonly<Record<string, string | string[]>>>> = {
    'no entity': { entityId: '' },
    'a cleartext address': { signOnAddress: 'http://idp.test/sso' },
    'an address with a password': { metadataUrl: 'https://a:b@idp.test/' },
    'no certificate': { certificates: [] },
    'no real certificate': { certificates: ['-----BEGIN CERTIFICATE-----', 'eHh4', '-----END CERTIFICATE-----'] },
  };
  for (const [name, parameters] of Object.entries(bad))
    assert.throws(
      () => open(parameters),
      (failure) => isFault(failure, 'INVALID_REQUEST'),
      name,
    );
  const ourCertificate = other.certificate.trim().split('\n');
  assert.throws(
    () => open({ ourCertificate }, new Secret(pair.key)),
    (failure) => isFault(failure, 'INVALID_REQUEST'),
  );
});

const SIG_ALG = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';

function logout(
  change: {
    readonly xml?: (xml: string) => string;
    readonly by?: Pair;
    readonly query?: (query: string) => string;
  } = {},
) {
  const xml = `<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_out" Version="2.0" IssueInstant="${new Date(NOW).toISOString()}" Destination="${AT.logoutTo}"><saml:Issuer>${ISSUER}</saml:Issuer><saml:NameID>mallory</saml:NameID><samlp:SessionIndex>_s1</samlp:SessionIndex></samlp:LogoutRequest>`;
  const packed = deflateRawSync(change.xml?.(xml) ?? xml).toString('base64');
  const plain = `SAMLRequest=${encodeURIComponent(packed)}&RelayState=r&SigAlg=${encodeURIComponent(SIG_ALG)}`;
  const signature = sign('sha256', Buffer.from(plain), (change.by ?? pair).key).toString('base64');
  const whole = `${plain}&Signature=${encodeURIComponent(signature)}`;
  const query = change.query?.(whole) ?? whole;
  const fields = Object.fromEntries(new URLSearchParams(query));
  return open().door?.read({ where: 'logout', fields, query }, AT) ?? assert.fail();
}

test('a request to sign out is believed where it is signed, for us and new, and answered', async () => {
  const act = await logout();
  assert.ok(act.act === 'logout');
  assert.deepEqual([act.logout.id, act.logout.subject, act.logout.session], ['_out', 'mallory', '_s1']);
  assert.match(act.goTo ?? '', /^https:\/\/idp\.test\/slo\?SAMLResponse=.*&RelayState=r$/u);
  const bad: Readonly<Record<string, Parameters<typeof logout>[0]>> = {
    'by another key': { by: other },
    unsigned: { query: (query) => query.replace(/&SigAlg.*/u, '') },
    'with another relay state': { query: (query) => query.replace('RelayState=r', 'RelayState=x') },
    'with the request twice': { query: (query) => `SAMLRequest=x&${query}` },
    'of another issuer': { xml: (xml) => xml.replace(ISSUER, 'https://evil.test') },
    'for another place': { xml: (xml) => xml.replace(AT.logoutTo, 'https://other.test') },
    'an hour old': { xml: (xml) => xml.replace(/IssueInstant="[^"]+"/u, 'IssueInstant="2026-06-01T11:00:00Z"') },
    'of no time': { xml: (xml) => xml.replace(/IssueInstant="[^"]+"/u, '') },
    'that is something else': { xml: (xml) => xml.replaceAll('LogoutRequest', 'AuthnRequest') },
    'with a comment in the name': { xml: (xml) => xml.replace('mallory', 'mal<!---->lory') },
  };
  for (const [name, change] of Object.entries(bad))
    await assert.rejects(
      Promise.resolve().then(() => logout(change)),
      (failure) => isFault(failure, 'PROVIDER_REFUSED'),
      name,
    );
});

test('what is cheap is asked before what is dear: no key is tried on an answer to another request, nor on a request for somebody else', async () => {
  const because = (words: RegExp) => (failure: unknown) =>
    isFault(failure, 'PROVIDER_REFUSED') && words.test(failure.message);
  await assert.rejects(signIn({ say: { inResponseTo: '_another' }, by: other }), because(/request that is answered/u));
  const confirmed = (xml: string): string => xml.replace(/InResponseTo="[^"]+"/u, 'InResponseTo="_another"');
  await assert.rejects(signIn({ before: confirmed, by: other }), because(/for another request/u));
  const door = open().door ?? assert.fail();
  const asked = (fields: Readonly<Record<string, string>>, query = '') =>
    Promise.resolve().then(() => door.read({ where: 'logout', fields, query }, AT));
  const request = `<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_out"><saml:Issuer>https://evil.test</saml:Issuer></samlp:LogoutRequest>`;
  await assert.rejects(asked({ SAMLRequest: base64(request) }), because(/issuer is another/u));
  await assert.rejects(asked({ SAMLRequest: base64('x'.repeat(40_000)) }), because(/too long/u));
  await assert.rejects(asked({ SAMLRequest: 'AAAA' }, 'SAMLRequest=AAAA'), because(/not signed/u));
  const answered = (fields: Readonly<Record<string, string>>) =>
    Promise.resolve().then(() => door.read({ where: 'answer', fields, query: '' }, AT));
  for (const state of [{}, { RelayState: 'x'.repeat(101) }])
    await assert.rejects(answered({ SAMLResponse: base64('<x/>'), ...state }), because(/belongs to no sign-in/u));
});
