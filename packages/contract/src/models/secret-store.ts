import { Type, type Static } from 'typebox';
import { closed, Count, Id, list, text, Time, Version, writeOnly } from '../schema.ts';
import { LocalizedText, ParameterField, ParameterValues } from './machine.ts';

const Kind = text(40, 1);

/** A kind of secret store and its form. */
export const SecretStoreKind = closed({
  kind: Kind,
  label: LocalizedText,
  parameters: list(ParameterField, 100),
  /** What its own secret is called. Absent: the node has an identity of its own there. */
  secret: Type.Optional(LocalizedText),
  usesExternalId: Type.Optional(Type.Boolean()),
  /** A place may hold one value; then no field is named. */
  holdsWholeValues: Type.Optional(Type.Boolean()),
  /** It keeps one password for each machine: the path names the computer, and may be a template of the machine that is opened. */
  passwordsOfMachines: Type.Optional(Type.Boolean()),
  /** It has an authority that signs certificates. */
  signsCertificates: Type.Optional(Type.Boolean()),
});
export type SecretStoreKind = Static<typeof SecretStoreKind>;

const Fields = { name: text(100, 1), parameters: ParameterValues };
const SecretField = Type.Optional(writeOnly(4000));
export const SecretStore = closed({
  ...Fields,
  id: Id,
  kind: Kind,
  hasSecret: Type.Boolean(),
  /** What the trust policy of a role must ask for. */
  externalId: Type.Optional(text(100)),
  /** How many credentials refer to it. */
  credentials: Count,
  version: Version,
  createdAt: Time,
  updatedAt: Time,
});
export type SecretStore = Static<typeof SecretStore>;
export const SecretStoreCreate = closed({ ...Fields, kind: Kind, secret: SecretField });
export const SecretStoreUpdate = closed({ ...Fields, version: Version, secret: SecretField });
