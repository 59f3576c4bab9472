import type { Grant } from '@enchilada/contract';
import { when } from '../frame/table.ts';

export function scopeWords(grant: Pick<Grant, 'scope' | 'scopeName'>): string {
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

export function mayWords({ effect, actions }: Pick<Grant, 'effect' | 'actions'>): string {
  return `${effect === 'deny' ? 'may never' : 'may'} ${actions.join(', ')}`;
}

function factorWords({ level, minutes }: NonNullable<NonNullable<Grant['conditions']>['secondFactor']>): string {
  const what = level === 'passkey' ? 'with a passkey' : 'with a second factor';
  return minutes === undefined ? what : `${what} at most ${minutes} min old`;
}

export function conditionWords(conditions: NonNullable<Grant['conditions']>): string {
  const { times, networks, notAfter, secondFactor, sessionMinutes, concurrentSessions, approval } = conditions;
  return [
    ...(approval === undefined ? [] : [`after ${approval.count} ${approval.count === 1 ? 'approval' : 'approvals'}`]),
    ...(times === undefined
      ? []
      : times.windows.map(({ days, from, to }) => `${days.join('')},${from}-${to} ${times.zone}`)),
    ...(networks === undefined ? [] : [`from ${networks.join(' ')}`]),
    ...(notAfter === undefined ? [] : [`until ${when(notAfter)}`]),
    ...(secondFactor === undefined ? [] : [factorWords(secondFactor)]),
    ...(sessionMinutes === undefined ? [] : [`${sessionMinutes} min a session`]),
    ...(concurrentSessions === undefined ? [] : [`${concurrentSessions} at once`]),
  ].join('; ');
}
