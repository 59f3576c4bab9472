import { ApiProblem } from '@enchilada/contract';
import { isFault } from '@enchilada/core/fault';
import { nearestName } from '@enchilada/core/naming';
import { parseArgs } from 'node:util';
import { openClient } from '../login/client.ts';
import type { Command, CommandContext, OptionValues, Options } from './command.ts';
import { escapeJson, escapeText } from '@enchilada/core/text';
import { CommandFailure, type ExitCode, usage } from './exit-code.ts';
import { fileTrouble } from './file-trouble.ts';
import { COMMON_OPTIONS, commandHelp, overview } from './help.ts';
import type { Io } from './io.ts';

function isHelp(word: string | undefined): boolean {
  return word === undefined || word === '--help' || word === '-h' || word === 'help';
}

/** The longest path that the words begin with. */
function find(commands: readonly Command[], words: readonly string[]): Command | undefined {
  const matching = commands.filter((command) => command.path.every((part, index) => words[index] === part));
  return matching.toSorted((a, b) => b.path.length - a.path.length)[0];
}

function parse(
  command: Command,
  words: readonly string[],
): { readonly options: OptionValues<Options> & { json?: boolean; help?: boolean }; readonly words: readonly string[] } {
  const declared = { ...command.options, ...COMMON_OPTIONS };
  const options = Object.fromEntries(
    Object.entries(declared).map(([name, option]) => [name, { type: option.type, multiple: 'multiple' in option }]),
  );
  try {
    const { values, positionals } = parseArgs({ args: [...words], options, allowPositionals: true, strict: true });
    return { options: values as OptionValues<Options>, words: positionals };
  } catch (cause) {
    const [first = 'the command line cannot be read'] = (cause as Error).message.split(/\.(?:\s|$)/u);
    const unknown = /'(--[^']*)'/u.exec(first)?.[1];
    const meant =
      unknown === undefined || Object.hasOwn(declared, unknown.slice(2))
        ? undefined
        : nearestName(unknown.slice(2), Object.keys(declared));
    throw usage(
      `${first.charAt(0).toLowerCase()}${first.slice(1)}${meant === undefined ? '' : `; did you mean --${meant}?`}`,
    );
  }
}

function checkWords(command: Command, words: readonly string[]): void {
  const needed = command.words.filter((word) => !word.endsWith('?'));
  const missing = needed[words.length];
  if (missing !== undefined) throw usage(`${missing} is missing; see enchilada ${command.path.join(' ')} --help`);
  const extra = words[command.words.length];
  if (extra !== undefined)
    throw usage(`${JSON.stringify(extra)} is one word too many; see enchilada ${command.path.join(' ')} --help`);
}

/** What went wrong, for people and for programs. A value that is none of the known failures is a defect and goes on. */
function explain(error: unknown): { readonly exitCode: ExitCode; readonly message: string; readonly facts: object } {
  if (error instanceof CommandFailure) return { exitCode: error.exitCode, message: error.message, facts: {} };
  if (error instanceof ApiProblem) {
    const { code, status, reference } = error;
    const signIn = code === 'UNAUTHENTICATED' ? '; sign in with enchilada login' : '';
    const message = `${error.message}${signIn} (${code}${reference === '' ? '' : `, reference ${reference}`})`;
    return { exitCode: status === 401 ? 3 : 1, message, facts: { code, status, reference, facts: error.facts } };
  }
  if (isFault(error))
    return {
      exitCode: 1,
      message: `${error.message} (${error.code})`,
      facts: { code: error.code, facts: error.facts },
    };
  const trouble = fileTrouble(error);
  if (trouble !== undefined) return { exitCode: 1, message: trouble.message, facts: { code: trouble.code } };
  throw error;
}

/** Runs one command line and answers its exit code. INVARIANT: every printed text is escaped here, whoever wrote it. */
export async function run(commands: readonly Command[], argv: readonly string[], io: Io): Promise<number> {
  const print = (lines: readonly string[]): void => {
    if (lines.length > 0) io.stdout.write(lines.map((line) => `${escapeText(line)}\n`).join(''));
  };
  const command = find(commands, argv);
  const json = argv.includes('--json');
  try {
    if (command === undefined) {
      const at = argv.findIndex(
        (_, index) =>
          !commands.some(({ path }) => argv.slice(0, index + 1).every((word, place) => path[place] === word)),
      );
      const unknown = argv[at];
      if (!isHelp(unknown)) {
        const before = argv.slice(0, at);
        const known = commands
          .filter(({ path }) => before.every((word, place) => path[place] === word))
          .flatMap(({ path }) => path[at] ?? []);
        const nearest = nearestName(unknown ?? '', known);
        const hint =
          nearest === undefined
            ? `see ${['enchilada', ...before].join(' ')} --help`
            : `did you mean ${[...before, nearest].join(' ')}?`;
        throw usage(`there is no command ${JSON.stringify([...before, unknown].join(' '))}; ${hint}`);
      }
      print(overview(commands, at === -1 ? argv : argv.slice(0, at)));
      return 0;
    }
    const rest = argv.slice(command.path.length);
    const { options, words } = command.ownArguments === true ? { options: {}, words: rest } : parse(command, rest);
    if (options.help === true) {
      print(commandHelp(command));
      return 0;
    }
    if (command.ownArguments !== true) checkWords(command, words);
    const context: CommandContext = {
      io,
      options,
      words,
      note: (text) => void io.stderr.write(`${escapeText(text)}\n`),
      client: () => openClient(io),
    };
    const outcome = await command.run(context);
    if (outcome.value === undefined) return outcome.exitCode ?? 0;
    if (json) io.stdout.write(`${escapeJson(outcome.value)}\n`);
    else print(outcome.lines);
    return outcome.exitCode ?? 0;
  } catch (error) {
    const { message, facts, ...told } = explain(error);
    const exitCode = command?.failsWith ?? told.exitCode;
    if (json) io.stdout.write(`${escapeJson({ error: { message, exitCode, ...facts } })}\n`);
    else io.stderr.write(`enchilada: ${escapeText(message)}\n`);
    return exitCode;
  }
}
