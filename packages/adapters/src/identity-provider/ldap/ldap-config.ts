import type { ParameterValues } from '@enchilada/core/engine';
import type { ProviderManifest } from '@enchilada/core/identity';
import {
  type Directory,
  directoryFields,
  linesOf,
  neededText,
  readDirectory,
  SERVER,
  textOf,
} from '../../shared/directory/server-fields.ts';
import { nameAttributesField, readNameAttributes } from '../shared/name-attributes.ts';

const PEOPLE = { en: 'People', de: 'Personen' };
const GROUPS = { en: 'Groups', de: 'Gruppen' };

export const manifest: ProviderManifest = {
  kind: 'ldap',
  label: { en: 'LDAP or Active Directory', de: 'LDAP oder Active Directory' },
  way: 'password',
  secret: { en: 'Password of the account that searches', de: 'Passwort des suchenden Kontos' },
  secretGoesBy: ['servers', 'serverName', 'authorities', 'bindDn'],
  parameters: [
    {
      name: 'flavour',
      kind: 'choice',
      group: SERVER,
      label: { en: 'Kind of directory', de: 'Art des Verzeichnisses' },
      default: 'ldap',
      options: [
        { value: 'ldap', label: { en: 'LDAP (OpenLDAP, 389, FreeIPA, …)', de: 'LDAP (OpenLDAP, 389, FreeIPA, …)' } },
        { value: 'ad', label: { en: 'Active Directory', de: 'Active Directory' } },
      ],
    },
    ...directoryFields({
      label: { en: 'Account that searches', de: 'Suchendes Konto' },
      help: {
        en: 'Its distinguished name; for Active Directory also name@domain. It needs to read people and groups, no more.',
        de: 'Sein Distinguished Name; bei Active Directory auch name@domäne. Es muss Personen und Gruppen lesen, mehr nicht.',
      },
    }),
    {
      name: 'peopleBase',
      kind: 'text',
      required: true,
      group: PEOPLE,
      label: { en: 'Below', de: 'Unterhalb von' },
      help: { en: 'For example ou=people,dc=example,dc=org.', de: 'Etwa ou=people,dc=example,dc=org.' },
      maxLength: 500,
    },
    {
      name: 'peopleFilter',
      kind: 'text',
      group: PEOPLE,
      label: { en: 'Filter', de: 'Filter' },
      help: {
        en: 'Whom it does not match can neither sign in nor stay. Empty: people, in Active Directory those that are enabled.',
        de: 'Wen er nicht trifft, der kann sich nicht anmelden und nicht bleiben. Leer: Personen, in Active Directory nur aktivierte.',
      },
      default: '',
      maxLength: 1000,
      pattern: '^(\\(.*\\))?$',
    },
    {
      name: 'loginAttributes',
      kind: 'list',
      group: PEOPLE,
      label: { en: 'Attributes that people sign in with', de: 'Attribute, mit denen man sich anmeldet' },
      help: {
        en: 'Empty: uid; in Active Directory sAMAccountName and userPrincipalName.',
        de: 'Leer: uid; in Active Directory sAMAccountName und userPrincipalName.',
      },
      maxItems: 5,
      maxLength: 60,
      pattern: '^[A-Za-z][A-Za-z0-9-]*$',
    },
    nameAttributesField(PEOPLE),
    {
      name: 'idAttribute',
      kind: 'text',
      group: PEOPLE,
      label: { en: 'Attribute that never changes', de: 'Attribut, das sich nie ändert' },
      help: {
        en: 'Accounts are told apart by it. Empty: entryUUID, in Active Directory objectGUID.',
        de: 'Daran werden Konten unterschieden. Leer: entryUUID, in Active Directory objectGUID.',
      },
      default: '',
      maxLength: 60,
      pattern: '^([A-Za-z][A-Za-z0-9-]*)?$',
    },
    {
      name: 'groupBase',
      kind: 'text',
      required: true,
      group: GROUPS,
      label: { en: 'Below', de: 'Unterhalb von' },
      help: {
        en: 'Only groups below it count: whoever may make groups elsewhere gains nothing.',
        de: 'Nur Gruppen unterhalb zählen: Wer anderswo Gruppen anlegen darf, gewinnt nichts.',
      },
      maxLength: 500,
    },
    {
      name: 'nested',
      kind: 'boolean',
      group: GROUPS,
      label: { en: 'Groups in groups', de: 'Gruppen in Gruppen' },
      default: true,
    },
    {
      name: 'groupNames',
      kind: 'choice',
      group: GROUPS,
      label: { en: 'Rules name groups by', de: 'Regeln nennen Gruppen nach' },
      default: 'name',
      options: [
        { value: 'name', label: { en: 'their name (cn, sAMAccountName)', de: 'ihrem Namen (cn, sAMAccountName)' } },
        { value: 'dn', label: { en: 'their distinguished name', de: 'ihrem Distinguished Name' } },
      ],
    },
    {
      name: 'changePasswords',
      kind: 'boolean',
      group: PEOPLE,
      label: {
        en: 'People may change expired passwords at sign-in',
        de: 'Abgelaufene Passwörter dürfen bei der Anmeldung geändert werden',
      },
      default: true,
    },
  ],
};

/** The parameters with their types. The manifest's patterns have been checked before. */
export interface LdapConfig extends Directory {
  readonly isActiveDirectory: boolean;
  readonly peopleBase: string;
  readonly peopleFilter: string;
  readonly loginAttributes: readonly string[];
  readonly idAttribute: string;
  readonly nameAttributes: readonly string[];
  readonly groupBase: string;
  readonly nested: boolean;
  readonly groupNames: 'name' | 'dn';
  readonly changePasswords: boolean;
}

/** userAccountControl's bit for a disabled account, by the matching rule for bits (MS-ADTS 3.1.1.3.4.4). */
const ENABLED_PEOPLE = '(&(objectCategory=person)(objectClass=user)(!(userAccountControl:1.2.840.113556.1.4.803:=2)))';

/** @throws Fault INVALID_REQUEST */
export function readConfig(parameters: ParameterValues): LdapConfig {
  const text = (name: string, standard = ''): string => textOf(parameters, name, standard);
  const needed = (name: string): string => neededText(parameters, name);
  const isActiveDirectory = parameters['flavour'] === 'ad';
  const loginAttributes = linesOf(parameters, 'loginAttributes');
  return {
    isActiveDirectory,
    ...readDirectory(parameters),
    bindDn: needed('bindDn'),
    peopleBase: needed('peopleBase'),
    peopleFilter: text('peopleFilter', isActiveDirectory ? ENABLED_PEOPLE : '(objectClass=person)'),
    loginAttributes:
      loginAttributes.length > 0
        ? loginAttributes
        : isActiveDirectory
          ? ['sAMAccountName', 'userPrincipalName']
          : ['uid'],
    idAttribute: text('idAttribute', isActiveDirectory ? 'objectGUID' : 'entryUUID'),
    nameAttributes: readNameAttributes(parameters),
    groupBase: needed('groupBase'),
    nested: parameters['nested'] !== false,
    groupNames: parameters['groupNames'] === 'dn' ? 'dn' : 'name',
    changePasswords: parameters['changePasswords'] !== false,
  };
}
