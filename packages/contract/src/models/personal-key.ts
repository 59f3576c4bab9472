import { MOST_PERSONAL_KEYS } from '@enchilada/core/credential';
import { Type, type Static } from 'typebox';
import { closed, Id, list, text, Time } from '../schema.ts';

/** The public half of an SSH key that the gateway uses for its person. The private half is in no answer. */
export const PersonalKey = closed({
  id: Id,
  name: text(100, 1),
  /** For `~/.ssh/authorized_keys` of the account on the machine: one line, with the name here as its comment. */
  line: text(500),
  fingerprint: text(100),
  createdAt: Time,
  /** When a machine last let somebody in with it. */
  lastUsedAt: Type.Optional(Time),
});
export type PersonalKey = Static<typeof PersonalKey>;
export const PersonalKeys = closed({ items: list(PersonalKey, MOST_PERSONAL_KEYS) });
export const PersonalKeyCreate = closed({ name: text(100, 1) });
