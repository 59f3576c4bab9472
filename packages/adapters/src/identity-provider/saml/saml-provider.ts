import { randomBytes } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { Secret } from '@enchilada/core/credential';
import type {
  AssertedLogin,
  DoorAct,
  DoorMessage,
  HeardLogout,
  ProviderAddresses,
  ProviderDoor,
  ProviderSettings,
  RedirectProvider,
  SignInFlow,
} from '@enchilada/core/identity';
import type { Clock } from '@enchilada/core/time';
import { readResponse, timeOf } from './assertion.ts';
import { type IdpFacts, IdpMetadata } from './idp-metadata.ts';
import { addressWith, authnRequest, logoutRequest, logoutResponse, type NameId, spMetadata } from './messages.ts';
import { DISPLAY_NAMES, MAILS, readConfig, readSigningKey, type SamlConfig, type SigningKey } from './saml-config.ts';
import { requireDistinctIds, requireSignedQuery, signedElement } from './signature.ts';
import { allOf, attributeOf, isNamed, NS, parseMessage, refused, textOf, theOne } from './xml.ts';
import { attributesOf } from '../shared/name-attributes.ts';

const MOST_BYTES = 256 * 1024;
/** Of a request to sign out, which says little: strangers may send it. */
const MOST_LOGOUT_BYTES = 32 * 1024;
/** Room for what sign-ins carry to the provider and back, which is ours. */
const MOST_STATE = 100;
const TRANSIENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient';
const MESSAGE_AGE_MS = 5 * 60_000;
const SKEW_MS = 60_000;

/** SAML 2.0, web browser profile: requests by redirect, answers by POST, assertions signed; single logout in both directions. */
export class SamlProvider implements RedirectProvider {
  readonly way = 'redirect';
  readonly door: ProviderDoor;
  readonly #config: SamlConfig;
  readonly #key: SigningKey | undefined;
  readonly #metadata: IdpMetadata;
  readonly #clock: Clock;

