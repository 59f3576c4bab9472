import { EnchiladaClient } from '@enchilada/contract';
import type { ApiRequest, Tickets } from '@enchilada/contract';
import { setTimeout as sleep } from 'node:timers/promises';
import { SoftwarePasskey } from '@enchilada/core/testing/software-passkey';
import { AuthenticatorApp } from './authenticator-app.ts';
import { Shell } from './shell.ts';
import type { ShellOptions } from './shell.ts';

export interface Names {
  readonly username: string;
  readonly password: string;
}

/** The passkeys of everybody, as their devices would keep them. */
const KEY_RING = new Map<string, readonly SoftwarePasskey[]>();

/** Somebody at a browser, without the browser: keeps the cookie, sends Origin and the CSRF header as a page would. */
export class Person {
  readonly url: string;
  readonly api: EnchiladaClient<Response>;
  cookie = '';

  constructor(url: string) {
    this.url = url.replace(/\/$/u, '');
    this.api = new EnchiladaClient<Response>({
      baseUrl: this.url,
      headers: () => ({ origin: this.origin, ...(this.cookie === '' ? {} : { cookie: this.cookie }) }),
      fetch: (address, request) => this.#fetch(address, request),
    });
  }

  /** Spends the one-time link and becomes the first administrator. */
  static async bootstrap(
    ready: { readonly url: string; readonly bootstrapUrl: string },
    names: Names,
  ): Promise<Person> {
    const person = new Person(ready.url);
    const token = new URL(ready.bootstrapUrl).hash.replace(/^#(?:bootstrap=)?/u, '');
    await person.api.completeBootstrap({
      body: { token, username: names.username, displayName: names.username, password: names.password },
    });
    return person;
  }

  static async signIn(url: string, names: Names): Promise<Person> {
    const person = new Person(url);
    const { stage } = await person.api.login({ body: names });
    if (stage === 'enrolment') await person.enrolPasskey(names.username);
    if (stage === 'second-factor') await person.prove(names.username);
    return person;
  }

  /** Approves the codes of a program and is that program then, as their own (RFC 8628). */
  async signInProgram(asked: { readonly userCode: string; readonly deviceCode: string; readonly interval: number }) {
    const { userCode, deviceCode } = asked;
    await this.api.decideDeviceLogin({ body: { userCode, verdict: 'approve' } });
    const program = new Person(this.url);
    for (let { interval } = asked; ;) {
      // Section 3.5: who asks sooner than that is told to slow down.
      await sleep(interval * 1_000);
      const polled = await program.api.pollDeviceLogin({ body: { deviceCode } });
      if (polled.stage === 'complete') return program;
      if (polled.error !== 'slow_down') throw new Error(`the program was answered ${JSON.stringify(polled)}`);
      interval = polled.interval ?? interval + 5;
    }
  }

  /** As a person does who is told that they must have a second factor. Their passkey is at hand whenever they sign in again. */
  async enrolPasskey(username: string): Promise<SoftwarePasskey> {
    const passkey = new SoftwarePasskey();
    const options = await this.api.startPasskey();
    await this.api.enrolPasskey({ body: { passkey: passkey.create(options, this.origin), name: 'passkey of a test' } });
    KEY_RING.set(username, [...(KEY_RING.get(username) ?? []), passkey]);
    return passkey;
  }

  /** Adds an authenticator app to their factors. */
  async enrolApp(): Promise<{ readonly app: AuthenticatorApp; readonly recoveryCodes: readonly string[] }> {
    const { id, secret } = await this.api.startTotp();
    const app = new AuthenticatorApp(secret);
    const body = { code: app.code(), name: 'phone of a test' };
    const { recoveryCodes = [] } = await this.api.confirmTotp({ params: { id }, body });
    return { app, recoveryCodes };
  }

  /** Proves who they are by a passkey that they enrolled before. */
  async prove(username: string): Promise<void> {
    const options = await this.api.startPasskeyProof();
    const passkey = (KEY_RING.get(username) ?? []).find(({ credentialId }) =>
      options.allowCredentials.some(({ id }) => id === credentialId),
    );
    if (passkey === undefined) throw new Error(`${username} has no passkey here`);
    await this.api.prove({ body: { passkey: passkey.assert(options, this.origin) } });
  }

  get origin(): string {
    return new URL(this.url).origin;
  }

  /** The same login, through another node. */
  at(url: string): Person {
    const person = new Person(url);
    person.cookie = this.cookie;
    return person;
  }

  /** Opens a machine and joins both sockets. */
  async open(targetId: string, options: ShellOptions & { readonly viewOnly?: boolean } = {}): Promise<Shell> {
    const { viewOnly } = options;
    const body = { targetId, ...(viewOnly === undefined ? {} : { viewOnly }) };
    const { session, tickets } = await this.api.openSession({ body });
    return Shell.join(this, { sessionId: session.id, tickets }, options);
  }

  async join(sessionId: string, mode: Tickets['mode'], options: ShellOptions = {}): Promise<Shell> {
    const tickets = await this.api.issueTickets({ params: { id: sessionId }, body: { mode } });
    return Shell.join(this, { sessionId, tickets }, options);
  }

  async #fetch(address: string, request: ApiRequest): Promise<Response> {
    const { credentials: _, ...rest } = request;
    // `duplex` is what fetch asks for where the body is a stream.
    const response = await fetch(address, { ...rest, duplex: 'half' } as RequestInit);
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      this.cookie = /;\s*max-age=0\b|expires=thu, 01 jan 1970/iu.test(line) ? '' : pair;
    }
    return response;
  }
}
