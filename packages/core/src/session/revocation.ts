import type { AuditEvent } from '../audit/index.ts';
import { Fault } from '../fault/index.ts';
import type { Afterwards } from './afterwards.ts';
import type { BrokerParts } from './broker-parts.ts';
import type { HostedSession } from './hosted-session.ts';
import { type Judgement, RightsCheck } from './rights-check.ts';

type Objection = Omit<Extract<Judgement, { readonly holds: false }>, 'holds'>;

const WITHDRAWN: Objection = {
  code: 'SIGN_IN_WITHDRAWN',
  words: 'the identity provider no longer confirms the sign-in',
};
/** Those of some seconds at the least. */
const LAST_COMMANDS = 200;
const TIME_IS_OVER: Objection = { code: 'ACCESS_ENDED', words: 'the time of the access is over' };

/** Takes sessions from people who may no longer have them. */
export class Revocation {
  readonly #parts: BrokerParts;
  readonly #afterwards: Afterwards;

  constructor(parts: BrokerParts, afterwards: Afterwards) {
    this.#parts = parts;
    this.#afterwards = afterwards;
  }

  /**
   * Asks for each session whether its person, and each watcher, may still have it.
   * @param withdrawn the login that its identity provider confirms no more
   */
  async recheck(sessions: readonly HostedSession[], withdrawn?: string): Promise<void> {
    const check = new RightsCheck({ ...this.#parts, store: { now: this.#parts.store.urgent } });
    for (const session of sessions) {
      const judgement = await check.judge({
        ...{ login: session.login, mode: 'control', session },
        address: session.address,
      });
      if (!judgement.holds) {
        const { digest } = session.login;
        if (digest === withdrawn || (judgement.isLoginOver === true && (await this.#isWithdrawn(digest)))) {
          this.#revoke(session, WITHDRAWN);
          continue;
        }
        // A grant that is over is none, and yet nobody withdrew it.
        this.#revoke(session, judgement.code === 'SESSION_REVOKED' && this.#isPast(session) ? TIME_IS_OVER : judgement);
        continue;
      }
      session.accessUntil = judgement.until;
      session.allow(judgement.actions);
      for (const viewer of session.viewers) {
        const { login, mode, address } = viewer.identity;
        const hold = { login, mode, address, session };
        if (mode === 'control' || (await check.judge(hold)).holds) continue;
        if (!judgement.actions.has('share') || (await check.guest(hold)) === undefined)
          session.dismiss(viewer, new Fault('SESSION_REVOKED', 'the right to watch was withdrawn'));
      }
    }
  }

  /** Logins and accesses whose time is over: nobody says so, the clock does. */
  async recheckExpired(sessions: readonly HostedSession[]): Promise<void> {
    const { clock, loginLimits } = this.#parts;
    const { absoluteMs } = loginLimits();
    const now = clock.now();
    const isOver = ({ createdAt, expiresAt }: { readonly createdAt: number; readonly expiresAt: number }): boolean =>
      now >= Math.min(expiresAt, createdAt + absoluteMs);
    const concerned = sessions.filter(
      (session) =>
        this.#isPast(session) ||
        isOver(session.login) ||
        session.viewers.some(({ identity }) => isOver(identity.login)),
    );
    if (concerned.length === 0) return;
    try {
      await this.recheck(concerned);
    } catch (failure) {
      // That a time is over was an answer of the database, given before.
      for (const session of concerned.filter((session) => this.#isPast(session))) this.#revoke(session, TIME_IS_OVER);
      throw failure;
    }
  }

  /** Whoever takes a login away writes why at the same moment: a look that comes before the command was heard finds it written. */
  async #isWithdrawn(loginDigest: string): Promise<boolean> {
    const { commands } = this.#parts.store.urgent;
    const { lastSequence } = await commands.news();
    const last = await commands.after(Math.max(0, lastSequence - LAST_COMMANDS), LAST_COMMANDS);
    return last.some(
      ({ command }) =>
        command.kind === 'end-login' && command.loginDigest === loginDigest && command.isWithdrawn === true,
    );
  }

  #isPast({ accessUntil }: HostedSession): boolean {
    return accessUntil !== undefined && this.#parts.clock.now() >= accessUntil;
  }

  #revoke(session: HostedSession, { code, words }: Objection): void {
    if (session.state === 'ended') return;
    const event: AuditEvent = {
      action: 'session.revoked',
      actor: { kind: 'system', name: this.#parts.nodeId },
      object: { kind: 'session', id: session.id, name: session.targetName },
      outcome: 'success',
      reason: words,
    };
    void this.#afterwards.write([() => this.#parts.audit.append(event)]);
    void session.end({ reason: code, detail: words, fault: new Fault(code, words) });
  }
}
