import type { Authority } from '@enchilada/contract';
import { pick } from '../catalog/find.ts';
import { command, done } from '../frame/command.ts';
import { CommandFailure } from '../frame/exit-code.ts';
import { table, when } from '../frame/table.ts';

const NONE = 'There is no signing key yet: enchilada authority prepare makes it.';

function keyLines({ keys }: Authority): readonly string[] {
  if (keys.length === 0) return [NONE];
  return table(
    ['id', 'state', 'fingerprint', 'made'],
    keys.map(({ id, state, fingerprint, createdAt }) => [id, state, fingerprint, when(createdAt)]),
  );
}

export const authorityCommands = [
  command('authority show', {
    summary: 'Show the signing keys for short-lived certificates, and how a machine comes to trust them.',
    async run({ client }) {
      const { api } = await client();
      const authority = await api.getAuthority({});
      const steps = authority.keys.length === 0 ? [] : ['', ...authority.steps.en.split('\n')];
      return done(authority, ...keyLines(authority), ...steps);
    },
  }),
  command('authority print', {
    summary: 'Print the keys alone, as machines take them.',
    details: ['For scripts that bring them to many machines; enchilada authority show says where they go.'],
    async run({ client }) {
      const { api } = await client();
      const { trustFile } = await api.getAuthority({});
      if (trustFile === '') throw new CommandFailure(1, NONE);
      return done({ trustFile }, ...trustFile.trimEnd().split('\n'));
    },
  }),
  command('authority prepare', {
    summary: 'Make a signing key: the first one signs at once, a further one waits to be activated.',
    async run({ client }) {
      const { api } = await client();
      const authority = await api.createAuthorityKey({});
      return done(authority, ...keyLines(authority));
    },
  }),
  command('authority activate', {
    summary: 'Sign with the next key from now on; the one before stays trusted.',
    details: ['Only once every machine trusts the next key: see enchilada authority show.'],
    async run({ client }) {
      const { api } = await client();
      const next = (await api.getAuthority({})).keys.find(({ state }) => state === 'next');
      if (next === undefined)
        throw new CommandFailure(1, 'no next key is prepared: enchilada authority prepare makes it');
      const authority = await api.activateAuthorityKey({ params: { id: next.id } });
      return done(authority, ...keyLines(authority));
    },
  }),
  command('authority remove', {
    summary: 'Remove a signing key that is not the current one.',
    words: ['ID'],
    async run({ words: [id = ''], client }) {
      const { api } = await client();
      const { keys } = await api.getAuthority({});
      const key = pick(keys, id, { kind: 'signing key', name: ({ fingerprint }) => fingerprint });
      const authority = await api.deleteAuthorityKey({ params: { id: key.id } });
      return done(authority, ...keyLines(authority));
    },
  }),
];
