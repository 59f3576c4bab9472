import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sqlite } from '@enchilada/adapters/store/sqlite';
import type { GrantConditions } from '@enchilada/core/access';
import type { AuditEvent, AuditLog } from '@enchilada/core/audit';
import type { EngineSession, ProtocolEngine } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import { identifyLogin, type LoginRecord, type VerifiedIdentity } from '@enchilada/core/identity';
import type { Recorder } from '@enchilada/core/recording';
import {
  type Attached,
  DEFAULT_SESSION_LIMITS,
  type FreshLook,
  SessionBroker,
  type SessionEvent,
  type ViewerWindow,
} from '@enchilada/core/session';
import type { Store } from '@enchilada/core/store';
import type { Target } from '@enchilada/core/target';
import { aGrant, aLogin, aTarget, aUser } from '@enchilada/core/testing/store-fixture';
import type { Clock } from '@enchilada/core/time';
import { MANIFEST } from './gateway-fixture.ts';

interface Timer {
  readonly periodMs: number;
  readonly work: () => void;
  dueMs: number;
}

/** A clock that only the test moves; what is due runs on the way. */
class ManualClock implements Clock {
  #time = 1_800_000_000_000;
  readonly #timers = new Set<Timer>();
  readonly #afterDatabase: () => Promise<void>;

  /** @param afterDatabase resolves once the database has answered all that it was asked before */
  constructor(afterDatabase: () => Promise<void>) {
    this.#afterDatabase = afterDatabase;
  }

  now(): number {
    return this.#time;
  }

  monotonicMs(): number {
    return this.#time;
  }

  after(delayMs: number, work: () => void): Disposable {
    const timer: Timer = {
      periodMs: Infinity,
      dueMs: this.#time + delayMs,
      work: () => {
        this.#timers.delete(timer);
        work();
      },
    };
    return this.#keep(timer);
  }

  every(periodMs: number, work: () => void): Disposable {
    return this.#keep({ periodMs, work, dueMs: this.#time + periodMs });
  }

  /** All at once: what is due runs once, and asks the database up to twenty questions one after the other. */
  async leap(ms: number): Promise<void> {
    this.#time += ms;
    for (const timer of [...this.#timers]) {
      if (timer.dueMs > this.#time) continue;
      timer.dueMs = this.#time + timer.periodMs;
      timer.work();
    }
    for (let turn = 0; turn < 20; turn += 1) {
      await this.#afterDatabase();
      await new Promise(setImmediate);
    }
  }

  async seconds(count: number): Promise<void> {
    for (let second = 0; second < count; second += 1) await this.leap(1_000);
  }

  #keep(timer: Timer): Disposable {
    this.#timers.add(timer);
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) };
  }
}

export interface OpenedSession {
  readonly id: string;
  readonly attached: Attached;
  /** What the viewer was told. */
  readonly events: readonly SessionEvent[];
}

const ADDRESS = '192.0.2.9';
const DISPLAY = { columns: 80, rows: 24 };

