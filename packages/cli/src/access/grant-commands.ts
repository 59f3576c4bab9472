import type { Grant } from '@enchilada/contract';
import { GRANT_ACTIONS } from '@enchilada/core/access';
import { command, done } from '../frame/command.ts';
import { usage } from '../frame/exit-code.ts';
import { table, when } from '../frame/table.ts';
import { assignment, oneOf } from '../catalog/assignments.ts';
import { findGroup, findTarget, findTargetGroup, findUser } from '../catalog/find.ts';
import type { Api } from '../login/client.ts';

type Scope = Grant['scope'];
type NewGrant = Parameters<Api['createGrant']>[0]['body'];

interface GrantOptions {
  readonly user?: string;
  readonly group?: string;
  readonly all?: boolean;
  readonly target?: string;
  readonly 'target-group'?: string;
  readonly label?: readonly string[];
}

function exactlyOne(options: GrantOptions, names: readonly (keyof GrantOptions)[]): keyof GrantOptions {
  const given = names.filter((name) => options[name] !== undefined);
  const [only] = given;
  if (only === undefined || given.length > 1)
    throw usage(`exactly one of ${names.map((name) => `--${name}`).join(', ')} is needed, received ${given.length}`);
  return only;
}

async function subjectOf(api: Api, options: GrantOptions): Promise<NewGrant['subject']> {
  if (exactlyOne(options, ['user', 'group']) === 'user')
    return { kind: 'user', id: (await findUser(api, options.user ?? '')).id };
  return { kind: 'group', id: (await findGroup(api, options.group ?? '')).id };
}

async function scopeOf(api: Api, options: GrantOptions): Promise<Scope> {
  const kind = exactlyOne(options, ['all', 'target', 'target-group', 'label']);
  if (kind === 'all') return { kind: 'all' };
  if (kind === 'target') return { kind: 'target', id: (await findTarget(api, options.target ?? '')).id };
  if (kind === 'target-group')
    return { kind: 'target-group', id: (await findTargetGroup(api, options['target-group'] ?? '')).id };
  const selector: Record<string, string[]> = {};
  for (const [key, value] of (options.label ?? []).map((text) => assignment(text, 'label')))
    (selector[key] ??= []).push(value);
  return { kind: 'labels', selector };
}

function scopeWords(grant: Grant): string {
  const { scope, scopeName } = grant;
  switch (scope.kind) {
    case 'all':
      return 'every machine';
    case 'labels':
      return Object.entries(scope.selector)
        .map(([key, values]) => `${key}=${values.join('|')}`)
        .join(' ');
    case 'target':
    case 'target-group':
      return `${scope.kind === 'target' ? 'machine' : 'group'} ${scopeName ?? scope.id}`;
  }
}

export const grantCommands = [
  command('grants list', {
    summary: 'List who may do what with which machines.',
    async run({ client }) {
      const { api } = await client();
      const { items } = await api.listGrants();
      const rows = items.map((grant) => [
        grant.id,
        `${grant.subject.kind} ${grant.subjectName}`,
        scopeWords(grant),
        grant.actions.join(','),
        when(grant.createdAt),
      ]);
      return done({ items }, ...table(['id', 'who', 'machines', 'may', 'since'], rows));
    },
  }),
  command('grants add', {
    summary: 'Let a person or a group use machines.',
    options: {
      user: { type: 'string', value: 'USERNAME', says: 'the person' },
      group: { type: 'string', value: 'NAME', says: 'or the group of people' },
      target: { type: 'string', value: 'NAME', says: 'the machine' },
      'target-group': { type: 'string', value: 'GROUP', says: 'or the group of machines and all below it' },
      label: {
        type: 'string',
        value: 'KEY=VALUE',
        multiple: true,
        says: 'or the machines with these labels; one key with several values means any of them',
      },
      all: { type: 'boolean', says: 'or every machine' },
      action: {
        type: 'string',
        value: 'ACTION',
        multiple: true,
        says: `what they may do: ${GRANT_ACTIONS.join(', ')}; connect if left out`,
      },
    },
    async run({ options, client }) {
      const actions = [
        ...new Set((options.action ?? ['connect']).map((action) => oneOf(action, 'action', GRANT_ACTIONS))),
      ];
      const { api } = await client();
      const [subject, scope] = await Promise.all([subjectOf(api, options), scopeOf(api, options)]);
      const grant = await api.createGrant({ body: { subject, scope, actions } satisfies NewGrant });
      return done(grant, `${grant.subjectName} may ${grant.actions.join(', ')} on ${scopeWords(grant)} (${grant.id}).`);
    },
  }),
  command('grants remove', {
    summary: 'Withdraw a grant and end the sessions that rest on it.',
    words: ['ID'],
    async run({ words: [id = ''], client }) {
      const { api } = await client();
      await api.deleteGrant({ params: { id } });
      return done({ removed: id }, `Withdrew ${id}.`);
    },
  }),
];
