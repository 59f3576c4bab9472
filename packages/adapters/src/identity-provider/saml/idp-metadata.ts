import type { X509Certificate } from 'node:crypto';
import { Fault, isFault } from '@enchilada/core/fault';
import type { Clock } from '@enchilada/core/time';
import { isLoopback } from '../shared/loopback.ts';
import type { SamlConfig } from './saml-config.ts';
import { readCertificate } from './certificate.ts';
import { allOf, attributeOf, isNamed, NS, parseMetadata, textOf } from './xml.ts';

const REDIRECT = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';
const KNOWN_MS = 60 * 60_000;
/** How long what was known is believed while the provider's metadata cannot be read. */
const STALE_MS = 7 * 24 * 60 * 60_000;
const AGAIN_MS = 60_000;
const TIMEOUT_MS = 10_000;
const MOST_BYTES = 4 * 1024 * 1024;

/** What is known of the provider. */
export interface IdpFacts {
  readonly signOn: string;
  readonly signOut: string | undefined;
  readonly signOutAnswer: string | undefined;
  readonly certificates: readonly X509Certificate[];
}

interface Known {
  readonly facts: IdpFacts;
  readonly readAt: number;
  readonly until: number;
}

/** The provider's metadata: read when first asked for, again every hour, and once a minute at most when a key is not known. */
export class IdpMetadata {
  readonly #config: SamlConfig;
  readonly #clock: Clock;
  #known: Known | undefined;
  #reading: Promise<Known> | undefined;
  #triedAt = Number.NEGATIVE_INFINITY;

  constructor(config: SamlConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  /** @throws Fault PROVIDER_UNAVAILABLE */
  async facts(): Promise<IdpFacts> {
    const now = this.#clock.now();
    const known = this.#known;
    if (known !== undefined && now - known.readAt < KNOWN_MS && now < known.until) return known.facts;
    const isUsable = known !== undefined && now - known.readAt < STALE_MS && now < known.until;
    if (isUsable && now - this.#triedAt < AGAIN_MS) return known.facts;
    try {
      return (await this.#read()).facts;
    } catch (failure) {
      if (isUsable && isFault(failure, 'PROVIDER_UNAVAILABLE')) return known.facts;
      throw failure;
    }
  }

  /** Work that fails for want of a key is done once more with the metadata as it is now. */
  async believing<T>(work: (facts: IdpFacts) => T): Promise<T> {
    const facts = await this.facts();
    try {
      return work(facts);
    } catch (failure) {
      const isOfUnknownKey = isFault(failure, 'PROVIDER_REFUSED') && failure.facts['unknownKey'] === true;
      if (!isOfUnknownKey || this.#config.metadataUrl === undefined) throw failure;
      if (this.#clock.now() - this.#triedAt < AGAIN_MS) throw failure;
      // Without newer metadata the first failure stands.
      const again = await this.#read().catch(() => undefined);
      const keysOf = (of: IdpFacts): string => of.certificates.map(({ fingerprint256 }) => fingerprint256).join();
      if (again === undefined || keysOf(again.facts) === keysOf(facts)) throw failure;
      return work(again.facts);
    }
  }

  #read(): Promise<Known> {
    this.#reading ??= this.#ask().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #ask(): Promise<Known> {
    const { metadataUrl, byHand } = this.#config;
    const now = this.#clock.now();
    this.#triedAt = now;
    if (metadataUrl === undefined) {
      const { signOn, signOut, certificates } = byHand;
      const out = signOut === '' ? undefined : signOut;
      const facts = { signOn, signOut: out, signOutAnswer: out, certificates };
      this.#known = { facts, readAt: now, until: Number.POSITIVE_INFINITY };
      return this.#known;
    }
    let known: Known;
    try {
      known = { ...readFacts(await boundedText(metadataUrl), this.#config.entityId), readAt: now };
    } catch (cause) {
      const words = cause instanceof Error ? cause.message : String(cause);
      throw new Fault('PROVIDER_UNAVAILABLE', `the provider's metadata cannot be used: ${words.slice(0, 200)}`, {
        cause,
      });
    }
    if (known.until <= now) throw new Fault('PROVIDER_UNAVAILABLE', "the provider's metadata has expired");
    this.#known = known;
    return known;
  }
}

async function boundedText(address: URL): Promise<string> {
  const response = await fetch(address, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (response.status !== 200) throw new TypeError(`it answers ${response.status}`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += (chunk as Uint8Array).length;
    if (length > MOST_BYTES) throw new TypeError(`it is more than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
}

/** SAML Metadata sections 2.3 to 2.4. @throws Fault PROVIDER_REFUSED */
export function readFacts(xml: string, entityId: string): Omit<Known, 'readAt'> {
  const root = parseMetadata(xml);
  const isOne = isNamed(root, NS.metadata, 'EntityDescriptor');
  const entities = isOne ? [root] : allOf(root, NS.metadata, 'EntityDescriptor');
  const found = entities.filter((one) => attributeOf(one, 'entityID') === entityId);
  const [entity] = found;
  if (entity === undefined || found.length !== 1)
    throw new Fault('PROVIDER_REFUSED', `it does not describe ${entityId}`);
  const role = allOf(entity, NS.metadata, 'IDPSSODescriptor')[0];
  if (role === undefined) throw new Fault('PROVIDER_REFUSED', 'it describes no identity provider');
  const certificates = allOf(role, NS.metadata, 'KeyDescriptor')
    .filter((key) => (attributeOf(key, 'use') ?? 'signing') === 'signing')
    .flatMap((key) => allOf(key, NS.signature, 'KeyInfo'))
    .flatMap((info) => allOf(info, NS.signature, 'X509Data'))
    .flatMap((data) => allOf(data, NS.signature, 'X509Certificate'))
    .flatMap((element) => readCertificate(textOf(element)) ?? []);
  if (certificates.length === 0) throw new Fault('PROVIDER_REFUSED', 'it names no certificate with an RSA key');
  const at = (name: string, attribute: string): string | undefined => {
    const service = allOf(role, NS.metadata, name).find((one) => attributeOf(one, 'Binding') === REDIRECT);
    const address = service && attributeOf(service, attribute);
    const url = address === undefined ? null : URL.parse(address);
    return url !== null && (url.protocol === 'https:' || isLoopback(url)) ? url.href : undefined;
  };
  const signOn = at('SingleSignOnService', 'Location');
  if (signOn === undefined) throw new Fault('PROVIDER_REFUSED', 'it offers no sign-on by HTTP-Redirect');
  const signOut = at('SingleLogoutService', 'Location');
  const untils = [root, entity, role]
    .flatMap((one) => attributeOf(one, 'validUntil') ?? [])
    .map((time) => Date.parse(time));
  return {
    facts: { signOn, signOut, signOutAnswer: at('SingleLogoutService', 'ResponseLocation') ?? signOut, certificates },
    until: Math.min(Number.POSITIVE_INFINITY, ...untils.map((time) => (Number.isNaN(time) ? 0 : time))),
  };
}
