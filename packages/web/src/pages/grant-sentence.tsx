import type { Grant } from '@enchilada/contract';
import { useText, type Text } from '../i18n/text.tsx';
import { selectorText } from './grant-selector.ts';

/** The days of the week by the language, Monday first. */
export function dayNames(language: string): readonly string[] {
  const format = new Intl.DateTimeFormat(language, { weekday: 'short', timeZone: 'UTC' });
  return [5, 6, 7, 8, 9, 10, 11].map((day) => format.format(Date.UTC(2026, 0, day)));
}

function factorWords(
  text: Text,
  { level, minutes }: NonNullable<NonNullable<Grant['conditions']>['secondFactor']>,
): string {
  const what = text(`grants.condition-factor-${level}`);
  return minutes === undefined ? what : text('grants.condition-factor-age', { what, minutes });
}

function conditionWords(text: Text, conditions: NonNullable<Grant['conditions']>): string {
  const { times, networks, notAfter, secondFactor, sessionMinutes, concurrentSessions, approval } = conditions;
  const names = dayNames(text.language);
  return [
    ...(approval === undefined ? [] : [text.count('grants.condition-approval', approval.count)]),
    ...(times === undefined
      ? []
      : times.windows.map(({ days, from, to }) =>
          text('grants.condition-times', {
            days: days.map((day) => names[day - 1] ?? '').join(' '),
            ...{ from, to, zone: times.zone },
          }),
        )),
    ...(networks === undefined ? [] : [text('grants.condition-networks', { networks: networks.join(' ') })]),
    ...(notAfter === undefined ? [] : [text('grants.condition-until', { time: text.dateTime(notAfter) })]),
    ...(secondFactor === undefined ? [] : [factorWords(text, secondFactor)]),
    ...(sessionMinutes === undefined ? [] : [text('grants.condition-length', { minutes: sessionMinutes })]),
    ...(concurrentSessions === undefined ? [] : [text.count('grants.condition-concurrent', concurrentSessions)]),
  ].join(' · ');
}

/** "payments-oncall may connect to machines with env=prod". The parts that are data stand out. */
export function GrantSentence(props: { readonly grant: Grant }) {
  const text = useText();
  const { grant } = props;
  const list = new Intl.ListFormat(text.language, { type: 'conjunction' });
  const scope = ((): string => {
    switch (grant.scope.kind) {
      case 'all':
        return text('grants.scope-all');
      case 'target':
        return grant.scopeName ?? grant.scope.id;
      case 'target-group':
        return text('grants.scope-group', { name: grant.scopeName ?? grant.scope.id });
      case 'labels':
        return text('grants.scope-labels', { labels: selectorText(grant.scope.selector) });
    }
  })();
  const parts = text(grant.effect === 'deny' ? 'grants.sentence-deny' : 'grants.sentence').split(/(\{\w+\})/u);
  const values: Readonly<Record<string, string>> = {
    '{subject}': grant.subjectName,
    '{actions}': list.format(grant.actions.map((action) => text(`grant-action.${action}`))),
    '{scope}': scope,
  };
  return (
    <>
      <span className="sentence">
        {parts.map((part, index) => (values[part] === undefined ? part : <em key={index}>{values[part]}</em>))}
      </span>
      {grant.conditions !== undefined && <div className="sub">{conditionWords(text, grant.conditions)}</div>}
    </>
  );
}
