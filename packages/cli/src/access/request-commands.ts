import { type AccessRequest, REQUEST_VIEWS } from '@enchilada/contract';
import { GRANT_ACTIONS } from '@enchilada/core/access';
import { assignment, oneOf } from '../catalog/assignments.ts';
import { command, done } from '../frame/command.ts';
import { CommandFailure, usage } from '../frame/exit-code.ts';
import { spanOf } from '../frame/span.ts';
import { table, when } from '../frame/table.ts';
import type { Api } from '../login/client.ts';

type NewRequest = Parameters<Api['createRequest']>[0]['body'];

function timeOf(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw usage(`--from must be a time like 2026-12-31T18:00:00Z, received ${JSON.stringify(text)}`);
  return time;
}

/** A machine that the person may see, by its name; administration is not needed. */
async function machineIdOf(api: Api, name: string): Promise<string> {
  const { items } = await api.listMachines({ query: { text: name, limit: 100 } });
  const found = items.find((machine) => machine.name === name || machine.id === name);
  if (found === undefined) throw new CommandFailure(1, `there is no machine ${JSON.stringify(name)} in your list`);
  return found.id;
}

async function scopeOf(
  api: Api,
  { target, label }: { readonly target?: string; readonly label?: readonly string[] },
): Promise<NewRequest['scope']> {
  if ((target === undefined) === (label === undefined)) throw usage('either --target or --label is needed');
  if (target !== undefined) return { kind: 'target', id: await machineIdOf(api, target) };
  const selector: Record<string, string[]> = {};
  for (const [key, value] of (label ?? []).map((text) => assignment(text, 'label'))) (selector[key] ??= []).push(value);
  return { kind: 'labels', selector };
}

function sentence({ id, username, scopeName, status, decisions, needed }: AccessRequest): string {
  const agreed = decisions.filter(({ verdict }) => verdict === 'approve').length;
  const how = status === 'pending' ? `${status}, ${agreed} of ${needed} agreed` : status;
  return `${id}: ${username} for ${scopeName}, ${how}.`;
}

/** What is decided on is what was read in the same moment. */
async function decide(
  api: Api,
  id: string,
  decision: { readonly verdict: 'approve' | 'deny'; readonly words?: string },
) {
  const { hash } = await api.getRequest({ params: { id } });
  const request = await api.decideRequest({ params: { id }, body: { ...decision, hash } });
  return done(request, sentence(request));
}

const WORDS = { words: { type: 'string', value: 'TEXT', says: 'what the person who asked reads' } } as const;

export const requestCommands = [
  command('requests list', {
    summary: 'List requests for access: mine, those that wait for me, or what became of them.',
    options: { view: { type: 'string', value: 'VIEW', says: `${REQUEST_VIEWS.join(', ')}; mine if left out` } },
    async run({ options, client }) {
      const view = oneOf(options.view ?? 'mine', 'view', REQUEST_VIEWS);
      const { api } = await client();
      const { items } = await api.listRequests({ query: { view, limit: 500 } });
      const rows = items.map((request) => [
        request.id,
        request.username,
        request.scopeName,
        `${when(request.from)} to ${when(request.until)}`,
        request.breakGlass ? `${request.status} (break-glass)` : request.status,
        request.reason,
      ]);
      return done({ items }, ...table(['id', 'who', 'machines', 'when', 'state', 'why'], rows));
    },
  }),
  command('requests ask', {
    summary: 'Ask for access to a machine, or to those with certain labels, for a time.',
    options: {
      target: { type: 'string', value: 'NAME', says: 'the machine' },
      label: { type: 'string', value: 'KEY=VALUE', multiple: true, says: 'or the machines with these labels' },
      action: {
        type: 'string',
        value: 'ACTION',
        multiple: true,
        says: `what for: ${GRANT_ACTIONS.join(', ')}; everything that may be had if left out`,
      },
      for: { type: 'string', value: 'SPAN', says: 'how long, like 30m, 2h or 1d; 1h if left out' },
      from: { type: 'string', value: 'TIME', says: 'beginning then, like 2026-12-31T18:00:00Z; now if left out' },
      reason: { type: 'string', value: 'TEXT', says: 'why; needed' },
      'break-glass': { type: 'boolean', says: 'go in at once, where the rule allows it; everybody is told' },
    },
    async run({ options, client }) {
      const { reason, action } = options;
      if (reason === undefined) throw usage('--reason is needed');
      const from = options.from === undefined ? undefined : timeOf(options.from);
      const { api } = await client();
      const body: NewRequest = {
        scope: await scopeOf(api, options),
        ...(action === undefined ? {} : { actions: action.map((one) => oneOf(one, 'action', GRANT_ACTIONS)) }),
        ...(from === undefined ? {} : { from }),
        until: (from ?? Date.now()) + spanOf(options.for ?? '1h'),
        reason,
        ...(options['break-glass'] === true ? { breakGlass: true } : {}),
      };
      const request = await api.createRequest({ body });
      return done(request, sentence(request));
    },
  }),
  command('requests approve', {
    summary: 'Agree to what somebody else asked for.',
    words: ['ID'],
    options: WORDS,
    async run({ words: [id = ''], options, client }) {
      const { api } = await client();
      return decide(api, id, { verdict: 'approve', ...options });
    },
  }),
  command('requests deny', {
    summary: 'Refuse a request, or take back what was approved; sessions that rest on it end.',
    words: ['ID'],
    options: WORDS,
    async run({ words: [id = ''], options, client }) {
      const { api } = await client();
      return decide(api, id, { verdict: 'deny', ...options });
    },
  }),
  command('requests cancel', {
    summary: 'Withdraw a request of your own.',
    words: ['ID'],
    async run({ words: [id = ''], client }) {
      const { api } = await client();
      const request = await api.cancelRequest({ params: { id } });
      return done(request, sentence(request));
    },
  }),
];
