import type { ParameterField, ParameterValues } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';

/** The group of the form that says where the directory is. */
export const SERVER = { en: 'Server', de: 'Server' };

/** Where a directory is, and who asks there; the same in every form. There is no way without encryption. */
export function directoryFields(account: Pick<ParameterField, 'label' | 'help'>): readonly ParameterField[] {
  return [
    {
      name: 'servers',
      kind: 'list',
      required: true,
      group: SERVER,
      label: { en: 'Servers', de: 'Server' },
      help: {
        en: 'One a line, tried in order: ldaps://dc1.example.org; without its “s” it is StartTLS. There is no way without encryption.',
        de: 'Einer je Zeile, der Reihe nach versucht: ldaps://dc1.example.org; ohne das „s“ ist es StartTLS. Ohne Verschlüsselung geht es nicht.',
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
    { name: 'bindDn', kind: 'text', required: true, group: SERVER, maxLength: 500, ...account },
  ];
}

export interface Directory {
  readonly servers: readonly URL[];
  readonly serverName: string | undefined;
  readonly authorities: string | undefined;
  /** Of the account that asks. */
  readonly bindDn: string;
}

/** The manifest's patterns have been checked before. @throws Fault INVALID_REQUEST */
export function readDirectory(parameters: ParameterValues): Directory {
  const servers = linesOf(parameters, 'servers').flatMap((line) => URL.parse(line) ?? []);
  if (servers.length === 0) throw wrongParameter('servers', 'must name at least one');
  const authorities = linesOf(parameters, 'authorities').join('\n');
  if (authorities !== '' && !authorities.includes('-----BEGIN CERTIFICATE-----'))
    throw wrongParameter('authorities', 'must be certificates as PEM text');
  return {
    servers,
    serverName: textOf(parameters, 'serverName') || undefined,
    authorities: authorities === '' ? undefined : authorities,
    bindDn: neededText(parameters, 'bindDn'),
  };
}

export function textOf(parameters: ParameterValues, name: string, standard = ''): string {
  const value = parameters[name];
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : standard;
}

/** @throws Fault INVALID_REQUEST */
export function neededText(parameters: ParameterValues, name: string): string {
  const value = textOf(parameters, name);
  if (value === '') throw wrongParameter(name, 'must be given');
  return value;
}

export function linesOf(parameters: ParameterValues, name: string): readonly string[] {
  const value = parameters[name];
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

export function wrongParameter(field: string, message: string): Fault {
  return new Fault('INVALID_REQUEST', `${field} ${message}`, { facts: { field: `body/parameters/${field}` } });
}
