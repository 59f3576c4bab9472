import { Fault } from '../fault/index.ts';
import type { NodeCommand } from '../store/index.ts';
import type { BrokerParts } from './broker-parts.ts';
import type { HostedSession } from './hosted-session.ts';
import type { Revocation } from './revocation.ts';
import type { LoginLife } from './viewer.ts';

const AT_ONCE = 100;

export interface NodeCommandsParts extends Pick<BrokerParts, 'store' | 'clock' | 'limits'> {
  readonly revocation: Revocation;
  /** The sessions that this node holds. */
  readonly live: () => readonly HostedSession[];
}

/** Reads from the database what other nodes ask of this one and what was withdrawn, and does it. */
export class NodeCommands {
  readonly #parts: NodeCommandsParts;
  #commandsRead = -1;
  #catalogSeen = -1;
  /** When the database was last read: what was withdrawn until then is heard of. */
  #viewAtMs: number;
  /** The last question was not answered. A process that merely slept asks before it judges. */
  #isBlind = false;

  constructor(parts: NodeCommandsParts) {
    this.#parts = parts;
    this.#viewAtMs = parts.clock.monotonicMs();
  }

  /** What was asked until now is nobody's business any more. */
  async start(): Promise<void> {
    const { store, clock } = this.#parts;
    const { lastSequence, catalogVersion } = await store.now.commands.news();
    this.#commandsRead = lastSequence;
    this.#catalogSeen = catalogVersion;
    this.#viewAtMs = clock.monotonicMs();
  }

  /** Nothing could be heard for so long that rights may have been withdrawn unheard. */
  get isStale(): boolean {
    const { clock, limits } = this.#parts;
    return this.#isBlind && clock.monotonicMs() - this.#viewAtMs >= limits.staleViewMs;
  }

  async poll(): Promise<void> {
    try {
      await this.#read();
      this.#isBlind = false;
    } catch (failure) {
      this.#isBlind = true;
      throw failure;
    }
  }

  async obey(command: NodeCommand): Promise<void> {
    const { revocation } = this.#parts;
    const live = this.#parts.live();
    switch (command.kind) {
      case 'end-session': {
        const { reason, detail } = command;
        const fault =
          reason === 'SESSION_TERMINATED'
            ? new Fault('SESSION_TERMINATED', detail, { facts: { words: detail } })
            : undefined;
        const session = live.find(({ id }) => id === command.sessionId);
        void session?.end({ reason, detail, ...(fault === undefined ? {} : { fault }) });
        return;
      }
      case 'end-login': {
        const isConcerned = ({ digest }: LoginLife): boolean => digest === command.loginDigest;
        await revocation.recheck(
          live.filter(
            ({ login, viewers }) => isConcerned(login) || viewers.some(({ identity }) => isConcerned(identity.login)),
          ),
          command.isWithdrawn === true ? command.loginDigest : undefined,
        );
        return;
      }
      case 'recheck-user':
        await revocation.recheck(
          live.filter(
            (session) =>
              session.userId === command.userId ||
              session.viewers.some(({ identity }) => identity.userId === command.userId),
          ),
        );
        return;
      case 'recheck-all':
        await revocation.recheck(live);
        return;
    }
  }

  async #read(): Promise<void> {
    const { store, clock, revocation, live } = this.#parts;
    const { commands } = store.urgent;
    const askedAtMs = clock.monotonicMs();
    const { lastSequence, catalogVersion } = await commands.news();
    const asked = lastSequence === this.#commandsRead ? [] : await commands.after(this.#commandsRead, AT_ONCE);
    for (const { sequence, command } of asked) {
      await this.obey(command);
      this.#commandsRead = sequence;
    }
    // Some of them may have been tidied away since.
    if (asked.length < AT_ONCE) this.#commandsRead = Math.max(this.#commandsRead, lastSequence);
    // Whoever changed a machine, a group, a grant or a membership, by whatever way: the version has risen.
    if (catalogVersion !== this.#catalogSeen) await revocation.recheck(live());
    this.#catalogSeen = catalogVersion;
    this.#viewAtMs = askedAtMs;
  }
}
