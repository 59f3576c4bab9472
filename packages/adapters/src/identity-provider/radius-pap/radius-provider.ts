import { randomBytes, randomInt } from 'node:crypto';
import { Secret } from '@enchilada/core/credential';
import { Fault, isFault } from '@enchilada/core/fault';
import type {
  PasswordAsker,
  PasswordProvider,
  PasswordVerdict,
  ProviderSettings,
  QuestionAnswer,
} from '@enchilada/core/identity';
import type { Clock } from '@enchilada/core/time';
import { exchange, type RadiusServer } from './exchange.ts';
import { type Attribute, ATTRIBUTE, CODE, encodeRequest, hidePassword, type Reply, vendorValues } from './packet.ts';
import { personName } from './person-name.ts';
import { type RadiusConfig, readConfig } from './radius-config.ts';

const SECRET_MIN = 16;
const NAME_MAX = 253;
const TEXT_MAX = 500;
/** A server that gave no answer is asked after the others for so long. */
const PASSED_OVER_MS = 60_000;
/** RFC 2865 sections 5.6 and 5.41. */
const AUTHENTICATE_ONLY = 8;
const VIRTUAL = 5;
const ECHO = 1;

/** RFC 2865 with PAP, and questions by Access-Challenge; every packet in both directions carries a Message-Authenticator. */
export class RadiusProvider implements PasswordProvider {
  readonly way = 'password';
  readonly #config: RadiusConfig;
  readonly #secret: Uint8Array;
  readonly #clock: Clock;
  readonly #silentAt = new Map<RadiusServer, number>();

  constructor({ parameters, secret }: ProviderSettings, clock: Clock) {
    this.#clock = clock;
    this.#config = readConfig(parameters);
    this.#secret = Buffer.from(secret?.reveal() ?? '', 'utf8');
    if (secret !== undefined && this.#secret.length < SECRET_MIN)
      throw new Fault('INVALID_REQUEST', `the shared secret must have at least ${SECRET_MIN} characters`, {
        facts: { field: 'body/secret' },
      });
  }

  async verify(username: string, password: Secret, asker: PasswordAsker): Promise<PasswordVerdict> {
    requireTyped(username, password);
    const name = username.trim();
    let failure: unknown;
    for (const server of this.#inOrder()) {
      try {
        const reply = await this.#ask(server, { username: name, password, asker });
        return this.#judge(reply, { username: name, server, hasAnswered: false });
      } catch (cause) {
        if (!isFault(cause, 'PROVIDER_UNAVAILABLE')) throw cause;
        this.#silentAt.set(server, this.#clock.monotonicMs());
        failure ??= cause;
      }
    }
    throw failure;
  }

  /** By the server that asked: no other knows what the question was. */
  async answer({ username, state, answer }: QuestionAnswer, asker: PasswordAsker): Promise<PasswordVerdict> {
    const [, host = '', port = '', value = ''] = /^(.+) (\d+) ([0-9a-f]*)$/u.exec(state.reveal()) ?? [];
    const server = this.#config.servers.find((one) => one.host === host && String(one.port) === port);
    if (server === undefined) throw new Fault('LOGIN_REFUSED', 'the server that asked is no longer one of ours');
    const reply = await this.#ask(server, { username, password: answer, asker, state: Buffer.from(value, 'hex') });
    return this.#judge(reply, { username, server, hasAnswered: true });
  }

  changePassword(): Promise<void> {
    return Promise.reject(new Fault('CONFLICT', 'passwords are not changed over RADIUS'));
  }

  #inOrder(): readonly RadiusServer[] {
    const isSilent = (server: RadiusServer): boolean =>
      this.#clock.monotonicMs() - (this.#silentAt.get(server) ?? -Infinity) < PASSED_OVER_MS;
    const { servers } = this.#config;
    return [...servers.filter((server) => !isSilent(server)), ...servers.filter(isSilent)];
  }

