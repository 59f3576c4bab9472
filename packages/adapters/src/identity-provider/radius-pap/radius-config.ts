import type { ParameterValues } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import type { ProviderManifest } from '@enchilada/core/identity';
import type { RadiusServer } from './exchange.ts';
import type { NameForm } from './person-name.ts';

const SERVER = { en: 'Server', de: 'Server' };
const PEOPLE = { en: 'People', de: 'Personen' };

const PORT = 1812;

export const manifest: ProviderManifest = {
  kind: 'radius',
  label: { en: 'RADIUS', de: 'RADIUS' },
  way: 'password',
  secret: { en: 'Shared secret (16 characters or more)', de: 'Gemeinsames Geheimnis (ab 16 Zeichen)' },
  secretGoesBy: ['servers'],
  parameters: [
    {
      name: 'servers',
      kind: 'list',
      required: true,
      group: SERVER,
      label: { en: 'Servers', de: 'Server' },
      help: {
        en: 'One a line, tried in order: host, or host:port where it is not 1812. All with the same shared secret. Passwords go to them hidden, not encrypted: on a network of your own alone.',
        de: 'Einer je Zeile, der Reihe nach versucht: Host, oder Host:Port, wo es nicht 1812 ist. Alle mit demselben gemeinsamen Geheimnis. Passwörter gehen verschleiert und nicht verschlüsselt dorthin: nur in einem eigenen Netz.',
      },
      maxItems: 10,
      maxLength: 300,
      pattern: '^(?:[A-Za-z0-9.-]+|\\[[0-9A-Fa-f:.]+\\])(?::[0-9]{1,5})?$',
    },
    {
      name: 'timeoutSeconds',
      kind: 'number',
      group: SERVER,
      label: { en: 'Seconds to wait for each server', de: 'Sekunden, die auf jeden Server gewartet wird' },
      help: {
        en: 'Longer where people confirm on a telephone before the server answers.',
        de: 'Mehr, wo Personen erst auf einem Telefon bestätigen, ehe der Server antwortet.',
      },
      default: 8,
      minimum: 2,
      maximum: 90,
      unit: 's',
    },
    {
      name: 'nasIdentifier',
      kind: 'text',
      group: SERVER,
      label: { en: 'NAS identifier', de: 'NAS-Kennung' },
      help: {
        en: 'What this bastion calls itself there. Each sign-in also says where the person connects from (Calling-Station-Id).',
        de: 'Wie sich diese Bastion dort nennt. Jede Anmeldung sagt auch, von wo die Person verbindet (Calling-Station-Id).',
      },
      default: 'enchilada',
      maxLength: 100,
      pattern: '^[\\x21-\\x7e]*$',
    },
    {
      name: 'groupsFrom',
      kind: 'choice',
      group: PEOPLE,
      label: { en: 'Groups are in', de: 'Gruppen stehen in' },
      help: {
        en: 'Several values, or several in one with commas or semicolons between.',
        de: 'Mehrere Werte, oder mehrere in einem mit Kommas oder Semikolons dazwischen.',
      },
      default: 'filter-id',
      options: [
        { value: 'filter-id', label: { en: 'Filter-Id', de: 'Filter-Id' } },
        { value: 'class', label: { en: 'Class', de: 'Class' } },
        { value: 'vendor', label: { en: 'an attribute of a vendor', de: 'einem Attribut eines Herstellers' } },
      ],
    },
    {
      name: 'vendorAttribute',
      kind: 'text',
      group: PEOPLE,
      label: { en: 'Attribute of a vendor', de: 'Attribut eines Herstellers' },
      help: {
        en: 'Vendor and attribute by number, for example 9:1.',
        de: 'Hersteller und Attribut als Zahlen, etwa 9:1.',
      },
      default: '',
      maxLength: 20,
      pattern: '^(?:[0-9]{1,8}:[0-9]{1,3})?$',
    },
    {
      name: 'secondFactor',
      kind: 'choice',
      group: PEOPLE,
      label: { en: 'It has asked for a second factor', de: 'Er hat nach einem zweiten Faktor gefragt' },
      help: {
        en: 'Worth something only where its second factor is trusted.',
        de: 'Zählt nur, wo seinem zweiten Faktor vertraut wird.',
      },
      default: 'question',
      options: [
        { value: 'question', label: { en: 'where it asked a question', de: 'wenn er eine Frage gestellt hat' } },
        {
          value: 'always',
          label: {
            en: 'always: by push, or a code behind the password',
            de: 'immer: per Push, oder als Code hinter dem Passwort',
          },
        },
      ],
    },
    {
      name: 'names',
      kind: 'choice',
      group: PEOPLE,
      label: { en: 'People are named', de: 'Personen heißen' },
      help: {
        en: 'Servers often take several spellings for one person; here each person has one. Other spellings are refused, unless the server answers with the name (User-Name).',
        de: 'Server nehmen oft mehrere Schreibweisen für eine Person; hier hat jede Person eine. Andere werden abgewiesen, außer der Server antwortet mit dem Namen (User-Name).',
      },
      default: 'plain',
      options: [
        { value: 'plain', label: { en: 'without their domain: alice', de: 'ohne ihre Domäne: alice' } },
        {
          value: 'full',
          label: { en: 'with their domain: alice@example.org', de: 'mit ihrer Domäne: alice@example.org' },
        },
      ],
    },
    {
      name: 'domains',
      kind: 'list',
      group: PEOPLE,
      label: { en: 'Domains that may be typed', de: 'Domänen, die mitgetippt werden dürfen' },
      help: {
        en: 'Where people are named without: other words for the one domain, one a line. With CORP and corp.example, CORP\\alice and alice@corp.example are alice.',
        de: 'Wo Personen ohne heißen: andere Namen der einen Domäne, einer je Zeile. Mit CORP und corp.example sind CORP\\alice und alice@corp.example die Person alice.',
      },
      maxItems: 20,
      maxLength: 200,
      pattern: '^[A-Za-z0-9._-]+$',
    },
    {
      name: 'caseSensitive',
      kind: 'boolean',
      group: PEOPLE,
      label: {
        en: 'Names that differ by upper and lower case are different people',
        de: 'Namen, die sich in Groß- und Kleinschreibung unterscheiden, sind verschiedene Personen',
      },
      default: false,
    },
  ],
};

