import { Fault } from '../fault/index.ts';
import type { VerifiedIdentity } from '../identity/index.ts';
import type { Store } from '../store/index.ts';
import { randomId } from '../time/index.ts';
import type { RandomSource } from '../time/index.ts';
import type { TicketKind, ViewerMode } from './session.ts';

const TICKET_MS = 30_000;

export interface IssuedTickets {
  readonly viewerId: string;
  readonly mode: ViewerMode;
  readonly data: string;
  readonly control: string;
  readonly expiresAt: number;
}

export interface Redeemed {
  readonly sessionId: string;
  readonly viewerId: string;
  readonly mode: ViewerMode;
}

export interface ExpectedTicket {
  readonly kind: TicketKind;
  readonly sessionId: string;
  readonly identity: VerifiedIdentity;
}

export interface TicketParts {
  readonly store: Store;
  readonly random: RandomSource;
  readonly digest: (text: string) => string;
}

/** Single-use leave for one socket each, bound to session, login and kind; only digests are stored, and the database's clock decides. */
export class SessionTickets {
  readonly #parts: TicketParts;

  constructor(parts: TicketParts) {
    this.#parts = parts;
  }

  async issue(sessionId: string, identity: VerifiedIdentity, mode: ViewerMode): Promise<IssuedTickets> {
    const { store, random, digest } = this.#parts;
    const secret = (): string => randomId(random) + randomId(random);
    const expiresAt = (await store.clock()) + TICKET_MS;
    const issued: IssuedTickets = {
      viewerId: `vwr_${randomId(random)}`,
      mode,
      data: secret(),
      control: secret(),
      expiresAt,
    };
    const common = { sessionId, mode, viewerId: issued.viewerId, loginDigest: identity.login.digest, expiresAt };
    await store.now.tickets.insert([
      { ...common, kind: 'data', digest: digest(issued.data) },
      { ...common, kind: 'control', digest: digest(issued.control) },
    ]);
    return issued;
  }

  /** @throws Fault TICKET_REFUSED */
  async redeem(ticket: string, expected: ExpectedTicket): Promise<Redeemed> {
    const { store, digest } = this.#parts;
    const found = await store.now.tickets.redeem(digest(ticket), {
      kind: expected.kind,
      loginDigest: expected.identity.login.digest,
      now: await store.clock(),
    });
    if (found?.sessionId !== expected.sessionId)
      throw new Fault('TICKET_REFUSED', 'the ticket is not valid for this socket');
    return { sessionId: found.sessionId, viewerId: found.viewerId, mode: found.mode };
  }
}
