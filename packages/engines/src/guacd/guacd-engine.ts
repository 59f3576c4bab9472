import type { Socket } from 'node:net';
import type { Credential } from '@enchilada/core/credential';
import type { EngineContext, ProtocolEngine, StreamedSession } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { RandomSource } from '@enchilada/core/time';
import { Patience, type Dialer } from '../shared/index.ts';
import { withTokens, type Tokens } from './codec/index.ts';
import { shakeHands, type GuacdConnection } from './guacd-connection.ts';
import { manifestOf, readParameters, type GuacdParameters } from './guacd-manifest.ts';
import { connectServer, inTurn, type GuacdServer } from './guacd-servers.ts';
import { GuacdSession } from './guacd-session.ts';

export interface GuacdLimits {
  readonly handshakeMs: number;
  readonly answerMs: number;
}

const LIMITS: GuacdLimits = { handshakeMs: 30_000, answerMs: 180_000 };
/** Until the browser says its own. */
const FIRST_SIZE = { width: 1024, height: 768 };

export interface GuacdOptions {
  readonly dialer: Dialer;
  readonly random: RandomSource;
  /** What guacd may be asked to speak. */
  readonly protocols: readonly string[];
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
      // guacd dials in our place, so that what can be judged is judged before.
      await dialer.assertPermitted(target, { clock, signal });
      context.progress('route', target.name);
      const { server, socket } = await connectAny(inTurn(servers, options.random), authorities);
      context.progress('port', target.name);
      let first: GuacdConnection;
      try {
        context.progress('handshake', target.name);
        context.progress('credential', target.name);
        const credential = await abortable(
          patience.whileAsking(() => hop.credential()),
          signal,
        );
        const tokens = tokensOf(identity.user.username, credential, clock.now());
        first = await shakeHands(socket, {
          ...{ clock, signal, allowOld, display: FIRST_SIZE, sound: parameters.sound, name: identity.user.username },
          select: parameters.protocol,
          values: valuesOf(target, { parameters, credential, tokens }),
        });
      } catch (failure) {
        socket.destroy();
        throw failure;
      }
      context.progress('shell', target.name);
      return new GuacdSession(first, {
        parameters,
        signal: context.signal,
        facts: { guacd: `${server.host}:${server.port}`, guacdProtocol: first.version, via: 'guacd' },
        join: async (id, mode) =>
          shakeHands(await connectServer(server, authorities), {
            ...{ clock, signal: context.signal, allowOld, display: FIRST_SIZE, sound: parameters.sound },
            name: identity.user.username,
            select: id,
            values: { 'read-only': String(mode === 'watch' || parameters.viewOnly) },
          }),
      });
    },
  };
}

async function connectAny(
  servers: readonly GuacdServer[],
  authorities: string | undefined,
): Promise<{ readonly server: GuacdServer; readonly socket: Socket }> {
  let last: unknown = new Fault('CONFIGURATION_INVALID', 'no guacd is configured: guacd.servers is empty', {
    facts: { key: 'guacd.servers' },
  });
  for (const server of servers) {
    try {
      return { server, socket: await connectServer(server, authorities) };
    } catch (failure) {
      last = failure;
    }
  }
  throw last;
}

function tokensOf(username: string, credential: Credential, now: number): Tokens {
  const stamp = new Date(now).toISOString();
  return {
    GUAC_USERNAME: username,
    GUAC_DATE: stamp.slice(0, 10).replaceAll('-', ''),
    GUAC_TIME: stamp.slice(11, 19).replaceAll(':', ''),
    CREDENTIAL_USERNAME: credential.username,
  };
}

/** INVARIANT: a secret stands under the names that guacd has for secrets, and under no other. */
function valuesOf(
  { host, port }: { readonly host: string; readonly port: number },
  given: { readonly parameters: GuacdParameters; readonly credential: Credential; readonly tokens: Tokens },
): Readonly<Record<string, string>> {
  const { parameters, credential, tokens } = given;
  const settings = Object.entries(parameters.settings).map(([name, text]) => [name, withTokens(text, tokens)]);
  return {
    'server-layout': '',
    ...(parameters.resizeDesktop ? { 'resize-method': 'display-update' } : {}),
    ...(parameters.sound ? { 'enable-audio': 'true' } : { 'disable-audio': 'true' }),
    ...(Object.fromEntries(settings) as Record<string, string>),
    hostname: host,
    port: String(port),
    username: withTokens(credential.username, tokens),
    ...(credential.kind === 'password'
      ? { password: credential.password.reveal() }
      : {
          'private-key': credential.privateKey.reveal(),
          ...(credential.passphrase === undefined ? {} : { passphrase: credential.passphrase.reveal() }),
        }),
    'disable-copy': String(parameters.disableCopy || parameters.viewOnly),
    'disable-paste': String(parameters.disablePaste || parameters.viewOnly),
    'read-only': String(parameters.viewOnly),
  };
}

function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  work.catch(() => undefined);
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', onAbort));
}