  async #ask(
    server: RadiusServer,
    said: {
      readonly username: string;
      readonly password: Secret;
      readonly asker: PasswordAsker;
      readonly state?: Uint8Array;
    },
  ): Promise<Reply> {
    if (this.#secret.length === 0) throw new Fault('PROVIDER_UNAVAILABLE', 'the provider has no shared secret');
    const key = { identifier: randomInt(256), authenticator: randomBytes(16), secret: this.#secret };
    const hidden = hidePassword(Buffer.from(said.password.reveal(), 'utf8'), key);
    if (hidden === undefined) throw new Fault('LOGIN_REFUSED', 'the password is longer than 128 octets');
    const text = (type: number, value: string): Attribute => ({ type, value: Buffer.from(value, 'utf8') });
    const number = (type: number, value: number): Attribute => ({ type, value: Buffer.from([0, 0, 0, value]) });
    const { state } = said;
    const packet = encodeRequest(key, [
      text(ATTRIBUTE.userName, said.username),
      { type: ATTRIBUTE.userPassword, value: hidden },
      text(ATTRIBUTE.nasIdentifier, this.#config.nasIdentifier),
      number(ATTRIBUTE.serviceType, AUTHENTICATE_ONLY),
      number(ATTRIBUTE.nasPortType, VIRTUAL),
      ...(said.asker.address === '' ? [] : [text(ATTRIBUTE.callingStationId, said.asker.address)]),
      ...(state === undefined || state.length === 0 ? [] : [{ type: ATTRIBUTE.state, value: state }]),
    ]);
    return exchange(server, { packet, key }, { clock: this.#clock, timeoutMs: this.#config.timeoutMs });
  }

  #judge(
    { code, attributes }: Reply,
    {
      username,
      server,
      hasAnswered,
    }: { readonly username: string; readonly server: RadiusServer; readonly hasAnswered: boolean },
  ): PasswordVerdict {
    const words = textsOf(attributes, ATTRIBUTE.replyMessage).join('\n').slice(0, TEXT_MAX);
    switch (code) {
      case CODE.accessAccept: {
        const { alwaysAsksFactor, caseSensitive, nameForm } = this.#config;
        // The server's own spelling of the name, where it gives one (RFC 2865 section 5.1).
        const own = textsOf(attributes, ATTRIBUTE.userName)[0];
        const name = own === undefined ? personName(username, nameForm) : (personName(own, nameForm) ?? own);
        if (name === undefined)
          throw new Fault('LOGIN_REFUSED', 'the server accepts a spelling of a name that is not one of the settings');
        return {
          person: {
            subject: caseSensitive ? name : name.toLowerCase(),
            ...{ username: name, displayName: '', email: undefined, groups: this.#groupsOf(attributes) },
          },
          gaveSecondFactor: alwaysAsksFactor || hasAnswered,
        };
      }
      case CODE.accessChallenge: {
        const state = attributes.find(({ type }) => type === ATTRIBUTE.state)?.value ?? new Uint8Array();
        const prompt = attributes.find(({ type }) => type === ATTRIBUTE.prompt)?.value;
        return {
          question: {
            text: words,
            isHidden: prompt?.at(-1) !== ECHO,
            state: new Secret(`${server.host} ${server.port} ${Buffer.from(state).toString('hex')}`),
          },
        };
      }
      case CODE.accessReject:
        throw new Fault('LOGIN_REFUSED', `the name or the password is wrong${words === '' ? '' : ` (${words})`}`);
      default:
        throw new Fault('PROVIDER_UNAVAILABLE', `the RADIUS server answered with the code ${code}`);
    }
  }

  #groupsOf(attributes: readonly Attribute[]): readonly string[] {
    const { groupsFrom } = this.#config;
    const values =
      typeof groupsFrom === 'object'
        ? vendorValues(attributes, groupsFrom).map(textOf)
        : textsOf(attributes, groupsFrom === 'class' ? ATTRIBUTE.class : ATTRIBUTE.filterId);
    return values
      .flatMap((value) => value.split(/[,;]/u))
      .map((group) => group.trim())
      .filter((group) => group !== '');
  }
}

function textsOf(attributes: readonly Attribute[], wanted: number): readonly string[] {
  return attributes
    .filter(({ type, value }) => type === wanted && value.length > 0)
    .map(({ value }) => textOf(value))
    .filter((text) => text !== '');
}

function textOf(value: Uint8Array): string {
  return Buffer.from(value).toString('utf8').replaceAll(/\p{C}/gu, ' ').trim();
}

function requireTyped(username: string, password: Secret): void {
  const isEmpty = username.trim() === '' || password.reveal() === '';
  if (isEmpty || Buffer.byteLength(username) > NAME_MAX || /\p{Cc}/u.test(username) || password.reveal().includes('\0'))
    throw new Fault('LOGIN_REFUSED', 'the name or the password is wrong');
}
