import type { Prompt } from '../engine/index.ts';
import { Fault } from '../fault/index.ts';
import type { PresentedHostKey } from '../target/index.ts';
import type { Clock } from '../time/index.ts';
import type { SessionEvent, ViewerMessage } from './session-event.ts';

type Question = Extract<SessionEvent, { readonly id: string }>;

interface Open {
  readonly question: Question;
  readonly answer: (value: readonly string[] | boolean) => void;
  readonly abandon: () => void;
}

/** Questions to the person who opens a session. They are asked again of a viewer that reconnects, and abandoned after the time limit. */
export class Questions {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #ask: (event: SessionEvent) => void;
  readonly #open = new Map<string, Open>();
  #next = 1;

  constructor(clock: Clock, limitMs: number, ask: (event: SessionEvent) => void) {
    this.#clock = clock;
    this.#limitMs = limitMs;
    this.#ask = ask;
  }

  async prompt(prompt: Prompt): Promise<readonly string[]> {
    const id = this.#id();
    const value = await this.#put({ type: 'prompt', id, ...prompt });
    if (typeof value === 'boolean' || value.length !== prompt.fields.length) {
      throw new Fault('PROTOCOL_MESSAGE_INVALID', `the question has ${prompt.fields.length} fields`);
    }
    return value;
  }

  async hostKey(target: string, presented: PresentedHostKey): Promise<boolean> {
    const { keyType, fingerprint } = presented;
    return (await this.#put({ type: 'host-key', id: this.#id(), target, keyType, fingerprint })) === true;
  }

  pending(): readonly SessionEvent[] {
    return [...this.#open.values()].map(({ question }) => question);
  }

  answer(message: Extract<ViewerMessage, { readonly id: string }>): void {
    const open = this.#open.get(message.id);
    if (open === undefined) return;
    switch (message.type) {
      case 'answer':
        if (open.question.type === 'prompt') open.answer(message.answers);
        return;
      case 'host-key-answer':
        if (open.question.type === 'host-key') open.answer(message.accept);
        return;
      case 'cancel':
        open.abandon();
        return;
    }
  }

  abandonAll(): void {
    for (const open of this.#open.values()) open.abandon();
  }

  #id(): string {
    return `q${this.#next++}`;
  }

  #put(question: Question): Promise<readonly string[] | boolean> {
    return new Promise((resolve, reject) => {
      const done = (settle: () => void): void => {
        if (!this.#open.delete(question.id)) return;
        timer[Symbol.dispose]();
        settle();
      };
      const abandon = (): void => {
        done(() => {
          reject(new Fault('PROMPT_ABANDONED', 'the question was not answered'));
        });
      };
      const timer = this.#clock.after(this.#limitMs, abandon);
      this.#open.set(question.id, {
        question,
        answer: (value) => {
          done(() => {
            resolve(value);
          });
        },
        abandon,
      });
      this.#ask(question);
    });
  }
}