export interface RadiusConfig {
  readonly servers: readonly RadiusServer[];
  readonly timeoutMs: number;
  readonly nasIdentifier: string;
  readonly groupsFrom: 'filter-id' | 'class' | { readonly vendor: number; readonly type: number };
  readonly alwaysAsksFactor: boolean;
  readonly caseSensitive: boolean;
  readonly nameForm: NameForm;
}

/** @throws Fault INVALID_REQUEST */
export function readConfig(parameters: ParameterValues): RadiusConfig {
  const lines = parameters['servers'];
  const servers = (Array.isArray(lines) ? (lines as readonly string[]) : []).map((line) => {
    const [, host = '', port = String(PORT)] = /^(.*?)(?::(\d+))?$/u.exec(line) ?? [];
    if (Number(port) < 1 || Number(port) > 65_535)
      throw wrong('servers', `must have ports of 1 to 65535, received ${port}`);
    return { host: host.replaceAll(/[[\]]/gu, ''), port: Number(port) };
  });
  if (servers.length === 0) throw wrong('servers', 'must name at least one');
  const { timeoutSeconds, nasIdentifier, groupsFrom, vendorAttribute } = parameters;
  return {
    servers,
    timeoutMs: (typeof timeoutSeconds === 'number' ? timeoutSeconds : 8) * 1_000,
    nasIdentifier: typeof nasIdentifier === 'string' && nasIdentifier !== '' ? nasIdentifier : 'enchilada',
    groupsFrom: groupsFrom === 'vendor' ? readVendor(vendorAttribute) : groupsFrom === 'class' ? 'class' : 'filter-id',
    alwaysAsksFactor: parameters['secondFactor'] === 'always',
    caseSensitive: parameters['caseSensitive'] === true,
    nameForm: {
      names: parameters['names'] === 'full' ? 'full' : 'plain',
      domains: Array.isArray(parameters['domains']) ? (parameters['domains'] as readonly string[]) : [],
    },
  };
}

function readVendor(value: unknown): { readonly vendor: number; readonly type: number } {
  const [vendor = 0, type = 0] = typeof value === 'string' ? value.split(':').map(Number) : [];
  if (vendor < 1 || type < 1 || type > 255)
    throw wrong('vendorAttribute', 'must name a vendor and an attribute by number');
  return { vendor, type };
}

function wrong(field: string, message: string): Fault {
  return new Fault('INVALID_REQUEST', `${field} ${message}`, { facts: { field: `body/parameters/${field}` } });
}
