import type { Client } from '../login/client.ts';
import type { Io } from './io.ts';

interface OptionBase {
  /** One clause for the help. */
  readonly says: string;
}

export type Option = OptionBase &
  (
    | { readonly type: 'boolean' }
    | {
        readonly type: 'string';
        /** What stands for the value in the help. */ readonly value: string;
        readonly multiple?: true;
      }
  );
export type Options = Readonly<Record<string, Option>>;

type OptionValue<O extends Option> = O extends { readonly type: 'boolean' }
  ? boolean
  : O extends { readonly multiple: true }
    ? readonly string[]
    : string;
export type OptionValues<O extends Options> = { readonly [K in keyof O]?: OptionValue<O[K]> };

/** What a command found out, as data and as lines for people; the frame prints one of the two, escaped. */
export interface Outcome {
  /** Undefined: the command wrote its result itself, as a stream. */
  readonly value: unknown;
  readonly lines: readonly string[];
  /** 0 where it is absent. */
  readonly exitCode?: number;
}

export interface CommandContext<O extends Options = Options> {
  readonly io: Io;
  readonly options: OptionValues<O>;
  /** The words after the command, as many as `words` names. */
  readonly words: readonly string[];
  /** A remark for the person on standard error, escaped. */
  note(text: string): void;
  /** The signed-in client. @throws CommandFailure 3 */
  client(): Promise<Client>;
}

export interface Command {
  /** `['targets', 'add']` is `enchilada targets add`. */
  readonly path: readonly [string, ...string[]];
  readonly summary: string;
  /** Words after the command, in order; `NAME?` may be left out. */
  readonly words: readonly string[];
  readonly options: Options;
  /** Further paragraphs of the help. */
  readonly details: readonly string[];
  /** Its words are all that stands behind it, options too, unread. */
  readonly ownArguments?: true;
  /** What every failure exits with, where the command gives the usual codes another meaning. */
  readonly failsWith?: 1;
  run(context: CommandContext): Promise<Outcome>;
}

interface CommandParts<O extends Options> {
  readonly words?: readonly string[];
  readonly options?: O;
  readonly details?: readonly string[];
  readonly failsWith?: 1;
  readonly summary: string;
  readonly run: (context: CommandContext<O>) => Promise<Outcome>;
}

/** Declares a command; the options' types follow from their declaration. */
export function command<const O extends Options = Readonly<Record<never, never>>>(
  path: string,
  parts: CommandParts<O>,
): Command {
  const { words = [], details = [], summary } = parts;
  return {
    path: path.split(' ') as [string, ...string[]],
    summary,
    words,
    details,
    options: parts.options ?? {},
    ...(parts.failsWith === undefined ? {} : { failsWith: parts.failsWith }),
    run: (context) => parts.run(context as CommandContext<O>),
  };
}

export function done(value: unknown, ...lines: readonly string[]): Outcome {
  return { value, lines };
}