  constructor(settings: ProviderSettings, clock: Clock) {
    this.#config = readConfig(settings.parameters);
    this.#key = readSigningKey(settings);
    this.#metadata = new IdpMetadata(this.#config, clock);
    this.#clock = clock;
    this.door = {
      metadata: (at) => ({ type: 'application/samlmetadata+xml', text: spMetadata(this.#nameAt(at), at, this.#key) }),
      read: (message, at) => this.#readDoor(message, at),
    };
  }

  async begin({ state, nonce, at, isFresh }: SignInFlow): Promise<string> {
    const { signOn } = await this.#metadata.facts();
    const xml = authnRequest({
      ...{ id: requestId(nonce), at: this.#clock.now(), to: signOn, issuer: this.#nameAt(at) },
      ...{ answerTo: at.answerTo, force: isFresh },
    });
    return addressWith({ to: signOn, name: 'SAMLRequest', xml, relayState: state }, this.#key);
  }

  async complete(answer: string, { nonce, at, isFresh }: SignInFlow): Promise<AssertedLogin> {
    const xml = decoded(answer);
    const now = this.#clock.now();
    const read = await this.#metadata.believing(({ certificates }) =>
      readResponse(xml, {
        ...{ issuer: this.#config.entityId, audience: this.#nameAt(at), recipient: at.answerTo },
        ...{ inResponseTo: requestId(nonce), now, certificates },
      }),
    );
    if (isFresh && now - read.authenticatedAt > MESSAGE_AGE_MS)
      throw refused('the provider was asked to let the person prove themselves anew, and did not');
    const { subjectAttribute, usernameAttributes, groupsAttributes, nameAttributes, factorContexts } = this.#config;
    const valuesOf = (names: readonly string[]): readonly string[] =>
      names.map((name) => read.attributes.get(name)).find((values) => values !== undefined) ?? [];
    const { nameId } = read;
    if (subjectAttribute === '' && nameId.format === TRANSIENT)
      throw refused('the NameID is transient: the provider must send a lasting one, or an attribute must be named');
    const subjects = subjectAttribute === '' ? [nameId.value] : valuesOf([subjectAttribute]);
    const [subject = ''] = subjects;
    if (subjects.length !== 1) throw refused(`the attribute ${subjectAttribute} must have one value`);
    const hint: LogoutHint = { nameId, session: read.session };
    return {
      person: {
        subject,
        username: valuesOf(usernameAttributes)[0] ?? nameId.value,
        displayName: valuesOf(DISPLAY_NAMES)[0] ?? '',
        email: valuesOf(MAILS)[0],
        groups: valuesOf(groupsAttributes),
        attributes: attributesOf(nameAttributes, (name) => read.attributes.get(name) ?? []),
      },
      provedAt: read.authenticatedAt,
      gaveSecondFactor: read.contexts.some((context) => factorContexts.includes(context)),
      session: read.session,
      ...(read.endsAt === undefined ? {} : { endsAt: read.endsAt }),
      logoutHint: new Secret(JSON.stringify(hint)),
      message: { id: read.id, expiresAt: read.expiresAt },
    };
  }

  async endSession(hint: Secret | undefined, at: ProviderAddresses): Promise<string | undefined> {
    if (!this.#config.signOutThere || hint === undefined) return undefined;
    const { signOut } = await this.#metadata.facts();
    if (signOut === undefined) return undefined;
    const { nameId, session } = JSON.parse(hint.reveal()) as LogoutHint;
    const xml = logoutRequest({ ...this.#head(signOut, at), nameId, session });
    return addressWith({ to: signOut, name: 'SAMLRequest', xml, relayState: undefined }, this.#key);
  }

  /** Servers tell of sign-outs through the browser alone. */
  hearLogout(): Promise<HeardLogout> {
    return Promise.reject(refused('this provider does not call here'));
  }

  async #readDoor({ where, fields, query }: DoorMessage, at: ProviderAddresses): Promise<DoorAct> {
    if (where === 'answer') {
      const { SAMLResponse: answer = '', RelayState: state = '' } = fields;
      if (state === '' || state.length > MOST_STATE) throw refused('the answer belongs to no sign-in');
      // It is judged when the browser that began brings its cookie, and until then it is nothing but text.
      decoded(answer);
      return { act: 'complete', state, answer };
    }
    // What the provider says to our own request changes nothing: the login here ended first.
    if (fields['SAMLResponse'] !== undefined) return { act: 'signed-out' };
    return this.#metadata.believing((facts) => this.#readLogout({ where, fields, query }, { at, facts }));
  }

  /** SAML Profiles section 4.4. @throws Fault PROVIDER_REFUSED */
  #readLogout(
    { fields, query }: DoorMessage,
    { at, facts }: { readonly at: ProviderAddresses; readonly facts: IdpFacts },
  ): DoorAct {
    const given = fields['SAMLRequest'] ?? '';
    const isInAddress = query !== '';
    if (given.length > MOST_LOGOUT_BYTES) throw refused('the message is too long');
    // The signature is over the bytes in the address: nothing is unpacked that the provider did not sign.
    if (isInAddress) requireSignedQuery(query, 'SAMLRequest', facts.certificates);
    const xml = isInAddress ? inflated(given) : decoded(given);
    const sent = parseMessage(xml);
    requireDistinctIds(sent);
    // First by its own words, which costs little, and then what was signed.
    this.#requireLogoutForUs(sent, at);
    const request = isInAddress ? sent : signedElement(xml, sent, facts.certificates);
    const issuedAt = this.#requireLogoutForUs(request, at);
    const sessions = allOf(request, NS.protocol, 'SessionIndex').map(textOf);
    const [session] = sessions;
    const isNameOurs = this.#config.subjectAttribute === '';
    const id = attributeOf(request, 'ID') ?? '';
    const goTo = facts.signOutAnswer;
    return {
      act: 'logout',
      logout: {
        id,
        subject: isNameOurs ? textOf(theOne(request, NS.assertion, 'NameID')) : undefined,
        session: sessions.length === 1 ? session : undefined,
        expiresAt: issuedAt + MESSAGE_AGE_MS + SKEW_MS,
      },
      ...(goTo === undefined
        ? {}
        : {
            goTo: addressWith(
              {
                ...{ to: goTo, name: 'SAMLResponse', relayState: fields['RelayState'] },
                xml: logoutResponse({ ...this.#head(goTo, at), inResponseTo: id }),
              },
              this.#key,
            ),
          }),
    };
  }

  /** @returns when it was made */
  #requireLogoutForUs(request: Element, at: ProviderAddresses): number {
    if (!isNamed(request, NS.protocol, 'LogoutRequest')) throw refused('the message is no request to sign out');
    if (textOf(theOne(request, NS.assertion, 'Issuer')) !== this.#config.entityId)
      throw refused('the issuer is another one');
    const destination = attributeOf(request, 'Destination');
    if (destination !== undefined && destination !== at.logoutTo) throw refused('the destination is another one');
    const now = this.#clock.now();
    const issuedAt = timeOf(request, 'IssueInstant') ?? 0;
    const until = timeOf(request, 'NotOnOrAfter') ?? issuedAt + MESSAGE_AGE_MS;
    if (issuedAt - SKEW_MS > now || Math.min(until, issuedAt + MESSAGE_AGE_MS) + SKEW_MS <= now)
      throw refused('the message is too old, or of a time to come');
    return issuedAt;
  }

  #head(to: string, at: ProviderAddresses) {
    return { id: `_${randomBytes(20).toString('hex')}`, at: this.#clock.now(), to, issuer: this.#nameAt(at) };
  }

  #nameAt(at: ProviderAddresses): string {
    return this.#config.spEntityId === '' ? at.metadata : this.#config.spEntityId;
  }
}

interface LogoutHint {
  readonly nameId: NameId;
  readonly session: string | undefined;
}

/** Made from the browser's cookie: whose answer names it was begun by this browser. An ID must not begin with a digit. */
function requestId(nonce: string): string {
  return `_${nonce}`;
}

/** @throws Fault PROVIDER_REFUSED */
function decoded(base64: string): string {
  const plain = base64.replaceAll(/\s+/gu, '');
  if (plain === '' || plain.length > MOST_BYTES || !/^[A-Za-z0-9+/]+={0,2}$/u.test(plain))
    throw refused('the message is missing, too long, or not in base64');
  return textIn(Buffer.from(plain, 'base64'));
}

function inflated(base64: string): string {
  try {
    return textIn(inflateRawSync(Buffer.from(base64, 'base64'), { maxOutputLength: MOST_BYTES }));
  } catch (cause) {
    throw refused('the message cannot be unpacked', cause);
  }
}

function textIn(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw refused('the message is not in UTF-8', cause);
  }
}
