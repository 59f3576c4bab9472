import { command } from '../frame/command.ts';
import { count } from '../frame/table.ts';
import { readConfigFile } from './config-file.ts';

export const configCommands = [
  command('config check', {
    summary: 'Compare a configuration file with the schema, without starting anything.',
    words: ['FILE?'],
    details: [
      'Without FILE: $ENCHILADA_CONFIG, else enchilada.yaml in this folder. The exit code is 5 where something is wrong.',
      'What depends on the machine (files that exist, addresses that can be listened on, a database that answers) is checked by enchilada doctor and at start.',
    ],
    async run({ io, words: [named] }) {
      const { path, problems, values } = await readConfigFile(named, io.env);
      const what = path ?? 'no file; everything has its default';
      const lines =
        problems.length === 0
          ? [`${what}: good, ${count(values.size, 'key')} set`]
          : problems.map(({ key, message }) => `${what}: ${key === '' ? '' : `${key} `}${message}`);
      return {
        value: { file: path ?? null, valid: problems.length === 0, keys: [...values.keys()], problems },
        lines,
        exitCode: problems.length === 0 ? 0 : 5,
      };
    },
  }),
];
