import { Fault } from '@enchilada/core/fault';
import { giveBack } from '../../shared/give-back.ts';

const ARENA_BYTES = 256 * 1024;
/** So many are kept while a flood lasts; more are given back. */
const MOST_SPARE = 8;

/** Where entries are laid out. `users`: views of chunks that are not sealed, and parts of batches that are not encrypted. */
export interface Arena {
  readonly buffer: Buffer;
  users: number;
}

/** The memory of the journal, used again and again. INVARIANT: what has users is written to by nobody. */
export class Arenas {
  readonly #owners = new WeakMap<ArrayBufferLike, Arena>();
  readonly #spare: Arena[] = [];
  #atLook: Arena | undefined;
  /** The one that is being filled. */
  current = this.#make(ARENA_BYTES);

  /** Another one with room for so many bytes is filled from here on. */
  renew(bytes: number): void {
    const full = this.current;
    this.current = (bytes <= ARENA_BYTES ? this.#spare.pop() : undefined) ?? this.#make(Math.max(ARENA_BYTES, bytes));
    if (full.users === 0) this.#putAway(full);
  }

  leave(arena: Arena): void {
    if (--arena.users === 0 && arena !== this.current) this.#putAway(arena);
  }

  /** The chunk that was made of these views is sealed. */
  forget(views: readonly Buffer[]): void {
    for (const { buffer } of views) {
      const arena = this.#owners.get(buffer);
      if (arena === undefined) throw new Fault('INTERNAL', 'a view is not of this journal');
      this.leave(arena);
    }
  }

  /** Now and then: where one arena lasts from one look to the next, the flood is over. */
  look(): void {
    if (this.current === this.#atLook) for (const { buffer } of this.#spare.splice(0)) giveBack(buffer);
    this.#atLook = this.current;
  }

  #make(bytes: number): Arena {
    const arena = { buffer: Buffer.allocUnsafeSlow(bytes), users: 0 };
    this.#owners.set(arena.buffer.buffer, arena);
    return arena;
  }

  #putAway(arena: Arena): void {
    if (arena.buffer.length === ARENA_BYTES && this.#spare.length < MOST_SPARE) this.#spare.push(arena);
    else giveBack(arena.buffer);
  }
}
