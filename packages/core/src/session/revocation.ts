import { Fault, toFault } from '../fault/index.ts';
import { identifyLogin } from '../identity/index.ts';
import type { LoginLimits } from '../identity/index.ts';
import type { BrokerParts } from './broker-parts.ts';
import type { HostedSession } from './hosted-session.ts';
import type { SessionAccess } from './session-access.ts';

/** Takes sessions from people who may no longer have them. */
export class Revocation {
  readonly #parts: BrokerParts;
  readonly #access: SessionAccess;
  readonly #loginLimits: LoginLimits;

  constructor(parts: BrokerParts, access: SessionAccess, loginLimits: LoginLimits) {
    this.#parts = parts;
    this.#access = access;
    this.#loginLimits = loginLimits;
  }

  /** Asks for each session whether its person, and each watcher, may still have it. */
  async recheck(sessions: readonly HostedSession[]): Promise<void> {
    const { store, clock } = this.#parts;
    for (const session of sessions) {
      const found = await store.now.logins.findWithUser(session.loginDigest);
      const identity =
        found === undefined
          ? undefined
          : identifyLogin(found, { idleMs: Infinity, absoluteMs: this.#loginLimits.absoluteMs }, clock.now());
      if (identity === undefined) {
        this.revoke(session, 'the login ended');
        continue;
      }
      try {
        const leave = await this.#access.authorize(identity, session.targetId);
        if (!leave.actions.has('connect')) this.revoke(session, 'the grant was withdrawn');
        else await this.#recheckWatchers(session);
      } catch (failure) {
        const fault = toFault(failure);
        // INVARIANT: a database that does not answer ends no session; only an answer does.
        if (fault.code === 'NOT_FOUND') this.revoke(session, 'the grant was withdrawn');
        else throw fault;
      }
    }
  }

  revoke(session: HostedSession, words: string): void {
    void this.#parts.audit
      .append({
        action: 'session.revoked',
        actor: { kind: 'system', name: this.#parts.nodeId },
        object: { kind: 'session', id: session.id },
        outcome: 'success',
        reason: words,
      })
      .catch((cause: unknown) => {
        this.#parts.report('a revocation could not be audited', cause);
      });
    void session.end({ reason: 'SESSION_REVOKED', detail: words, fault: new Fault('SESSION_REVOKED', words) });
  }

  async #recheckWatchers(session: HostedSession): Promise<void> {
    for (const viewer of session.viewers) {
      const { mode, userId } = viewer.identity;
      if (mode !== 'watch' || userId === session.userId) continue;
      if (await this.#access.stillMayWatch(userId, session.targetId)) continue;
      viewer.control.send({
        type: 'ended',
        reason: 'SESSION_REVOKED',
        fault: { code: 'SESSION_REVOKED', facts: {} },
      });
      viewer.close();
    }
  }
}
