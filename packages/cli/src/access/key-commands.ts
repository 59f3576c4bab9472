import type { KeyEncryptionStatus } from '@enchilada/contract';
import { command, done, type CommandContext } from '../frame/command.ts';
import { table, when } from '../frame/table.ts';

type Service = KeyEncryptionStatus['keys'][number]['service'];

function answerOf(service: Service): string {
  if (service === undefined) return 'no service';
  const { answeredAt, failure } = service;
  if (failure !== undefined) return `FAILED ${when(failure.at)}: ${failure.reason}`;
  return answeredAt === undefined ? 'not asked yet' : `answered ${when(answeredAt)}`;
}

function statusLines({ node, current, keys, sealed, nodesWithout }: KeyEncryptionStatus): readonly string[] {
  const nameOf = (keyId: string): string => keys.find(({ id }) => id === keyId)?.name ?? 'no configured key';
  const use = (keyId: string): string =>
    keyId === current ? 'seals' : nameOf(keyId) === 'no configured key' ? 'LOST' : 'opens';
  return [
    ...table(
      ['key', 'use', 'configured as', 'service'],
      keys.map(({ id, name, service }) => [id, use(id), name, answerOf(service)]),
    ),
    `As the node ${node} has seen it since its start.`,
    '',
    ...table(
      ['sealed', 'key', 'number', 'use'],
      sealed.map(({ kind, keyId, count }) => [kind, keyId, String(count), use(keyId)]),
    ),
    '',
    'Recordings are not listed: each stays under the key that sealed it until its retention ends.',
    ...(nodesWithout.length === 0 ? [] : [`The key that seals is not configured on: ${nodesWithout.join(', ')}`]),
  ];
}

async function rewrap({ client, note }: Pick<CommandContext, 'client' | 'note'>) {
  const { api } = await client();
  let total = 0;
  for (;;) {
    const { rewrapped, failed, remaining } = await api.rewrapKeys({});
    total += rewrapped;
    if (remaining > 0 && rewrapped > 0) note(`${total} sealed anew, ${remaining} remain`);
    if (remaining > 0 && rewrapped > 0) continue;
    const value = { rewrapped: total, remaining, failed };
    if (remaining === 0) return done(value, `${total} sealed anew; nothing in the database is under another key.`);
    const lines = [
      `${total} sealed anew; ${remaining} remain under keys that do not open them. See enchilada keys show and the gateway's log.`,
    ];
    return { value, lines, exitCode: 5 };
  }
}

export const keyCommands = [
  command('keys show', {
    summary: 'Show the key-encryption keys, what their service last answered, and how much is sealed under which.',
    async run({ client }) {
      const { api } = await client();
      const status = await api.getKeyEncryption({});
      return done(status, ...statusLines(status));
    },
  }),
  command('keys rewrap', {
    summary: 'Seal everything in the database anew under the current key-encryption key, while everybody works.',
    details: [
      'The new key comes first in the configuration of every node, the old one in keyEncryption.alsoOpens. The exit code is 5 where something remains under a key that does not open it.',
      'It may be broken off and repeated at any time.',
    ],
    run: rewrap,
  }),
];
