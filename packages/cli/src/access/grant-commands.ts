import type { Grant } from '@enchilada/contract';
import { FACTOR_LEVELS, GRANT_ACTIONS } from '@enchilada/core/access';
import { command, done } from '../frame/command.ts';
import { usage } from '../frame/exit-code.ts';
import { table, when } from '../frame/table.ts';
import { assignment, oneOf } from '../catalog/assignments.ts';
import { findGroup, findTarget, findTargetGroup, findUser } from '../catalog/find.ts';
import type { Api } from '../login/client.ts';
import { conditionWords, mayWords, scopeWords } from './grant-words.ts';

type Scope = Grant['scope'];
type NewGrant = Parameters<Api['createGrant']>[0]['body'];

type Conditions = NonNullable<NewGrant['conditions']>;
type Window = NonNullable<Conditions['times']>['windows'][number];

interface ConditionOptions {
  readonly from?: readonly string[];
  readonly until?: string;
  readonly hours?: readonly string[];
  readonly zone?: string;
  readonly minutes?: string;
  readonly sessions?: string;
  readonly 'second-factor'?: string;
  readonly 'proof-minutes'?: string;
  readonly approver?: readonly string[];
  readonly approvals?: string;
  readonly span?: string;
  readonly 'break-glass'?: boolean;
}

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

/** `1-5,08:00-18:00` */
function windowOf(text: string): Window {
  const match = /^([1-7])(?:-([1-7]))?,(\d\d:\d\d)-(\d\d:\d\d)$/u.exec(text);
  const [, first = '', last = first, from = '', to = ''] = match ?? [];
  if (match === null || Number(last) < Number(first))
    throw usage(`--hours must be like 1-5,08:00-18:00 with 1 for Monday, received ${JSON.stringify(text)}`);
  const days = Array.from({ length: Number(last) - Number(first) + 1 }, (_unused, index) => Number(first) + index);
  return { days, from, to };
}

function countOf(name: string, text: string): number {
  if (!/^[1-9]\d{0,5}$/u.test(text)) throw usage(`--${name} must be a whole number, received ${JSON.stringify(text)}`);
  return Number(text);
}

/** @throws CommandFailure 2 */
async function approvalOf(api: Api, options: ConditionOptions): Promise<Conditions['approval']> {
  const { approver, approvals, span } = options;
  if (approver === undefined) {
    if ((approvals ?? span ?? options['break-glass']) !== undefined)
      throw usage('--approvals, --span and --break-glass belong to --approver');
    return undefined;
  }
  const groups = await Promise.all(approver.map(async (name) => (await findGroup(api, name)).id));
  return {
    groups,
    count: approvals === undefined ? 1 : countOf('approvals', approvals),
    minutes: span === undefined ? 480 : countOf('span', span),
    ...(options['break-glass'] === true ? { breakGlass: true } : {}),
  };
}

/** @throws CommandFailure 2 */
function secondFactorOf(options: ConditionOptions): Conditions['secondFactor'] {
  const { 'second-factor': level, 'proof-minutes': minutes } = options;
  if (level === undefined) {
    if (minutes !== undefined) throw usage('--proof-minutes belongs to --second-factor');
    return undefined;
  }
  return {
    level: oneOf(level, 'second-factor', FACTOR_LEVELS),
    ...(minutes === undefined ? {} : { minutes: countOf('proof-minutes', minutes) }),
  };
}

function conditionsOf(options: ConditionOptions): Conditions {
  const { from, until, hours, zone, minutes, sessions } = options;
  const secondFactor = secondFactorOf(options);
  const notAfter = until === undefined ? undefined : Date.parse(until);
  if (Number.isNaN(notAfter)) throw usage(`--until must be a time like 2026-12-31T18:00:00Z, received ${until ?? ''}`);
  return {
    ...(from === undefined ? {} : { networks: [...from] }),
    ...(notAfter === undefined ? {} : { notAfter }),
    ...(secondFactor === undefined ? {} : { secondFactor }),
    ...(minutes === undefined ? {} : { sessionMinutes: countOf('minutes', minutes) }),
    ...(sessions === undefined ? {} : { concurrentSessions: countOf('sessions', sessions) }),
    ...(hours === undefined ? {} : { times: { zone: zone ?? 'UTC', windows: hours.map(windowOf) } }),
  };
}

