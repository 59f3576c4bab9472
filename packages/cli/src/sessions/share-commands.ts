import { pick } from '../catalog/find.ts';
import { command, done } from '../frame/command.ts';
import { spanOf } from '../frame/span.ts';
import { table, when } from '../frame/table.ts';

const MINUTE = 60_000;

/** Whom the owner of a session lets look on at it. */
export const shareCommands = [
  command('shares list', {
    summary: 'List who is invited to look on at a live session of yours.',
    words: ['SESSION'],
    async run({ words: [id = ''], client }) {
      const { api } = await client();
      const { items } = await api.listInvitations({ params: { id } });
      const rows = items.map((one) => [one.id, one.username, when(one.createdAt), when(one.expiresAt)]);
      return done({ items }, ...table(['id', 'user', 'invited', 'until'], rows));
    },
  }),
  command('shares add', {
    summary: 'Invite somebody to look on at a live session of yours.',
    words: ['SESSION', 'USERNAME'],
    options: { for: { type: 'string', value: 'SPAN', says: 'for how long: 30m, 2h; 1h if left out, 12h at most' } },
    details: [
      'It needs a grant of share on the machine. The guest signs in as themselves, finds the session among the live ones, and only looks.',
      'Whether there is somebody of that name is not answered.',
    ],
    async run({ words: [id = '', username = ''], options, client }) {
      const minutes = spanOf(options.for ?? '1h') / MINUTE;
      const { api } = await client();
      const made = await api.createInvitation({ params: { id }, body: { username, minutes } });
      return done(made, `${made.username} may look on until ${when(made.expiresAt)}: ${made.id}.`);
    },
  }),
  command('shares remove', {
    summary: 'Withdraw an invitation; who looks on by it is sent away.',
    words: ['SESSION', 'GUEST'],
    details: ['GUEST is a user name, or the id of the invitation.'],
    async run({ words: [id = '', guest = ''], client }) {
      const { api } = await client();
      const { items } = await api.listInvitations({ params: { id } });
      const found = pick(items, guest, { kind: 'invitation', name: ({ username }) => username });
      await api.deleteInvitation({ params: { id, invitation: found.id } });
      return done({ removed: found.id }, `${found.username} may look on no more.`);
    },
  }),
];
