import { Type, type Static } from 'typebox';
import { closed, Count, Id, list, text, Time, Version, writeOnly } from '../schema.ts';
import { LocalizedText, ParameterField, ParameterValues } from './machine.ts';

const Kind = text(40, 1);

/** A kind of secret store and its form. */
export const SecretStoreKind = closed({
  kind: Kind,
  label: LocalizedText,
  parameters: list(ParameterField, 100),
  /** What its own secret is called. */
  secret: LocalizedText,
});
export type SecretStoreKind = Static<typeof SecretStoreKind>;

const Fields = { name: text(100, 1), parameters: ParameterValues };
const SecretField = Type.Optional(writeOnly(4000));
export const SecretStore = closed({
  ...Fields,
  id: Id,
  kind: Kind,
  hasSecret: Type.Boolean(),
  /** How many credentials refer to it. */
  credentials: Count,
  version: Version,
  createdAt: Time,
  updatedAt: Time,
});
export type SecretStore = Static<typeof SecretStore>;
export const SecretStoreCreate = closed({ ...Fields, kind: Kind, secret: SecretField });
export const SecretStoreUpdate = closed({ ...Fields, version: Version, secret: SecretField });
