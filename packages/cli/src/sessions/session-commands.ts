import { command, done } from '../frame/command.ts';
import { count, table, when } from '../frame/table.ts';
import { allPages } from '../catalog/find.ts';

export const sessionCommands = [
  command('sessions list', {
    summary: 'List your live sessions, or with --all those of everybody.',
    options: {
      all: { type: 'boolean', says: "everybody's sessions; needs the permission session.manage" },
      ended: { type: 'boolean', says: 'also sessions that have ended, the newest 500' },
    },
    async run({ options, client }) {
      const { api } = await client();
      const query = {
        limit: 500,
        scope: options.all === true ? ('all' as const) : ('own' as const),
        ...(options.ended === true ? {} : { live: true }),
      };
      const items = await allPages((cursor) => api.listSessions({ query: { ...query, ...cursor } }), 500);
      const rows = items.map((one) => [
        one.id,
        one.user.username,
        one.target.name,
        one.state,
        when(one.openedAt ?? one.requestedAt),
        one.address,
        one.viewers?.length ?? '',
        [...(one.viewOnly ? ['view only'] : []), ...(one.recordExempt ? ['not recorded'] : [])].join(', '),
        one.endReason,
      ]);
      return done(
        { items },
        ...table(['id', 'user', 'machine', 'state', 'since', 'from', 'viewers', 'kind', 'ended by'], rows),
      );
    },
  }),
  command('sessions end', {
    summary: 'End sessions; the person is shown the reason.',
    words: ['ID'],
    options: { reason: { type: 'string', value: 'TEXT', says: 'why; shown to the person and audited' } },
    async run({ words: [id = ''], options, client }) {
      const { api } = await client();
      await api.endSession({ params: { id }, body: options.reason === undefined ? {} : { reason: options.reason } });
      return done({ ended: id }, `Ended ${id}.`);
    },
  }),
  command('nodes', {
    summary: 'List the nodes of the gateway.',
    async run({ client }) {
      const { api } = await client();
      const { items } = await api.listNodes();
      const rows = items.map((node) => [
        node.id,
        node.alive ? 'alive' : 'gone',
        node.version,
        when(node.startedAt),
        when(node.heartbeatAt),
        node.url,
      ]);
      return done(
        { items },
        ...table(['id', 'state', 'version', 'started', 'last seen', 'url'], rows),
        '',
        count(items.length, 'node'),
      );
    },
  }),
];
