import type { Command, Option } from './command.ts';
import { EXIT_CODES } from './exit-code.ts';

export const COMMON_OPTIONS = {
  json: { type: 'boolean', says: 'print one line of JSON instead of text' },
  help: { type: 'boolean', says: 'print this help' },
} as const;

function columns(rows: readonly (readonly [string, string])[]): readonly string[] {
  const widest = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(widest)}  ${right}`);
}

function optionLine(name: string, option: Option): readonly [string, string] {
  const value = option.type === 'string' ? ` ${option.value}` : '';
  return [
    `--${name}${value}`,
    option.says + (option.type === 'string' && option.multiple === true ? ' (may be repeated)' : ''),
  ];
}

function wordsOf(command: Command): string {
  return command.words.map((word) => (word.endsWith('?') ? ` [${word.slice(0, -1)}]` : ` ${word}`)).join('');
}

export function commandHelp(command: Command): readonly string[] {
  const options = Object.entries({ ...command.options, ...COMMON_OPTIONS }).map(([name, option]) =>
    optionLine(name, option),
  );
  return [
    `usage: enchilada ${command.path.join(' ')}${wordsOf(command)} [options]`,
    '',
    command.summary,
    ...command.details.flatMap((paragraph) => ['', paragraph]),
    '',
    'options:',
    ...columns(options),
  ];
}

/** All commands, or those below a word such as `targets`. */
export function overview(commands: readonly Command[], prefix: readonly string[]): readonly string[] {
  const below = commands.filter((command) => prefix.every((word, index) => command.path[index] === word));
  return [
    `usage: enchilada ${prefix.length === 0 ? 'COMMAND' : `${prefix.join(' ')} COMMAND`} [options]`,
    '',
    ...columns(below.map((command) => [command.path.join(' ') + wordsOf(command), command.summary])),
    '',
    '--help after a command explains it; --json prints its result as one line of JSON.',
    ...(prefix.length > 0 ? [] : ['', 'exit codes:', ...columns(Object.entries(EXIT_CODES))]),
  ];
}