/** `12 people gain 31 machines.` Nothing is saved. */
async function planned(api: Api, change: Parameters<Api['previewGrant']>[0]['body']) {
  const effect = await api.previewGrant({ body: change });
  const side = (verb: string, { people, machines }: typeof effect.gain): string =>
    `${people} ${people === 1 ? 'person' : 'people'} ${verb}${people === 1 ? 's' : ''} ${machines} ${machines === 1 ? 'machine' : 'machines'}.`;
  const rows = effect.people.map(({ username, gained, lost }) => [username, `+${gained}`, `-${lost}`]);
  return done(
    effect,
    ...(rows.length === 0 ? ['Nothing changes for anybody.'] : []),
    ...(effect.gain.people > 0 ? [side('gain', effect.gain)] : []),
    ...(effect.lose.people > 0 ? [side('lose', effect.lose)] : []),
    ...(effect.conditional ? ['Only at times or from networks.'] : []),
    ...(rows.length === 0 ? [] : table(['who', 'gains', 'loses'], rows)),
  );
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
        `${grant.effect === 'deny' ? 'never ' : ''}${grant.actions.join(',')}`,
        grant.conditions === undefined ? '' : conditionWords(grant.conditions),
        when(grant.createdAt),
      ]);
      return done({ items }, ...table(['id', 'who', 'machines', 'may', 'only', 'since'], rows));
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
      deny: { type: 'boolean', says: 'forbid instead: it wins over every grant that allows' },
      from: { type: 'string', value: 'NETWORK', multiple: true, says: 'only from these networks, like 10.0.0.0/8' },
      until: { type: 'string', value: 'TIME', says: 'only until then, like 2026-12-31T18:00:00Z' },
      hours: {
        type: 'string',
        value: 'DAYS,FROM-TO',
        multiple: true,
        says: 'only at these times, like 1-5,08:00-18:00',
      },
      minutes: { type: 'string', value: 'MINUTES', says: 'the longest that a session may last' },
      sessions: { type: 'string', value: 'COUNT', says: 'how many sessions may run at once, of all people together' },
      'second-factor': {
        type: 'string',
        value: 'LEVEL',
        says: `only with a second factor of the login: ${FACTOR_LEVELS.join(', ')}`,
      },
      'proof-minutes': {
        type: 'string',
        value: 'MINUTES',
        says: 'how old the proof of it may be; any age if left out',
      },
      approver: {
        type: 'string',
        value: 'GROUP',
        multiple: true,
        says: 'only after members of the group agreed, each time anew',
      },
      approvals: { type: 'string', value: 'COUNT', says: 'how many must agree; 1 if left out' },
      span: { type: 'string', value: 'MINUTES', says: 'the longest span that may be asked for; 480 if left out' },
      'break-glass': { type: 'boolean', says: 'who is in a hurry may go in at once, and everybody is told' },
      plan: { type: 'boolean', says: 'say only who would gain and who would lose what, and save nothing' },
      zone: { type: 'string', value: 'ZONE', says: 'the time zone of the hours, like Europe/Berlin; UTC if left out' },
    },
    async run({ options, client }) {
      const actions = [
        ...new Set((options.action ?? ['connect']).map((action) => oneOf(action, 'action', GRANT_ACTIONS))),
      ];
      const { api } = await client();
      const [subject, scope] = await Promise.all([subjectOf(api, options), scopeOf(api, options)]);
      const approval = await approvalOf(api, options);
      const conditions = { ...conditionsOf(options), ...(approval === undefined ? {} : { approval }) };
      const body: NewGrant = {
        ...{ subject, scope, actions, effect: options.deny === true ? 'deny' : 'allow' },
        ...(Object.keys(conditions).length === 0 ? {} : { conditions }),
      };
      if (options.plan === true) return planned(api, { add: body });
      const grant = await api.createGrant({ body });
      return done(grant, `${grant.subjectName} ${mayWords(grant)} on ${scopeWords(grant)} (${grant.id}).`);
    },
  }),
  command('grants remove', {
    summary: 'Withdraw a grant and end the sessions that rest on it.',
    words: ['ID'],
    options: { plan: { type: 'boolean', says: 'say only who would lose what, and save nothing' } },
    async run({ words: [id = ''], options, client }) {
      const { api } = await client();
      if (options.plan === true) return planned(api, { remove: id });
      await api.deleteGrant({ params: { id } });
      return done({ removed: id }, `Withdrew ${id}.`);
    },
  }),
];
