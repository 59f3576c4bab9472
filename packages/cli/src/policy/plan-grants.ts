import { GRANTED_BY } from '@enchilada/core/discovery';
import { ApiProblem } from '@enchilada/contract';
import { conditionWords, mayWords, scopeWords } from '../access/grant-words.ts';
import type { Api } from '../login/client.ts';
import { canonical } from './canonical.ts';
import type { LiveGrant, LivePolicy } from './live-policy.ts';
import { idToCome, type Names } from './names.ts';
import type { Planned } from './plan.ts';
import type { FileGrant, FileScope, PolicyFile } from './policy-file.ts';
import type { Act, Run, Step } from './step.ts';

type GrantBody = Parameters<Api['createGrant']>[0]['body'];

interface Wanted {
  readonly body: GrantBody;
  readonly view: Pick<
    LiveGrant,
    'subject' | 'subjectName' | 'scope' | 'scopeName' | 'actions' | 'effect' | 'conditions'
  >;
  readonly line: number;
  readonly isOnNew: boolean;
}

export function planGrants(policy: PolicyFile, live: LivePolicy, { names, now }: PlanTools): Planned {
  if (policy.grants === undefined) return { steps: [], drift: [] };
  // Those of rules come and go with the rules.
  const rest = new Set(
    live.grants.filter(({ scope }) => !(scope.kind === 'labels' && Object.hasOwn(scope.selector, GRANTED_BY))),
  );
  const take = (key: string, keyOf: (grant: GrantBody) => string): LiveGrant | undefined => {
    for (const grant of rest)
      if (keyOf(grant) === key) {
        rest.delete(grant);
        return grant;
      }
    return undefined;
  };
  const missing = policy.grants.flatMap((grant) => {
    const wanted = resolve(grant, names);
    return wanted === undefined || take(wholeKey(wanted.body), wholeKey) !== undefined ? [] : [wanted];
  });
  const notes: string[] = [];
  const steps = missing.flatMap((wanted): readonly Step[] => {
    const end = wanted.body.conditions?.notAfter;
    if (end !== undefined && end <= now) {
      notes.push(`line ${wanted.line}: the grant is over and is not given`);
      return [];
    }
    const before = take(placeKey(wanted.body), placeKey);
    return [before === undefined ? creation(wanted) : replacement(before, wanted)];
  });
  const drift = [...rest].map((grant): Step => ({
    ...{ act: 'delete', kind: 'grant', name: wordsOf(grant), details: [] },
    acts: [withdrawal(grant, grant.effect === 'deny' ? 'lifted denials' : 'withdrawals')],
    imagine: ({ grants }) => void grants.delete(grant.id),
  }));
  return { steps, drift, notes };
}

export interface PlanTools {
  readonly names: Names;
  readonly now: number;
}

function resolve(grant: FileGrant, names: Names): Wanted | undefined {
  const { subject, actions, effect, conditions, line } = grant;
  const subjectId = names.id(subject.kind, subject.of);
  const scope = scopeOf(grant.scope, names);
  const { approval, times, networks, ...limits } = conditions;
  const groups = approval === undefined ? [] : names.ids('group', approval.groups);
  if (subjectId === undefined || scope === undefined) return undefined;
  const all: NonNullable<GrantBody['conditions']> = {
    ...limits,
    ...(times === undefined
      ? {}
      : {
          times: {
            zone: times.zone,
            windows: times.windows.map(({ days, from, to }) => ({ days: [...days], from, to })),
          },
        }),
    ...(networks === undefined ? {} : { networks: [...networks] }),
    ...(approval === undefined ? {} : { approval: { ...approval, groups } }),
  };
  const body: GrantBody = {
    ...{ subject: { kind: subject.kind, id: subjectId }, scope, actions: [...actions], effect },
    ...(Object.keys(all).length === 0 ? {} : { conditions: all }),
  };
  const scopeName = 'of' in grant.scope ? { scopeName: grant.scope.of.name } : {};
  const view = { ...body, effect, subjectName: subject.of.name, ...scopeName };
  return { body, view, line, isOnNew: scope.kind === 'target' && scope.id.startsWith('\u0000') };
}

