import { createHash } from 'node:crypto';
import { type KeyEncryption, Secret, SecretBytes } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { ProviderId, SignInQuestion } from '@enchilada/core/identity';
import type { Store } from '@enchilada/core/store';
import { type Clock, type RandomSource, randomId } from '@enchilada/core/time';

/** How long somebody may look for the answer. */
const OPEN_MS = 5 * 60_000;

export interface SignInQuestionsParts {
  readonly store: Store;
  readonly keys: KeyEncryption;
  readonly clock: Clock;
  readonly random: RandomSource;
}

/** Who was asked, and by what they had shown until then. */
export interface Asked {
  readonly providerId: ProviderId;
  readonly username: string;
  readonly password: Secret;
}

interface Ticket {
  readonly id: string;
  readonly who: string;
  readonly state: string;
  readonly until: number;
}

/** What a provider needs again with an answer, in the browser's hands meanwhile: any node takes it, once, and nobody reads or alters it. */
export class SignInQuestions {
  readonly #parts: SignInQuestionsParts;

  constructor(parts: SignInQuestionsParts) {
    this.#parts = parts;
  }

  async seal(asked: Asked, { state }: SignInQuestion): Promise<string> {
    const { keys, clock, random } = this.#parts;
    const ticket: Ticket = {
      ...{ id: randomId(random), who: digestOf(asked), state: state.reveal(), until: clock.now() + OPEN_MS },
    };
    const bytes = new SecretBytes(new TextEncoder().encode(JSON.stringify(ticket)));
    const wrapped = await keys.wrap(bytes, contextOf(asked.providerId));
    return [wrapped.keyId, wrapped.bytes].map((part) => Buffer.from(part).toString('base64url')).join('.');
  }

  /** INVARIANT: opened once over all nodes, and for the name and the password that were asked about. @throws Fault SIGN_IN_LOST */
  async open(sealed: string, asked: Asked): Promise<Secret> {
    const { store, keys, clock } = this.#parts;
    const [keyId = '', bytes = ''] = sealed.split('.').map((part) => Buffer.from(part, 'base64url'));
    let ticket: Ticket;
    try {
      const wrapped = { keyId: keyId.toString(), bytes: Buffer.from(bytes) };
      using opened = await keys.unwrap(wrapped, contextOf(asked.providerId));
      ticket = JSON.parse(new TextDecoder().decode(opened.reveal())) as Ticket;
    } catch (cause) {
      throw lost(cause);
    }
    if (ticket.who !== digestOf(asked) || ticket.until <= clock.now()) throw lost();
    if (!(await store.now.providers.spend(asked.providerId, `question ${ticket.id}`, ticket.until))) throw lost();
    return new Secret(ticket.state);
  }
}

function digestOf({ providerId, username, password }: Asked): string {
  return createHash('sha256')
    .update(JSON.stringify([providerId, username, password.reveal()]))
    .digest('base64url');
}

function contextOf(id: ProviderId): string {
  return `sign-in question of ${id}`;
}

function lost(cause?: unknown): Fault {
  return new Fault('SIGN_IN_LOST', 'the question was asked of somebody else, too long ago, or answered already', {
    cause,
  });
}
