import type { Command } from './frame/command.ts';
import { runVerify, VERIFY_USAGE } from './verify/index.ts';

/** `enchilada verify`: it reads its own arguments and has exit codes of its own. */
export const verifyCommand: Command = {
  path: ['verify'],
  summary: 'Verify recordings offline, without trusting the server that made them.',
  words: ['FOLDER'],
  options: {},
  details: [],
  async run({ io, words }) {
    if (words.includes('--help') || words.includes('-h'))
      return { value: { usage: VERIFY_USAGE }, lines: VERIFY_USAGE.trimEnd().split('\n') };
    const exitCode = await runVerify(words, {
      stdout: (text) => void io.stdout.write(text),
      stderr: (text) => void io.stderr.write(text),
    });
    return { value: undefined, lines: [], exitCode };
  },
  ownArguments: true,
};
