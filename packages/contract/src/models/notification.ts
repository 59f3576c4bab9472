import { DELIVERY_REASONS } from '@enchilada/core/notification';
import { Type, type Static } from 'typebox';
import { closed, Id, list, text, Time, Version, words, writeOnly } from '../schema.ts';
import { LocalizedText, ParameterField, ParameterValues } from './machine.ts';

const Kind = text(40, 1);

/** A kind of endpoint for notifications and its form. */
export const NotifierKind = closed({
  kind: Kind,
  label: LocalizedText,
  parameters: list(ParameterField, 50),
  secret: closed({ label: LocalizedText, help: LocalizedText, required: Type.Boolean() }),
});
export type NotifierKind = Static<typeof NotifierKind>;

/** Facts and no sentence: whoever shows them says it in their own language. `detail` is of `other`. */
export const DeliveryProblem = closed({
  reason: words(DELIVERY_REASONS),
  host: Type.Optional(text(300)),
  status: Type.Optional(Type.Integer({ minimum: 0, maximum: 999 })),
  detail: Type.Optional(text(500)),
});

const Fields = { name: text(100, 1), parameters: ParameterValues, enabled: Type.Boolean() };
export const NotificationEndpoint = closed({
  ...Fields,
  id: Id,
  kind: Kind,
  hasSecret: Type.Boolean(),
  version: Version,
  createdAt: Time,
  updatedAt: Time,
  deliveredAt: Type.Optional(Time),
  /** Why the last attempt failed. */
  problem: Type.Optional(DeliveryProblem),
});
export type NotificationEndpoint = Static<typeof NotificationEndpoint>;
export const NotificationEndpointCreate = closed({ ...Fields, kind: Kind, secret: Type.Optional(writeOnly(4000)) });
/** A secret that is absent stays as it is. */
export const NotificationEndpointUpdate = closed({
  ...Fields,
  secret: Type.Optional(writeOnly(4000)),
  version: Version,
});
