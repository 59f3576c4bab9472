import { Fault, toFault } from '../fault/index.ts';
import { identifyLogin } from '../identity/index.ts';
import type { LoginLimits, VerifiedIdentity } from '../identity/index.ts';
import type { BrokerParts } from './broker-parts.ts';
import type { HostedSession } from './hosted-session.ts';
import type { SessionAccess } from './session-access.ts';
import type { Viewer } from './viewer.ts';

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
    for (const session of sessions) {
      const identity = await this.#identify(session.loginDigest);
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

  /** Sends viewers away; the session goes on. */
  dismiss(viewers: readonly Viewer[]): void {
    for (const viewer of viewers) {
      viewer.control.send({
        type: 'ended',
        reason: 'SESSION_REVOKED',
        fault: { code: 'SESSION_REVOKED', facts: {} },
      });
      viewer.close();
    }
  }

  async #identify(loginDigest: string): Promise<VerifiedIdentity | undefined> {
    const found = await this.#parts.store.now.logins.findWithUser(loginDigest);
    const { absoluteMs } = this.#loginLimits;
    return found === undefined
      ? undefined
      : identifyLogin(found, { idleMs: Infinity, absoluteMs }, this.#parts.clock.now());
  }

  async #recheckWatchers(session: HostedSession): Promise<void> {
    for (const viewer of session.viewers) {
      const { mode, userId, loginDigest } = viewer.identity;
      if (mode !== 'watch') continue;
      const isSignedIn = (await this.#identify(loginDigest)) !== undefined;
      const may = userId === session.userId || (await this.#access.stillMayWatch(userId, session.targetId));
      if (!isSignedIn || !may) this.dismiss([viewer]);
    }
  }
}
