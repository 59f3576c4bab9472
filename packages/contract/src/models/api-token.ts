import { TOKEN_PERMISSIONS } from '@enchilada/core/access';
import { Type, type Static } from 'typebox';
import { closed, Id, list, text, Time, words } from '../schema.ts';

const Scope = list(words(TOKEN_PERMISSIONS), 50);

export const ApiToken = closed({
  id: Id,
  name: text(100, 1),
  scope: Scope,
  createdAt: Time,
  expiresAt: Time,
  lastUsedAt: Type.Optional(Time),
  lastUsedAddress: Type.Optional(text(64)),
});
export type ApiToken = Static<typeof ApiToken>;

export const ApiTokens = closed({ items: list(ApiToken, 100) });
export const ApiTokenCreate = closed({
  name: text(100, 1),
  scope: Type.Array(words(TOKEN_PERMISSIONS), { minItems: 1, maxItems: 50, uniqueItems: true }),
  days: Type.Integer({ minimum: 1, maximum: 366 }),
});
/** `value` is shown this once. */
export const ApiTokenCreated = closed({ token: ApiToken, value: Type.String({ maxLength: 100 }) });
export const UserTokenParams = closed({ id: Id, tokenId: Id });
