import { isIPv4, type Socket } from 'node:net';
import { type Credential, isFitValue, requireOwnName, type Secret } from '@enchilada/core/credential';
import type {
  EngineContext,
  Hop,
  LocalizedText,
  PromptField,
  ProtocolEngine,
  StreamedSession,
} from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { RandomSource } from '@enchilada/core/time';
import { Patience, unlessAborted, type Dialer } from '../shared/index.ts';
import { withTokens, type Tokens } from './codec/index.ts';
import { shakeHands, type GuacdConnection } from './guacd-connection.ts';
import { isRun, manifestOf, readParameters, type GuacdParameters } from './guacd-manifest.ts';
import { connectAny, connectServer, inTurn, type GuacdServer } from './guacd-servers.ts';
import { guacdSession } from './guacd-session.ts';

export interface GuacdLimits {
  readonly handshakeMs: number;
  readonly answerMs: number;
  /** guacd says its first word at once, whatever machine is behind it. */
  readonly firstWordMs: number;
}

const LIMITS: GuacdLimits = { handshakeMs: 30_000, answerMs: 180_000, firstWordMs: 5_000 };
/** Until the browser says its own. */
const FIRST_SIZE = { width: 1024, height: 768 };

export interface GuacdOptions {
  readonly dialer: Dialer;
  readonly random: RandomSource;
  /** What guacd may be asked to speak. */
  readonly protocols: readonly string[];
  /** Protocols whose machine proves its name by a certificate, where its settings do not say otherwise. */
  readonly provesName: Readonly<Record<string, (settings: Readonly<Record<string, string>>) => boolean>>;
  readonly servers: readonly GuacdServer[];
  /** PEM; absent: the system's. */
  readonly authorities?: string | undefined;
  readonly allowVulnerable: boolean;
  readonly limits?: Partial<GuacdLimits>;
}

export function createGuacd(options: GuacdOptions): ProtocolEngine<StreamedSession> {
  const { dialer, protocols, servers, authorities, allowVulnerable: allowOld } = options;
  const limits = { ...LIMITS, ...options.limits };
  return {
    manifest: manifestOf(protocols),
    async open(context: EngineContext): Promise<StreamedSession> {
      const hop = context.hops.at(-1) ?? context.hops[0];
      const { target, identity } = hop.leave;
      const parameters = readParameters(target.parameters, protocols);
      const { clock } = context;
      const tooLong = new AbortController();
      using patience = new Patience(clock, limits, (fault) => tooLong.abort(fault));
      const signal = AbortSignal.any([context.signal, tooLong.signal]);
      context.progress('name', target.name);
      // guacd dials in our place: what it is handed is judged before.
      const addresses = await dialer.judged(target, { clock, signal });
      const { protocol, settings } = parameters;
      // INVARIANT: guacd gets the very address that was judged, and a name only where whoever is behind it must prove it.
      const provesName = options.provesName[protocol]?.(settings) === true && settings['ignore-cert'] !== 'true';
      const host = provesName ? target.host : preferred(addresses, target.host);
      context.progress('route', target.name);
      const order = inTurn(servers, options.random);
      let { server, socket } = await connectAny(order, authorities);
      // One that takes the connection and says nothing is passed over as one that takes none is.
      const reconnect = async (): Promise<Socket> => {
        const next = order.indexOf(server) + 1;
        ({ server, socket } = await connectAny([...order.slice(next), ...order.slice(0, next)], authorities));
        return socket;
      };
      context.progress('port', target.name);
      let first: GuacdConnection;
      try {
        context.progress('handshake', target.name);
        context.progress('credential', target.name);
        const secrets = await unlessAborted(
          patience.whileAsking(() => secretsFor(hop, parameters)),
          signal,
        );
        first = await shakeHands(socket, {
          ...{ clock, signal, allowOld, display: FIRST_SIZE, sound: parameters.sound, name: identity.user.username },
          select: parameters.protocol,
          firstWordMs: limits.firstWordMs,
          reconnect,
          values: valuesOf(hop, { host, parameters, secrets, now: clock.now() }),
          ask: (names) =>
            patience.whileAsking(() =>
              context.ask({ origin: 'product', title: target.name, instruction: '', fields: names.map(fieldFor) }),
            ),
        });
      } catch (failure) {
        socket.destroy();
        throw failure;
      }
      context.progress('shell', target.name);
      return guacdSession(first, {
        parameters,
        signal: context.signal,
        facts: { guacd: `${server.host}:${server.port}`, guacdProtocol: first.version, via: 'guacd' },
        join: async (id, mode) =>
          shakeHands(await connectServer(server, authorities), {
            ...{ clock, signal: context.signal, allowOld, display: FIRST_SIZE, sound: parameters.sound },
            name: identity.user.username,
            firstWordMs: limits.firstWordMs,
            reconnect: () => connectServer(server, authorities),
            select: id,
            values: { 'read-only': String(mode === 'watch' || parameters.viewOnly) },
          }),
      });
    },
  };
}

interface Secrets {
  /** Absent where the settings say that the person's own password takes its place. */
  readonly credential: Credential | undefined;
  /** By the name under which guacd knows them. */
  readonly own: Readonly<Record<string, Secret>>;
}