/** The broker on a real store, with a machine that is a stub and a clock that is the test's. */
export class SessionRig implements AsyncDisposable {
  readonly clock = new ManualClock(async () => void (await this.#real.now.users.countEnabledAdministrators()));
  readonly audited: AuditEvent[] = [];
  /** Hosts in the order in which they were dialled. */
  readonly dialled: string[] = [];
  /** What is learnt of a machine right before it is dialled. */
  lookAgain: (target: Target) => Promise<FreshLook> = () => Promise.resolve({ isChanged: false });
  /** While true, the database answers nothing. */
  isAway = false;
  readonly loginLimits = { idleMs: 15 * 60_000, absoluteMs: 48 * 3_600_000 };
  readonly #folder = mkdtempSync(join(tmpdir(), 'enchilada-rig-'));
  readonly #real: Store = sqlite({ file: join(this.#folder, 'store.db') });
  readonly broker: SessionBroker;

  private constructor() {
    const engine: ProtocolEngine = {
      manifest: MANIFEST,
      open: ({ hops }) => {
        this.dialled.push(...hops.map(({ leave }) => leave.target.host));
        return Promise.resolve(stubSession());
      },
    };
    this.broker = new SessionBroker({
      ...{ nodeId: 'node-1', softwareVersion: '0', store: this.store, audit: this.#audit, builtIns: new Map() },
      issuers: new Map(),
      lookAgain: (target) => this.lookAgain(target),
      vault: { seal: never, unseal: never },
      authority: { issue: never, makeKey: never, trust: () => ({ file: '', steps: { en: '', de: '' } }) },
      engines: new Map([['proto', engine]]),
      recorder: {} as Recorder,
      recording: { mode: 'off', allowExempt: false, input: 'off', desktopInput: 'off', retentionMs: 0 },
      histories: () => undefined,
      limits: DEFAULT_SESSION_LIMITS,
      ...{
        sessionsPerUser: 100,
        allowCleartext: false,
        clock: this.clock,
        hasher: () => assert.fail(),
        passing: () => assert.fail(),
      },
      random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
      digest: (text) => createHash('sha256').update(text).digest('hex'),
      observe: () => undefined,
      report: () => undefined,
      loginLimits: () => this.loginLimits,
      isMember: () => Promise.resolve(true),
    });
  }

  static async start(): Promise<SessionRig> {
    const rig = new SessionRig();
    await rig.#real.migrate();
    await rig.broker.start();
    return rig;
  }

  /** The store as the broker sees it: away when the test says so. */
  get store(): Store {
    return new Proxy(this.#real, {
      get: (real, name) => {
        if (this.isAway && (name === 'now' || name === 'urgent')) return AWAY;
        const value = Reflect.get(real, name, real) as unknown;
        return typeof value === 'function' ? (value.bind(real) as unknown) : value;
      },
    });
  }

  /** Somebody opens a machine and has it live. @param loginMs how long their login lasts */
  async open(
    loginMs = 48 * 3_600_000,
    conditions?: GrantConditions,
    factor?: LoginRecord['factor'],
  ): Promise<OpenedSession> {
    const { now } = this.#real;
    const [user, target] = [aUser(), aTarget({ protocol: 'proto' })];
    await now.users.insert(user);
    await now.catalog.insertTarget(target);
    const login = aLogin(user.id, {
      createdAt: this.clock.now(),
      lastSeenAt: this.clock.now(),
      provedAt: this.clock.now(),
      factor,
      expiresAt: this.clock.now() + loginMs,
    });
    await now.logins.insert(login);
    const scope = { kind: 'target', id: target.id } as const;
    const only = conditions === undefined ? {} : { conditions };
    await now.grants.insert(aGrant({ kind: 'user', id: user.id }, { id: `grt_${user.id}`, scope, ...only }));
    const { session } = await this.broker.request(await this.#identity(login.digest), { targetId: target.id }, ADDRESS);
    return this.#attach(session.id, login.digest);
  }

  /** The person's page goes; the session stays. */
  async leave({ attached }: OpenedSession): Promise<void> {
    await this.broker.detach(attached);
  }

  /** The person's page comes back, or another of theirs asks. @throws Fault VIEWER_REPLACED */
  comeBack({ id, attached }: OpenedSession, window?: ViewerWindow): Promise<OpenedSession> {
    return this.#attach(id, attached.session.login.digest, window);
  }

  /** Another window of the same person, which only looks on. @throws Fault VIEWER_LIMIT */
  async watch({ id, attached: { session } }: OpenedSession, window: string): Promise<Attached> {
    return this.#lookOn(id, session.login.digest, { window, events: [] });
  }

  /** Somebody whom the owner of the session invites, and who may watch its machine besides where `byGrant` says so. */
  async onlooker(
    { attached: { session } }: OpenedSession,
    { byGrant }: { readonly byGrant: boolean },
  ): Promise<LoginRecord> {
    const { now } = this.#real;
    const user = aUser();
    await now.users.insert(user);
    const at = this.clock.now();
    const login = aLogin(user.id, { createdAt: at, lastSeenAt: at, provedAt: at, expiresAt: at + 3_600_000 });
    await now.logins.insert(login);
    const rights = (userId: string, action: 'share' | 'watch') =>
      now.grants.insert({
        ...{ id: `grt_${action}_${user.id}`, subject: { kind: 'user', id: userId }, actions: [action] },
        ...{ scope: { kind: 'target', id: session.targetId }, createdAt: 1, createdBy: userId },
      });
    await rights(session.userId, 'share');
    if (byGrant) await rights(user.id, 'watch');
    await now.invitations.insertWithin(
      {
        ...{ id: `inv_${user.id}`, sessionId: session.id, username: user.username, guestId: user.id },
        ...{ createdAt: at, expiresAt: at + 3_600_000 },
      },
      1_000,
    );
    return login;
  }

  /** @throws Fault VIEWER_LIMIT */
  async lookOn(
    { id }: OpenedSession,
    { digest }: LoginRecord,
    window: string,
  ): Promise<{ readonly attached: Attached; readonly events: readonly SessionEvent[] }> {
    const events: SessionEvent[] = [];
    return { attached: await this.#lookOn(id, digest, { window, events }), events };
  }

  async #lookOn(
    sessionId: string,
    loginDigest: string,
    { window, events }: { readonly window: string; readonly events: SessionEvent[] },
  ): Promise<Attached> {
    return this.broker.attachControl({
      redeemed: { sessionId, viewerId: `vwr_${window}`, mode: 'watch' },
      ...{ identity: await this.#identity(loginDigest), address: ADDRESS, display: DISPLAY },
      control: { send: (event) => void events.push(event), close: () => undefined },
      loginPassword: () => Promise.resolve(undefined),
    });
  }

  async #attach(sessionId: string, loginDigest: string, window?: ViewerWindow): Promise<OpenedSession> {
    const events: SessionEvent[] = [];
    const attached = await this.broker.attachControl({
      redeemed: { sessionId, viewerId: `vwr_${sessionId}`, mode: 'control' },
      identity: await this.#identity(loginDigest),
      address: ADDRESS,
      display: DISPLAY,
      window,
      control: { send: (event) => void events.push(event), close: () => undefined },
      loginPassword: () => Promise.resolve(undefined),
    });
    while (!['live', 'ended'].includes(attached.session.state)) await new Promise(setImmediate);
    return { id: sessionId, attached, events };
  }

  async #identity(loginDigest: string): Promise<VerifiedIdentity> {
    const found = await this.#real.now.logins.findWithUser(loginDigest);
    const identity = found && identifyLogin(found, this.loginLimits, this.clock.now());
    if (identity === undefined) throw new Error('the login does not hold');
    return identity;
  }

  type({ attached: { session, viewer } }: OpenedSession): void {
    session.input(viewer, Buffer.from('x'));
  }

  /** Why it ended, as its viewer was told; undefined while it runs. */
  endOf({ events }: OpenedSession): string | undefined {
    const end = events.find((event) => event.type === 'ended');
    return end?.type === 'ended' ? end.reason : undefined;
  }

  /** Gives everybody who has a session so much more. */
  async alsoGrant(session: OpenedSession, conditions: GrantConditions): Promise<void> {
    const { userId, targetId } = session.attached.session;
    const scope = { kind: 'target', id: targetId } as const;
    await this.#real.now.grants.insert(aGrant({ kind: 'user', id: userId }, { scope, conditions }));
  }

  /** What the grant of whoever has the session asks for from now on. */
  async askOf(session: OpenedSession, conditions: GrantConditions): Promise<void> {
    const { userId, targetId } = session.attached.session;
    const { grants } = this.#real.now;
    await grants.delete(`grt_${userId}`);
    const scope = { kind: 'target', id: targetId } as const;
    await grants.insert(aGrant({ kind: 'user', id: userId }, { id: `grt_${userId}`, scope, conditions }));
  }

  /** The person proves themselves by something else. */
  async prove({ attached: { session } }: OpenedSession, factor: NonNullable<LoginRecord['factor']>): Promise<void> {
    const { digest } = session.login;
    const found = await this.#real.now.logins.findWithUser(digest);
    assert.ok(found);
    const { cookieDigest, expiresAt, sealedPassword } = found.login;
    const change = { cookieDigest, expiresAt, sealedPassword, factor, provedAt: this.clock.now() };
    assert.equal(await this.#real.now.logins.stepUp(digest, cookieDigest, change), true);
  }

  async written(id: string): Promise<string | undefined> {
    return (await this.#real.now.sessions.find(id))?.endReason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.isAway = false;
    await this.broker[Symbol.asyncDispose]();
    await this.#real[Symbol.asyncDispose]();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #audit(): AuditLog {
    return {
      append: (event) => {
        if (this.isAway) return Promise.reject(new Fault('STORE_UNAVAILABLE', 'the database is away'));
        this.audited.push(event);
        const hash = '0'.repeat(64);
        return Promise.resolve({ ...event, node: 'n', sequence: this.audited.length, at: 0, previous: hash, hash });
      },
    };
  }
}

/** Repositories that answer nothing. */
const AWAY: unknown = new Proxy(
  {},
  {
    get: () =>
      new Proxy({}, { get: () => () => Promise.reject(new Fault('STORE_UNAVAILABLE', 'the database is away')) }),
  },
);

function never(): Promise<never> {
  return Promise.reject(new Fault('CREDENTIAL_UNAVAILABLE', 'nothing is sealed here'));
}

function stubSession(): EngineSession {
  return {
    facts: {},
    ended: new Promise(() => undefined),
    input: () => true,
    onInputDrained: () => undefined,
    control: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
