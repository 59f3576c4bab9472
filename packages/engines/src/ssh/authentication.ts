import type { Credential } from '@enchilada/core/credential';
import type { ConnectContext, Hop } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { AnyAuthMethod, ParsedKey, Prompt as TargetPrompt } from 'ssh2';
import { peerText, type Patience } from '../shared/index.ts';
import { certificateKey } from './certificate-key.ts';
import { readPrivateKey, withoutSha1 } from './private-key.ts';
import { unpooled } from './unpooled.ts';

const MAX_ROUNDS = 12;
const MAX_FIELDS = 16;
const MAX_TEXT = 2_000;
/** How servers ask for the account's password; a one-time code is the person's to give. */
const PASSWORD_PROMPT =
  /pass(?:word|phrase|wort)|kennwort|mot de passe|contraseña|senha|пароль|密码|密碼|パスワード|암호/iu;
const CODE_PROMPT = /one.?time|otp|token|code|verif/iu;

export interface AuthenticationOptions {
  readonly hop: Hop;
  readonly context: ConnectContext;
  readonly patience: Patience;
  readonly legacyAlgorithms: boolean;
  /** Ends the connection: a question to the person failed. */
  fail(error: unknown): void;
}

/**
 * Chooses what to offer next (RFC 4252). INVARIANT: a stored secret is offered once to a hop, so that one wrong password is one failed attempt
 * there; keyboard-interactive comes before password, as in OpenSSH, because a second factor can only be asked for there.
 */
export class Authentication {
  readonly #options: AuthenticationOptions;
  #credential: Credential | undefined;
  /** Offered in order. */
  #keys: readonly ParsedKey[] = [];
  #keysOffered = 0;
  #secretOffered = false;
  #interactiveTried = false;
  #partlyAccepted = false;
  #rounds = 0;

  constructor(options: AuthenticationOptions) {
    this.#options = options;
  }

  /** @param left methods that can continue, null before the first answer. @throws Fault CREDENTIAL_*, PROMPT_ABANDONED */
  async next(left: readonly string[] | null, partialSuccess: boolean | null): Promise<AnyAuthMethod> {
    const credential = (this.#credential ??= await this.#fetch());
    const { username } = credential;
    // Asks which methods there are; OpenSSH's client opens the same way.
    if (left === null) return { type: 'none', username };
    if (partialSuccess === true) {
      this.#partlyAccepted = true;
      this.#interactiveTried = false;
    }
    const key = this.#partlyAccepted ? undefined : this.#keys[this.#keysOffered];
    if (key !== undefined && left.includes('publickey')) {
      this.#secretOffered = true;
      this.#keysOffered += 1;
      return { type: 'publickey', username, key: key as never };
    }
    const unused = credential.kind === 'password' && !this.#secretOffered;
    if ((unused || this.#partlyAccepted) && !this.#interactiveTried && left.includes('keyboard-interactive')) {
      this.#interactiveTried = true;
      return {
        type: 'keyboard-interactive',
        username,
        // eslint-disable-next-line max-params -- the library's signature
        prompt: (name, instructions, _language, prompts, finish) =>
          void this.#answer({ name, instructions, prompts }, finish),
      };
    }
    if (unused && left.includes('password')) {
      this.#secretOffered = true;
      return { type: 'password', username, password: credential.password.reveal() };
    }
    throw this.#refused(left);
  }

  /** The machine has let the person in. */
  succeeded(): void {
    if (this.#credential?.kind === 'private-key' && this.#keysOffered > 0)
      this.#credential.personal?.accepted(this.#keysOffered - 1);
  }

  async #fetch(): Promise<Credential> {
    const { hop, context, patience, legacyAlgorithms } = this.#options;
    const credential = await patience.whileAsking(() => hop.credential());
    if (credential.kind === 'private-key') {
      const others = credential.personal?.others ?? [];
      const each = [credential, ...others.map((privateKey) => ({ ...credential, privateKey }))];
      const keys = await Promise.all(each.map((one) => readPrivateKey(one)));
      this.#keys = legacyAlgorithms ? keys : keys.map(withoutSha1);
    }
    if (credential.kind === 'certificate') {
      if (context.clock.now() >= credential.notAfter)
        throw new Fault(
          'CERTIFICATE_REFUSED',
          `the certificate ${credential.serial} expired before it could be shown`,
          {
            facts: this.#certificateFacts(credential),
          },
        );
      this.#keys = [certificateKey(credential)];
    }
    return credential;
  }

  #refused(left: readonly string[]): Fault {
    const methods = peerText(left.join(', '), 200);
    const facts = { host: this.#options.hop.leave.target.name, methods };
    if (this.#partlyAccepted)
      return new Fault('CREDENTIAL_REFUSED', `the target refused the further factor; it takes ${methods}`, { facts });
    const credential = this.#credential;
    if (this.#secretOffered && credential?.kind === 'certificate')
      return new Fault(
        'CERTIFICATE_REFUSED',
        `the target refused the certificate ${credential.serial} for ${credential.username}: it does not trust the authority, lets none of ${credential.principals.join(', ')} sign in there, has revoked it, or its clock is wrong`,
        { facts: { ...facts, ...this.#certificateFacts(credential) } },
      );
    if (this.#secretOffered && credential?.kind === 'private-key' && credential.personal !== undefined)
      return new Fault(
        'PERSONAL_KEY_REFUSED',
        `the target refused the person's own SSH keys for ${credential.username}; it takes ${methods}`,
        { facts: { ...facts, username: credential.username } },
      );
    if (this.#secretOffered)
      return new Fault('CREDENTIAL_REFUSED', `the target refused the credential; it takes ${methods}`, { facts });
    return new Fault(
      'CREDENTIAL_REFUSED',
      `the target takes ${methods || 'no method'}, which is not the kind of the credential`,
      { facts },
    );
  }

  #certificateFacts({ serial, principals, username }: Extract<Credential, { kind: 'certificate' }>) {
    return { host: this.#options.hop.leave.target.name, username, serial, principals: principals.join(', ') };
  }

  async #answer(
    request: { name: string; instructions: string; prompts: readonly TargetPrompt[] },
    finish: (answers: string[]) => void,
  ): Promise<void> {
    const { context, hop, patience, fail } = this.#options;
    try {
      if (++this.#rounds > MAX_ROUNDS || request.prompts.length > MAX_FIELDS) {
        throw new Fault('TARGET_PROTOCOL_VIOLATION', 'the target asks without end');
      }
      const own = this.#ownAnswer(request.prompts);
      const answers =
        own ??
        (await patience.whileAsking(() =>
          context.ask({
            origin: 'target',
            title: peerText(request.name, MAX_TEXT) || hop.leave.target.name,
            instruction: peerText(request.instructions, MAX_TEXT),
            fields: request.prompts.map(({ prompt, echo }) => ({
              text: peerText(prompt, MAX_TEXT),
              echo: echo === true,
            })),
          }),
        ));
      unpooled(() => {
        finish([...answers]);
      });
    } catch (error) {
      fail(error);
    }
  }

  /** The password itself, where the target's first question is plainly for it. */
  #ownAnswer(prompts: readonly TargetPrompt[]): readonly string[] | undefined {
    const [only, ...others] = prompts;
    if (this.#credential?.kind !== 'password' || this.#secretOffered || this.#partlyAccepted) return undefined;
    if (only === undefined || others.length > 0 || only.echo === true) return undefined;
    if (!PASSWORD_PROMPT.test(only.prompt) || CODE_PROMPT.test(only.prompt)) return undefined;
    this.#secretOffered = true;
    return [this.#credential.password.reveal()];
  }
}
