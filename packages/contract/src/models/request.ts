import { GRANT_ACTIONS, REQUEST_STATES, VERDICTS } from '@enchilada/core/access';
import { Type, type Static } from 'typebox';
import { closed, Count, Cursor, Id, Limit, list, map, text, Time, words } from '../schema.ts';
import { Label } from './machine.ts';

const Action = words(GRANT_ACTIONS);
const Hash = Type.String({ minLength: 64, maxLength: 64, pattern: '^[0-9a-f]{64}$' });

export const RequestScope = Type.Union([
  closed({ kind: Type.Literal('target'), id: Id }),
  closed({
    kind: Type.Literal('labels'),
    selector: map(list(Label, 100), { names: '^[A-Za-z0-9][A-Za-z0-9_.:/-]*$', maxProperties: 20 }),
  }),
]);

export const RequestDecision = closed({
  username: text(200),
  verdict: words(VERDICTS),
  words: text(1000),
  at: Time,
});

/** `used` and `expired` are what became of an approved and of an open one. */
export const REQUEST_STATUSES = [...REQUEST_STATES, 'used', 'expired'] as const;

export const AccessRequest = closed({
  id: Id,
  userId: Id,
  username: text(200),
  scope: RequestScope,
  scopeName: text(2000),
  actions: list(Action, 20),
  from: Time,
  until: Time,
  reason: text(1000),
  breakGlass: Type.Boolean(),
  status: words(REQUEST_STATUSES),
  /** Of everything that an approval is about; who decides sends it back. */
  hash: Hash,
  /** How many must agree; 0 where the rule is gone. */
  needed: Count,
  decisions: list(RequestDecision, 1_000),
  /** Sessions that it is good for, and those that were opened with it. */
  sessions: Count,
  uses: Count,
  createdAt: Time,
  decidedAt: Type.Optional(Time),
  /** What the person who reads this may do with it now. */
  mayDecide: Type.Boolean(),
  mayCancel: Type.Boolean(),
});
export type AccessRequest = Static<typeof AccessRequest>;
export const AccessRequestPage = closed({ items: list(AccessRequest, 500), next: Type.Optional(Cursor) });

/** `mine`, those that wait for me, and what became of those that I may know of. */
export const REQUEST_VIEWS = ['mine', 'decide', 'history'] as const;
export const AccessRequestQuery = closed({
  view: words(REQUEST_VIEWS),
  cursor: Type.Optional(Cursor),
  limit: Type.Optional(Limit),
});
export const AccessRequestCounts = closed({ decide: Count, mine: Count });

export const AccessRequestCreate = closed({
  scope: RequestScope,
  /** Absent: everything that may be had. */
  actions: Type.Optional(Type.Array(Action, { minItems: 1, maxItems: 20, uniqueItems: true })),
  /** Absent: now. */
  from: Type.Optional(Time),
  until: Time,
  reason: Type.String({
    minLength: 3,
    maxLength: 1000,
    pattern: '^[^\\u0000-\\u001f\\u007f]*\\S[^\\u0000-\\u001f\\u007f]*$',
  }),
  /** Go in at once; everybody is told. */
  breakGlass: Type.Optional(Type.Boolean()),
});
export const AccessRequestDecide = closed({ verdict: words(VERDICTS), words: Type.Optional(text(1000)), hash: Hash });

/** Under which rules a machine may be asked for. */
export const RequestTerms = closed({
  items: list(
    closed({
      actions: list(Action, 20),
      /** Names of the groups that decide. */
      groups: list(text(200), 50),
      count: Count,
      minutes: Count,
      sessions: Count,
      breakGlass: Type.Boolean(),
    }),
    1_000,
  ),
});
export type RequestTerms = Static<typeof RequestTerms>;
