import type { Duplex } from 'node:stream';
import type { EngineContext, Hop, ProtocolEngine } from '@enchilada/core/engine';
import type { Credential } from '@enchilada/core/credential';
import { Fault, isFault } from '@enchilada/core/fault';
import type { Dialer } from '../shared/index.ts';
import { EchoGuard } from './echo-guard.ts';
import { LogIn, type LogInAct } from './log-in.ts';
import { TelnetLink } from './telnet-link.ts';
import { manifest, readParameters, type TelnetParameters } from './telnet-manifest.ts';
import { createSession, type TelnetSession } from './telnet-session.ts';

export interface TelnetLimits {
  /** How long the machine may take for each step of the log-in. */
  readonly stepMs: number;
  /** How long a person may take for an answer. */
  readonly answerMs: number;
  /** Silence after which what the machine said counts as complete. */
  readonly settleMs: number;
}

const LIMITS: TelnetLimits = { stepMs: 20_000, answerMs: 180_000, settleMs: 250 };
/** All that a machine may show before somebody is signed in. */
const MAX_BYTES_BEFORE_LOG_IN = 256 * 1024;

export interface TelnetOptions {
  readonly dialer: Dialer;
  readonly limits?: Partial<TelnetLimits>;
}

/** One opening: the connection, the log-in, then the session. */
class Opening {
  readonly #hop: Hop;
  readonly #context: EngineContext;
  readonly #limits: TelnetLimits;
  readonly #parameters: TelnetParameters;
  readonly #link: TelnetLink;
  readonly #logIn: LogIn;
  readonly #opened = Promise.withResolvers<TelnetSession>();
  #credential: Promise<Credential> | undefined;
  #guard: EchoGuard | undefined;
  #session: TelnetSession | undefined;
  #step: Disposable | undefined;
  #settle: Disposable | undefined;
  #received = 0;

  constructor(
    socket: Duplex,
    parts: { readonly hop: Hop; readonly context: EngineContext; readonly limits: TelnetLimits },
  ) {
    this.#hop = parts.hop;
    this.#context = parts.context;
    this.#limits = parts.limits;
    this.#parameters = readParameters(parts.hop.leave.target.parameters);
    this.#logIn = new LogIn(this.#parameters);
    this.#link = new TelnetLink(
      socket,
      { parameters: this.#parameters, display: parts.context.display },
      { data: (bytes) => this.#shown(bytes), closed: (fault) => this.#closed(fault) },
    );
  }

  async run(): Promise<TelnetSession> {
    const { signal } = this.#context;
    const onAbort = (): void =>
      this.#fail(
        isFault(signal.reason)
          ? signal.reason
          : new Fault('SESSION_ENDED', 'the session was ended while it was being opened', { cause: signal.reason }),
      );
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    this.#await('the target said nothing', 'TARGET_TIMED_OUT');
    try {
      return await this.#opened.promise;
    } catch (error) {
      this.#link.destroy();
      throw error;
    } finally {
      signal.removeEventListener('abort', onAbort);
      this.#step?.[Symbol.dispose]();
      this.#settle?.[Symbol.dispose]();
    }
  }

  #shown(bytes: Uint8Array): void {
    if (this.#guard === undefined) this.#context.sink.output(bytes);
    else this.#guard.shown(bytes);
    if (this.#session !== undefined) return;
    this.#received += bytes.length;
    if (this.#received > MAX_BYTES_BEFORE_LOG_IN)
      this.#fail(new Fault('TARGET_PROTOCOL_VIOLATION', `the target sent ${this.#received} bytes before the log-in`));
    else if (this.#parameters.answersPrompts) this.#follow(this.#logIn.shown(bytes));
    else this.#open();
  }

  #follow(act: LogInAct | undefined): void {
    this.#settle?.[Symbol.dispose]();
    this.#settle = undefined;
    switch (act) {
      case undefined:
        this.#settle = this.#context.clock.after(this.#limits.settleMs, () => {
          const settled = this.#logIn.settled();
          if (settled !== undefined) this.#follow(settled);
        });
        return;
      case 'send-username':
      case 'send-password':
        this.#answer(act).catch((error: unknown) => this.#fail(error));
        return;
      case 'refused':
        this.#fail(new Fault('CREDENTIAL_REFUSED', 'the target refused the credential', { facts: this.#peer }));
        return;
      case 'accepted':
        this.#open();
        return;
    }
  }

  async #answer(act: 'send-username' | 'send-password'): Promise<void> {
    this.#step?.[Symbol.dispose]();
    if (this.#credential === undefined) this.#context.progress('credential', this.#hop.leave.target.name);
    const credential = await this.#fetch();
    if (credential.kind !== 'password')
      throw new Fault('CREDENTIAL_MISSING', `a log-in prompt takes a password, received ${credential.kind}`);
    if (act === 'send-username') this.#link.sendLine(oneLine('the user name', credential.username));
    else {
      const password = oneLine('the password', credential.password.reveal());
      const { sink, clock } = this.#context;
      this.#guard = new EchoGuard(password, clock, (bytes) => sink.output(bytes));
      this.#link.sendLine(password);
    }
    this.#await('the log-in was neither accepted nor refused', 'CREDENTIAL_REFUSED');
  }

  async #fetch(): Promise<Credential> {
    this.#credential ??= this.#hop.credential();
    const { promise, reject } = Promise.withResolvers<never>();
    using _limit = this.#context.clock.after(this.#limits.answerMs, () =>
      reject(new Fault('PROMPT_ABANDONED', `no answer came within ${this.#limits.answerMs / 1000} s`)),
    );
    return await Promise.race([this.#credential, promise]);
  }

  #open(): void {
    this.#context.progress('shell', this.#hop.leave.target.name);
    this.#session = createSession(this.#link, this.#context);
    this.#opened.resolve(this.#session);
  }

  /** The machine has one step's time from now on. */
  #await(what: string, code: 'TARGET_TIMED_OUT' | 'CREDENTIAL_REFUSED'): void {
    this.#step?.[Symbol.dispose]();
    this.#step = this.#context.clock.after(this.#limits.stepMs, () => {
      const asked = this.#credential !== undefined || !this.#link.spoken;
      const words = asked ? what : 'the target showed no log-in prompt';
      this.#fail(new Fault(code, `${words} within ${this.#limits.stepMs / 1000} s`, { facts: this.#peer }));
    });
  }

  #closed(fault: Fault | undefined): void {
    this.#guard?.[Symbol.dispose]();
    if (this.#session !== undefined) this.#session.closed(fault);
    else
      this.#fail(fault ?? new Fault('TARGET_DISCONNECTED', 'the target closed the connection', { facts: this.#peer }));
  }

  #fail(error: unknown): void {
    this.#opened.reject(error);
    this.#link.destroy();
  }

  get #peer(): { readonly host: string } {
    return { host: this.#hop.leave.target.name };
  }
}

/** A return inside would answer the next prompt too. */
function oneLine(what: string, text: string): string {
  if (/[\u0000\r\n]/u.test(text))
    throw new Fault('CREDENTIAL_UNREADABLE', `${what} has a line break, which a log-in prompt cannot take`);
  return text;
}

export function createTelnet({ dialer, limits: given = {} }: TelnetOptions): ProtocolEngine {
  const limits: TelnetLimits = { ...LIMITS, ...given };
  return {
    manifest,
    async open(context) {
      const hop = context.hops[context.hops.length - 1] ?? context.hops[0];
      const socket = await dialer.dial(hop.leave, context);
      context.progress('handshake', hop.leave.target.name);
      return new Opening(socket, { hop, context, limits }).run();
    },
  };
}
