import { Fault } from '@enchilada/core/fault';
import type { AssertedPerson, ExternalIdentity, ProviderRecord } from '@enchilada/core/identity';
import { type RandomSource, randomId } from '@enchilada/core/time';

const SUBJECT_MAX = 255;
const NAME_MAX = 120;
const MOST_ATTRIBUTES = 16;
const MOST_GROUPS = 5_000;

/** What a provider says, within the bounds of what is stored. @throws Fault PROVIDER_REFUSED without a usable subject */
export function bounded(person: AssertedPerson): AssertedPerson {
  const { subject, groups } = person;
  if (subject === '' || subject.length > SUBJECT_MAX || /\p{C}/u.test(subject))
    throw new Fault('PROVIDER_REFUSED', 'the provider gave no usable subject');
  if (groups.length > MOST_GROUPS)
    throw new Fault('PROVIDER_REFUSED', `the provider named ${groups.length} groups, more than ${MOST_GROUPS}`);
  return {
    ...person,
    username: plain(person.username),
    displayName: plain(person.displayName),
    groups: [...new Set(groups.filter((group) => group.length <= 1_000 && !/\p{C}/u.test(group)))],
  };
}

/** What user names on machines may be made of. Whether it is fit for one is judged when one is made. */
export function saidOf({ email, attributes = {} }: AssertedPerson): Pick<ExternalIdentity, 'email' | 'attributes'> {
  const isShort = (text: string | undefined): boolean => text !== undefined && text !== '' && text.length <= NAME_MAX;
  const kept = Object.entries(attributes).filter(([, value]) => isShort(value));
  return {
    ...(isShort(email) ? { email } : {}),
    attributes: Object.fromEntries(kept.slice(0, MOST_ATTRIBUTES)),
  };
}

export function plain(text: string): string {
  const shown = text.normalize('NFKC').replaceAll(/\p{C}/gu, '').replaceAll(/\s+/gu, ' ').trim();
  return [...shown].slice(0, NAME_MAX).join('').trim();
}

/** The name itself, and what it becomes where somebody else has it: never their account. */
export function namesFor(person: AssertedPerson, record: ProviderRecord, random: RandomSource): readonly string[] {
  const name = person.username === '' ? `user-${randomId(random).slice(0, 8)}` : person.username;
  const short = [...name].slice(0, 80).join('').trim();
  const at = `${short}@${plain(record.name).replaceAll(' ', '-').slice(0, 30)}`;
  return [name, at, `${at}-${randomId(random).slice(0, 6)}`];
}
