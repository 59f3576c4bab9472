import {
  approvalRequired,
  authorizeFiles,
  authorizeTarget,
  longestMs,
  openingActions,
  restsOn,
} from '../access/index.ts';
import type { AccessFacts, AuthorizedTarget, Grant } from '../access/index.ts';
import type { ClipboardRights } from '../engine/index.ts';
import { Fault, isFault } from '../fault/index.ts';
import { requireRecentProof } from '../identity/index.ts';
import type { VerifiedIdentity } from '../identity/index.ts';
import type { Store } from '../store/index.ts';
import type { TargetGroup } from '../target/index.ts';
import { passesToOpen, passOfSession } from './passes.ts';
import { mayHold, proofOf, RightsCheck } from './rights-check.ts';
import type { RightsCheckParts } from './rights-check.ts';
import type { FileRights } from './session-files.ts';
import type { BrokerParts } from './broker-parts.ts';
import type { SessionRecord, ViewerMode } from './session.ts';

/** What somebody wants to open, and whether only to look. */
export interface OpeningWish {
  readonly targetId: string;
  readonly viewOnly?: boolean;
}

/** What the policy function refuses with. */
const NO_LEAVE = ['NOT_FOUND', 'ACCESS_NOT_NOW', 'APPROVAL_REQUIRED', 'STEP_UP_REQUIRED'] as const;

/** Asks the policy function with what the store holds now: nothing about rights is kept between two questions. */
export class SessionAccess {
  readonly #store: Pick<Store, 'now'>;
  readonly #clock: BrokerParts['clock'];
  readonly #digest: BrokerParts['digest'];
  readonly #checks: () => RightsCheck;

  constructor(parts: RightsCheckParts) {
    const { store, clock, digest } = parts;
    this.#checks = () => new RightsCheck(parts);
    this.#store = store;
    this.#clock = clock;
    this.#digest = digest;
  }

