import type { FoundExplanation } from '@enchilada/contract';
import { findTarget } from '../catalog/find.ts';
import { command, done } from '../frame/command.ts';
import { CommandFailure } from '../frame/exit-code.ts';
import { table, when } from '../frame/table.ts';
import type { Api } from '../login/client.ts';
import { accountOf, commandLine } from './find.ts';

export const OMITTED: Readonly<Record<NonNullable<FoundExplanation['omitted']>, string>> = {
  deleted: 'somebody removed it',
  untagged: 'no tag asks for it',
  rule: 'a rule leaves it out',
  'no-address': 'it has no address that may be used',
  'no-protocol': 'nothing here opens its platform',
};

/** @throws CommandFailure that says where a machine is to be looked for that the catalog lacks */
async function findMachine(api: Api, wanted: string) {
  try {
    return await findTarget(api, wanted);
  } catch (cause) {
    if (!(cause instanceof CommandFailure)) throw cause;
    throw new CommandFailure(
      cause.exitCode,
      `${cause.message}. ${commandLine('discovery', 'changes')} says what came and went, ${commandLine('discovery', 'plan')} SOURCE what is left out and why`,
      { cause },
    );
  }
}

function foundLines(name: string, told: FoundExplanation): readonly string[] {
  const rows = told.trace.map(({ field, rule, refusedBecauseOfTag }) => [
    field,
    rule,
    refusedBecauseOfTag === undefined ? '' : `not followed: anybody may set the tag ${refusedBecauseOfTag}`,
  ]);
  const goes = `it goes after 15 minutes of that; ${commandLine('discovery', 'run', told.sourceName)} lists at once`;
  return [
    `${name} was found by ${told.sourceName} in ${accountOf(told)} ${told.region} as ${told.machine}.`,
    `It is ${told.state}, ${told.platform}; first seen ${when(told.firstSeenAt)}, last looked at ${when(told.observedAt)}.`,
    ...(told.launchedBy === undefined ? [] : [`Launched by ${told.launchedBy}.`]),
    ...(told.goneAt === undefined ? [] : [`Gone since ${when(told.goneAt)}; removed after seven days.`]),
    ...(told.omitted === undefined ? [] : [`Not in the catalog: ${OMITTED[told.omitted]}.`]),
    ...(told.missingSince === undefined || told.goneAt !== undefined
      ? []
      : [`Missing from complete listings since ${when(told.missingSince)}: ${goes}.`]),
    ...(told.changedByHand.length === 0 ? [] : [`Set by hand, and left alone: ${told.changedByHand.join(', ')}.`]),
    ...(rows.length === 0
      ? ['No rule sets anything: all is as the source and the standard say.']
      : ['', ...table(['field', 'rule', ''], rows)]),
  ];
}

export const explainCommands = [
  command('discovery explain', {
    summary: 'Say why a machine is in the catalog and which rules made it so.',
    words: ['NAME'],
    async run({ words: [wanted = ''], client }) {
      const { api } = await client();
      const { id, name } = await findMachine(api, wanted);
      const told = await api.explainTarget({ params: { id } });
      if (told.origin === 'found') return done(told, ...foundLines(name, told));
      return done(
        told,
        told.origin === 'by-hand'
          ? `${name} was added by hand, ${when(told.addedAt)}. No source keeps it up to date.`
          : `${name} was found ${when(told.addedAt)} by a source that has been removed since. Nothing keeps it up to date: delete it where it is not needed.`,
      );
    },
  }),
];