function scopeOf(scope: FileScope, names: Names): GrantBody['scope'] | undefined {
  switch (scope.kind) {
    case 'all':
      return { kind: 'all' };
    case 'labels':
      return { kind: 'labels', selector: { ...scope.selector } };
    case 'target':
    case 'target-group': {
      const id = names.id(scope.kind === 'target' ? 'machine' : 'group of machines', scope.of);
      return id === undefined ? undefined : { kind: scope.kind, id };
    }
  }
}

/** Whose grant it is, on what: one that differs in nothing else takes the place of the one there is. */
function placeKey({ subject, scope, effect }: GrantBody): string {
  const plain =
    scope.kind === 'labels'
      ? Object.fromEntries(Object.entries(scope.selector).map(([key, values]) => [key, [...new Set(values)].sort()]))
      : scope;
  return canonical([subject, scope.kind, plain, effect ?? 'allow']);
}

function wholeKey(grant: GrantBody): string {
  const { times, networks, approval, ...limits } = grant.conditions ?? {};
  return canonical([
    placeKey(grant),
    [...grant.actions].sort(),
    limits,
    times && [times.zone, times.windows.map(({ days, from, to }) => [from, to, [...days].sort()].join(' ')).sort()],
    networks && [...networks].sort(),
    approval && {
      ...{ groups: [...approval.groups].sort(), count: approval.count, minutes: approval.minutes },
      ...{ sessions: approval.sessions ?? 1, breakGlass: approval.breakGlass ?? false },
    },
  ]);
}

function wordsOf(grant: Wanted['view']): string {
  const only = grant.conditions === undefined ? '' : conditionWords(grant.conditions);
  return `${grant.subject.kind} ${grant.subjectName} ${mayWords(grant)} on ${scopeWords(grant)}${only === '' ? '' : `, ${only}`}`;
}

function gift({ body, isOnNew }: Wanted): Act {
  const denial = isOnNew ? 'denials on new machines' : 'denials';
  return {
    phase: body.effect === 'deny' ? denial : 'grants',
    run: (run) => run.api.createGrant({ body: run.real(body) }),
  };
}

function withdrawal({ id }: LiveGrant, phase: Act['phase']): Act {
  return { phase, run: (run) => withdraw(run, id) };
}

/** What somebody else withdrew meanwhile is as it should be. */
async function withdraw({ api }: Run, id: string): Promise<void> {
  try {
    await api.deleteGrant({ params: { id } });
  } catch (failure) {
    if (!(failure instanceof ApiProblem) || failure.code !== 'NOT_FOUND') throw failure;
  }
}

let made = 0;

function imagined({ body }: Wanted): Parameters<Step['imagine']>[0]['grants'] extends Map<string, infer G> ? G : never {
  return { ...body, id: idToCome('machine', `grant ${++made}`), createdAt: 0, createdBy: '' };
}

function creation(wanted: Wanted): Step {
  const grant = imagined(wanted);
  return {
    ...{ act: 'create', kind: 'grant', name: wordsOf(wanted.view), line: wanted.line, details: [] },
    acts: [gift(wanted)],
    imagine: ({ grants }) => void grants.set(grant.id, grant),
  };
}

/** The new one first: sessions that both allow go on. */
function replacement(before: LiveGrant, wanted: Wanted): Step {
  const grant = imagined(wanted);
  return {
    ...{ act: 'update', kind: 'grant', name: wordsOf(wanted.view), line: wanted.line },
    details: [`before: ${wordsOf(before)}`],
    acts: [gift(wanted), withdrawal(before, before.effect === 'deny' ? 'lifted denials' : 'grants')],
    imagine: ({ grants }) => {
      grants.delete(before.id);
      grants.set(grant.id, grant);
    },
  };
}
