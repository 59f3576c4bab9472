import type { Verb } from './protocol.ts';

/** `local`: what we do. `remote`: what the machine does. */
export type Side = 'local' | 'remote';

type OptionState = 'no' | 'yes' | 'asked';

export interface Negotiated {
  /** What must be sent, if anything. */
  readonly reply: { readonly verb: Verb; readonly option: number } | undefined;
  /** The option whose state changed, if it did. */
  readonly changed: { readonly side: Side; readonly option: number; readonly on: boolean } | undefined;
}

const NOTHING: Negotiated = { reply: undefined, changed: undefined };

/**
 * Which options are in force, by the Q method of [RFC 1143](https://www.rfc-editor.org/rfc/rfc1143) without its queue: we never ask for a
 * change while another of the same option is open. INVARIANT: a message that changes nothing is not answered, so no exchange goes on for ever.
 */
export class Negotiation {
  readonly #accepted: Readonly<Record<Side, ReadonlySet<number>>>;
  readonly #states: Record<Side, Map<number, OptionState>> = { local: new Map(), remote: new Map() };

  constructor(accepted: Readonly<Record<Side, ReadonlySet<number>>>) {
    this.#accepted = accepted;
  }

  isOn(side: Side, option: number): boolean {
    return this.#states[side].get(option) === 'yes';
  }

  /** Asks for an option; undefined where it was asked for or is on already. */
  ask(side: Side, option: number): Negotiated['reply'] {
    if ((this.#states[side].get(option) ?? 'no') !== 'no') return undefined;
    this.#states[side].set(option, 'asked');
    return { verb: side === 'local' ? 'WILL' : 'DO', option };
  }

  receive(verb: Verb, option: number): Negotiated {
    const side: Side = verb === 'WILL' || verb === 'WONT' ? 'remote' : 'local';
    return verb === 'WILL' || verb === 'DO' ? this.#offered(side, option) : this.#withdrawn(side, option);
  }

  #offered(side: Side, option: number): Negotiated {
    const state = this.#states[side].get(option) ?? 'no';
    if (state === 'yes') return NOTHING;
    if (state === 'no' && !this.#accepted[side].has(option))
      return { reply: { verb: side === 'local' ? 'WONT' : 'DONT', option }, changed: undefined };
    this.#states[side].set(option, 'yes');
    const reply = state === 'asked' ? undefined : ({ verb: side === 'local' ? 'WILL' : 'DO', option } as const);
    return { reply, changed: { side, option, on: true } };
  }

  #withdrawn(side: Side, option: number): Negotiated {
    const state = this.#states[side].get(option) ?? 'no';
    this.#states[side].set(option, 'no');
    if (state !== 'yes') return NOTHING;
    return { reply: { verb: side === 'local' ? 'WONT' : 'DONT', option }, changed: { side, option, on: false } };
  }
}