/** @throws Fault CREDENTIAL_* */
async function secretsFor(hop: Hop, { ownPassword }: GuacdParameters): Promise<Secrets> {
  const names = Object.keys(ownPassword);
  const password = names.length === 0 ? undefined : await hop.loginPassword?.();
  if (password === undefined && Object.values(ownPassword).includes(true))
    throw new Fault(
      'CREDENTIAL_MISSING',
      'the settings want the password that the person signed in with, and there was none',
    );
  return {
    credential: names.includes('password') ? undefined : await hop.credential(),
    own: password === undefined ? {} : Object.fromEntries(names.map((name) => [name, password])),
  };
}

function tokensOf({ leave }: Hop, credential: Credential | undefined, now: number): Tokens {
  const { user, login } = leave.identity;
  const address = login.address.replace(/^::ffff:(?=\d+\.)/iu, '');
  // As Guacamole does: by the clock on the server's own wall.
  const at = new Date(now);
  const digits = (...parts: readonly number[]): string => parts.map((part) => String(part).padStart(2, '0')).join('');
  return {
    GUAC_USERNAME: user.username,
    GUAC_CLIENT_ADDRESS: address,
    GUAC_CLIENT_HOSTNAME: address,
    GUAC_DATE: digits(at.getFullYear(), at.getMonth() + 1, at.getDate()),
    GUAC_TIME: digits(at.getHours(), at.getMinutes(), at.getSeconds()),
    ...(credential === undefined ? {} : { CREDENTIAL_USERNAME: credential.username }),
  };
}

/** INVARIANT: a secret stands under the names that guacd has for secrets, and under no other. */
function valuesOf(
  hop: Hop,
  given: {
    readonly host: string;
    readonly parameters: GuacdParameters;
    readonly secrets: Secrets;
    readonly now: number;
  },
): Readonly<Record<string, string>> {
  const { port } = hop.leave.target;
  const { host, parameters, secrets, now } = given;
  const { credential, own } = secrets;
  const tokens = tokensOf(hop, credential, now);
  const filled = (name: string, text: string): string => fill(hop, { name, text, tokens });
  const settings = Object.entries(parameters.settings).map(([name, text]) => [name, filled(name, text)]);
  return {
    'server-layout': '',
    ...(parameters.resizeDesktop ? { 'resize-method': 'display-update' } : {}),
    ...(parameters.sound ? {} : { 'disable-audio': 'true' }),
    ...(credential === undefined ? {} : { username: filled('username', credential.username) }),
    ...(Object.fromEntries(settings) as Record<string, string>),
    hostname: host,
    port: String(port),
    ...(credential === undefined ? {} : secretOf(credential)),
    ...Object.fromEntries(Object.entries(own).map(([name, secret]) => [name, secret.reveal()])),
    'disable-copy': String(parameters.disableCopy || parameters.viewOnly),
    'disable-paste': String(parameters.disablePaste || parameters.viewOnly),
    'read-only': String(parameters.viewOnly),
  };
}

/** Of the person's own data, and of the one token that may hold what they typed. */
const PERSONAL = new Set(['GUAC_USERNAME', 'CREDENTIAL_USERNAME']);

/**
 * INVARIANT: what a person is called begins no option and ends no word where a shell reads it, and makes them no account of the system.
 * @throws Fault USERNAME_UNFIT
 */
function fill(
  { leave: { identity } }: Hop,
  { name, text, tokens }: { readonly name: string; readonly text: string; readonly tokens: Tokens },
): string {
  const { username } = identity.user;
  let isTheirs = false;
  const filled = withTokens(text, tokens, (token) => {
    isTheirs ||= token === 'GUAC_USERNAME';
    const isNamed = name === 'username' && token === 'GUAC_USERNAME';
    if (PERSONAL.has(token) && (isNamed || isRun(name)) && !isFitValue(tokens[token] ?? ''))
      throw new Fault('USERNAME_UNFIT', `${username} has a name that may not stand in ${name}`, { facts: { token } });
  });
  if (name === 'username' && isTheirs) requireOwnName(filled, text, { username });
  return filled;
}

/** guacd tries one address, where of a name it would try all: the kind that every network has. */
function preferred(addresses: readonly string[], host: string): string {
  return addresses.find((address) => isIPv4(address)) ?? addresses[0] ?? host;
}

function secretOf(credential: Credential): Readonly<Record<string, string>> {
  if (credential.kind === 'password') return { password: credential.password.reveal() };
  if (credential.kind === 'certificate')
    throw new Fault('CREDENTIAL_MISSING', 'guacd takes a password or a private key, received a certificate');
  const { privateKey, passphrase } = credential;
  return {
    'private-key': privateKey.reveal(),
    ...(passphrase === undefined ? {} : { passphrase: passphrase.reveal() }),
  };
}

/** The names of guacd's parameters that a person knows by other words. */
const LABELS: Readonly<Record<string, LocalizedText>> = { domain: { en: 'Domain', de: 'Domäne' } };

function fieldFor(name: string): PromptField {
  const label = LABELS[name];
  return { text: name, echo: name === 'username' || name === 'domain', ...(label === undefined ? {} : { label }) };
}
