import type { SubjectName } from '@enchilada/core/identity';
import type { Handlers } from '../http/context.ts';
import type { ApiParts } from './api-parts.ts';

const USUAL_LIMIT = 100;

function folded(words: string): string {
  return words.normalize('NFKC').toLowerCase();
}

/** What holds all the words; where one begins with them as they were typed, it comes first. */
export function subjectsNamed(all: readonly SubjectName[], typed: string): readonly SubjectName[] {
  const sought = folded(typed).trim();
  if (sought === '') return all;
  const words = sought.split(/\s+/u);
  const first: SubjectName[] = [];
  const others: SubjectName[] = [];
  for (const subject of all) {
    const name = folded(subject.name);
    const detail = folded(subject.detail);
    if (!words.every((word) => name.includes(word) || detail.includes(word))) continue;
    (name.startsWith(sought) || detail.startsWith(sought) ? first : others).push(subject);
  }
  return [...first, ...others];
}

export function subjectHandlers({ store }: ApiParts): Pick<Handlers, 'findSubjects'> {
  return {
    findSubjects: async (_context, { query }) => {
      const { kind, text = '', ids, outside, limit = USUAL_LIMIT } = query;
      const all = kind === 'user' ? await store.now.users.names() : await store.now.groups.names();
      const wanted = ids === undefined ? undefined : new Set(ids.split(','));
      const members = new Set(kind === 'user' && outside !== undefined ? await store.now.groups.members(outside) : []);
      const found = subjectsNamed(
        all.filter(({ id }) => wanted?.has(id) !== false && !members.has(id)),
        text,
      );
      const items = found.slice(0, limit).map(({ id, name, detail, isDisabled }) => ({
        ...{ id, name, detail, disabled: isDisabled },
      }));
      return { items, total: found.length };
    },
  };
}
