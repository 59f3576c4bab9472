import type { ParameterValues } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { ProviderManifest } from '@enchilada/core/identity';
import { nameAttributesField, readNameAttributes } from '../shared/name-attributes.ts';

const SERVER = { en: 'Server', de: 'Server' };
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
    {
      name: 'servers',
      kind: 'list',
      required: true,
      group: SERVER,
      label: { en: 'Servers', de: 'Server' },
      help: {
        en: 'One a line, tried in order: ldaps://dc1.example.org, or ldap://… for StartTLS. There is no way without encryption.',
        de: 'Einer je Zeile, der Reihe nach versucht: ldaps://dc1.example.org, oder ldap://… für StartTLS. Ohne Verschlüsselung geht es nicht.',
      },
      maxItems: 10,
      maxLength: 300,
      pattern: '^ldaps?://[A-Za-z0-9.:\\[\\]-]+$',
    },
    {
      name: 'serverName',
      kind: 'text',
      group: SERVER,
      label: { en: 'Name in the certificate', de: 'Name im Zertifikat' },
      help: {
        en: 'Empty: the name in the address.',
        de: 'Leer: der Name in der Adresse.',
      },
      default: '',
      maxLength: 253,
      pattern: '^[A-Za-z0-9.-]*$',
    },
    {
      name: 'authorities',
      kind: 'list',
      group: SERVER,
      label: { en: 'Certificates of the authority', de: 'Zertifikate der Zertifizierungsstelle' },
      help: {
        en: 'As PEM text. Empty: the authorities of the system.',
        de: 'Als PEM-Text. Leer: die des Systems.',
      },
      maxItems: 500,
      maxLength: 100,
    },
    {
      name: 'bindDn',
      kind: 'text',
      required: true,
      group: SERVER,
      label: { en: 'Account that searches', de: 'Suchendes Konto' },
      help: {
        en: 'Its distinguished name; for Active Directory also name@domain. It needs to read people and groups, no more.',
        de: 'Sein Distinguished Name; bei Active Directory auch name@domäne. Es muss Personen und Gruppen lesen, mehr nicht.',
      },
      maxLength: 500,
    },
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
export interface LdapConfig {
  readonly isActiveDirectory: boolean;
  readonly servers: readonly URL[];
  readonly serverName: string | undefined;
  readonly authorities: string | undefined;
  readonly bindDn: string;
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
  const text = (name: string, standard = ''): string => {
    const value = parameters[name];
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : standard;
  };
  const needed = (name: string): string => {
    const value = text(name);
    if (value === '') throw wrong(name, 'must be given');
    return value;
  };
  const lines = (name: string): readonly string[] => {
    const value = parameters[name];
    return Array.isArray(value) ? (value as readonly string[]) : [];
  };
  const isActiveDirectory = parameters['flavour'] === 'ad';
  const servers = lines('servers').flatMap((line) => URL.parse(line) ?? []);
  if (servers.length === 0) throw wrong('servers', 'must name at least one');
  const authorities = lines('authorities').join('\n');
  if (authorities !== '' && !authorities.includes('-----BEGIN CERTIFICATE-----'))
    throw wrong('authorities', 'must be certificates as PEM text');
  const loginAttributes = lines('loginAttributes');
  return {
    isActiveDirectory,
    servers,
    serverName: text('serverName') || undefined,
    authorities: authorities === '' ? undefined : authorities,
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

function wrong(field: string, message: string): Fault {
  return new Fault('INVALID_REQUEST', `${field} ${message}`, { facts: { field: `body/parameters/${field}` } });
}
