import { command, done } from '../frame/command.ts';
import { table, when } from '../frame/table.ts';

export const personalKeyCommands = [
  command('personal-keys list', {
    summary: 'List your own OpenSSH keys, which the gateway uses for you; they are made on the page of your account.',
    async run({ client }) {
      const { api } = await client();
      const { items } = await api.listPersonalKeys({});
      const rows = items.map(({ name, fingerprint, createdAt, lastUsedAt }) => [
        ...[name, fingerprint, when(createdAt)],
        lastUsedAt === undefined ? 'never' : when(lastUsedAt),
      ]);
      return done(items, ...table(['name', 'fingerprint', 'made', 'last used'], rows));
    },
  }),
  command('personal-keys print', {
    summary: 'Print the public halves of your own OpenSSH keys, as lines for authorized_keys.',
    async run({ client }) {
      const { api } = await client();
      const { items } = await api.listPersonalKeys({});
      return done(items, ...items.map(({ line }) => line));
    },
  }),
];
