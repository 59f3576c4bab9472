import type { AuditEvent } from '../audit/index.ts';
import { Fault } from '../fault/index.ts';
import type { Afterwards } from './afterwards.ts';
import type { BrokerParts } from './broker-parts.ts';
import type { HostedSession } from './hosted-session.ts';
import { RightsCheck } from './rights-check.ts';

/** Takes sessions from people who may no longer have them. */
export class Revocation {
  readonly #parts: BrokerParts;
  readonly #afterwards: Afterwards;

  constructor(parts: BrokerParts, afterwards: Afterwards) {
    this.#parts = parts;
    this.#afterwards = afterwards;
  }

  /** Asks for each session whether its person, and each watcher, may still have it. */
  async recheck(sessions: readonly HostedSession[]): Promise<void> {
    const check = new RightsCheck(this.#parts);
    for (const session of sessions) {
      const objection = await check.objection({
        ...{ loginDigest: session.login.digest, mode: 'control', session },
        address: session.address,
      });
      if (objection !== undefined) {
        this.#revoke(session, objection);
        continue;
      }
      for (const viewer of session.viewers) {
        const { login, mode, address } = viewer.identity;
        const hold = { loginDigest: login.digest, mode, address, session };
        if (mode === 'watch' && (await check.objection(hold)) !== undefined)
          session.dismiss(viewer, new Fault('SESSION_REVOKED', 'the right to watch was withdrawn'));
      }
    }
  }

  /** Logins whose time is over: nobody says so, the clock does. */
  async recheckExpired(sessions: readonly HostedSession[]): Promise<void> {
    const { clock, loginLimits } = this.#parts;
    const { absoluteMs } = loginLimits();
    const now = clock.now();
    const isOver = ({ createdAt, expiresAt }: { readonly createdAt: number; readonly expiresAt: number }): boolean =>
      now >= Math.min(expiresAt, createdAt + absoluteMs);
    const concerned = sessions.filter(
      ({ login, viewers }) => isOver(login) || viewers.some(({ identity }) => isOver(identity.login)),
    );
    if (concerned.length > 0) await this.recheck(concerned);
  }

  #revoke(session: HostedSession, words: string): void {
    if (session.state === 'ended') return;
    const event: AuditEvent = {
      action: 'session.revoked',
      actor: { kind: 'system', name: this.#parts.nodeId },
      object: { kind: 'session', id: session.id },
      outcome: 'success',
      reason: words,
    };
    void this.#afterwards.write([() => this.#parts.audit.append(event)]);
    void session.end({ reason: 'SESSION_REVOKED', detail: words, fault: new Fault('SESSION_REVOKED', words) });
  }
}