  /** @throws Fault NOT_FOUND, ACCESS_NOT_NOW, APPROVAL_REQUIRED, STEP_UP_REQUIRED */
  async #authorize(
    identity: VerifiedIdentity,
    targetId: string,
    { address, session }: { readonly address: string; readonly session?: SessionRecord },
  ): Promise<AuthorizedTarget> {
    const [target, facts] = await Promise.all([
      this.#store.now.catalog.findTarget(targetId),
      this.#facts(identity, { address, ...(session === undefined ? {} : { session }) }),
    ]);
    return authorizeTarget(identity, target, facts);
  }

  async #facts(
    identity: VerifiedIdentity,
    { address, session }: { readonly address: string; readonly session?: SessionRecord },
  ): Promise<AccessFacts> {
    const { now } = this.#store;
    const [grants, groups] = await Promise.all([
      now.grants.listFor(identity.user.id, identity.groupIds),
      now.catalog.listGroups(),
    ]);
    const asked = this.#clock.now();
    // The login that opened the session has given its proof when it was opened; a refresh asks for none.
    const provedBy = hasOpened(identity, session) ? session.requestedAt : asked;
    const circumstances = { now: asked, address, proofs: [proofOf(identity.login, provedBy)] };
    const of = { userId: identity.user.id, grants, now: circumstances.now, digest: this.#digest };
    const passes = await (session === undefined
      ? passesToOpen(this.#store, of)
      : passOfSession(this.#store, session.grantId, of));
    return { grants: [...grants, ...passes], groups: byId(groups), circumstances };
  }

  /**
   * Leave to open the machine now, with the proof that it asks for. Where a proof or an approval would let the person connect, that is asked for,
   * unless they want no more than to look; where nothing would, they look.
   * @throws Fault NOT_FOUND, ACCESS_NOT_NOW, APPROVAL_REQUIRED, STEP_UP_REQUIRED
   */
  async mayOpen(
    identity: VerifiedIdentity,
    wish: OpeningWish,
    address: string,
  ): Promise<{ readonly leave: AuthorizedTarget; readonly viewOnly: boolean }> {
    const leave = await this.#authorize(identity, wish.targetId, { address });
    const viewOnly = wish.viewOnly === true || !mayConnectSomehow(leave);
    if (!openingActions(viewOnly).some((action) => leave.actions.has(action))) {
      const proof = leave.stepUp('connect') ?? (viewOnly ? leave.stepUp('view-only') : undefined);
      if (proof !== undefined) throw proof;
      if (leave.askable.length > 0) throw approvalRequired();
      throw new Fault('NOT_FOUND', 'there is no such machine');
    }
    this.requireProof(leave);
    return { leave, viewOnly };
  }

  /** Control is the person's own; watching needs the grant or an invitation, or is the person's own. @throws Fault NOT_FOUND, ACCESS_NOT_NOW, SESSION_ENDED, STEP_UP_REQUIRED */
  async mayView(
    identity: VerifiedIdentity,
    session: SessionRecord | undefined,
    view: { readonly mode: ViewerMode; readonly address: string },
  ): Promise<AuthorizedTarget> {
    if (session === undefined) throw new Fault('NOT_FOUND', 'there is no such session');
    const own = session.userId === identity.user.id;
    const guest = own || view.mode === 'control' ? undefined : await this.guestOf(identity, session, view.address);
    const leave = guest ?? (await this.#authorize(identity, session.targetId, { address: view.address, session }));
    if (guest === undefined && !mayHold(leave, { session, isOwn: own, mode: view.mode })) {
      const proof = view.mode === 'watch' ? leave.stepUp('watch') : own ? proofToOpen(leave, session) : undefined;
      throw proof ?? new Fault('NOT_FOUND', 'there is no such session');
    }
    if (session.state === 'ended') throw new Fault('SESSION_ENDED', 'the session has ended');
    if (!hasOpened(identity, session)) this.requireProof(leave);
    return leave;
  }

  /** The leave of somebody whom the owner of the session invited, while the owner may share it. */
  async guestOf(
    identity: VerifiedIdentity,
    session: SessionRecord,
    address: string,
  ): Promise<AuthorizedTarget | undefined> {
    const guest = await this.#checks().guest({ login: identity.login, mode: 'watch', address, session });
    return guest !== undefined && (await this.mayShare(session)) ? guest : undefined;
  }

  /** Whether somebody may look on at another's session without its owner's leave. */
  async watchesByGrant(
    identity: VerifiedIdentity,
    session: SessionRecord | undefined,
    address: string,
  ): Promise<boolean> {
    if (session === undefined || session.userId === identity.user.id) return false;
    try {
      return (await this.#authorize(identity, session.targetId, { address, session })).actions.has('watch');
    } catch (failure) {
      if (NO_LEAVE.some((code) => isFault(failure, code))) return false;
      throw failure;
    }
  }

  /** Judged by the login that opened it: where that is over, nobody else is let in. */
  async mayShare(session: SessionRecord): Promise<boolean> {
    const found = await this.#store.now.logins.findWithUser(session.loginDigest);
    if (found === undefined) return false;
    const { login } = found;
    const hold = { login, mode: 'control', address: session.address, session } as const;
    const judgement = await this.#checks().judge(hold);
    return judgement.holds && judgement.actions.has('share');
  }

  /**
   * Leave for the files of the machine that the session's names, as that machine's grants say now. `mayView` has been asked before.
   * INVARIANT: a grant that counts its sessions, or limits how long they last, gives no more here than it gives a session.
   * @throws Fault NOT_FOUND
   */
  async mayReachFiles(leave: AuthorizedTarget, session: SessionRecord, address: string): Promise<AuthorizedTarget> {
    const { filesTargetId } = leave.target;
    if (filesTargetId === undefined) throw new Fault('NOT_FOUND', 'the machine names no other for its files');
    const [holder, facts] = await Promise.all([
      this.#store.now.catalog.findTarget(filesTargetId),
      this.#facts(leave.identity, { address, session }),
    ]);
    const now = this.#clock.now();
    const holds = (grant: Grant): boolean =>
      grant.effect === 'deny' ||
      (restsOn([grant], session.grantId).length > 0 && now < session.requestedAt + longestMs([grant]));
    return authorizeFiles(leave, holder, { ...facts, grants: facts.grants.filter(holds) });
  }

  /** @throws Fault STEP_UP_REQUIRED where the machine asks for a proof that the login has not given lately */
  requireProof({ target, identity }: AuthorizedTarget): void {
    if (target.proofMinutes === undefined) return;
    requireRecentProof(identity, { withinMs: target.proofMinutes * 60_000, factor: true }, this.#clock.now());
  }
}

function hasOpened(identity: VerifiedIdentity, session: SessionRecord | undefined): session is SessionRecord {
  return session?.userId === identity.user.id && session.loginDigest === identity.login.digest;
}

/** With what is missing, if that can be had. */
function mayConnectSomehow({ actions, stepUp, askable }: AuthorizedTarget): boolean {
  return actions.has('connect') || stepUp('connect') !== undefined || askable.length > 0;
}

function proofToOpen(leave: AuthorizedTarget, { viewOnly }: SessionRecord): Fault | undefined {
  return openingActions(viewOnly)
    .map((action) => leave.stepUp(action))
    .find((fault) => fault !== undefined);
}

function byId(groups: readonly TargetGroup[]): ReadonlyMap<string, TargetGroup> {
  return new Map(groups.map((group) => [group.id, group]));
}

export function clipboardRightsOf(actions: AuthorizedTarget['actions']): ClipboardRights {
  return { upload: actions.has('clipboard-in'), download: actions.has('clipboard-out') };
}

export function fileRightsOf(actions: AuthorizedTarget['actions']): FileRights {
  return { upload: actions.has('file-in'), download: actions.has('file-out') };
}
