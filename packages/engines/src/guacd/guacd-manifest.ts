import type { EngineManifest, LocalizedText, ParameterValues } from '@enchilada/core/engine';
import { CLIPBOARD_FIELDS, DESKTOP_FIELDS, GROUPS, readLines } from '../shared/index.ts';

const GUACAMOLE: LocalizedText = { en: 'Guacamole', de: 'Guacamole' };
/** Ours to say, secret, or a way to the disk of the machine on which guacd runs. */
const RESERVED =
  'hostname|port|username|password|private-key|passphrase|domain-password|gateway-password|sftp-password|sftp-private-key|sftp-passphrase|(?:create-)?(?:recording|typescript|drive)-[a-z-]+|enable-drive|enable-sftp|enable-printing|disable-copy|disable-paste|read-only|wol-[a-z-]+';

export function manifestOf(protocols: readonly string[]): EngineManifest {
  const [first = ''] = protocols;
  return {
    id: 'guacd',
    label: { en: 'Through guacd', de: 'Über guacd' },
    surface: 'guacamole',
    defaultPort: 3389,
    credentialKinds: ['password', 'private-key', 'ask', 'login-password'],
    jumpHosts: false,
    hostKeys: false,
    parameters: [
      {
        name: 'protocol',
        kind: 'choice',
        group: GUACAMOLE,
        label: { en: 'Protocol', de: 'Protokoll' },
        help: { en: 'What guacd speaks with the machine.', de: 'Was guacd mit der Maschine spricht.' },
        default: first,
        options: protocols.map((name) => ({ value: name, label: { en: name.toUpperCase(), de: name.toUpperCase() } })),
      },
      {
        name: 'settings',
        kind: 'list',
        group: GUACAMOLE,
        label: { en: 'Guacamole parameters', de: 'Guacamole-Parameter' },
        help: {
          en: 'One name=value a line, with Guacamole’s own names, for example ignore-cert=true. ${GUAC_USERNAME} and the other tokens are filled in. No passwords: they are credentials.',
          de: 'Je Zeile ein name=Wert, mit Guacamoles eigenen Namen, zum Beispiel ignore-cert=true. ${GUAC_USERNAME} und die anderen Platzhalter werden ersetzt. Keine Passwörter: sie sind Zugangsdaten.',
        },
        maxItems: 100,
        maxLength: 4_096,
        pattern: `^(?!(?:${RESERVED})=)[a-z][a-z0-9-]{0,62}=[^\\u0000-\\u001f\\u007f]*$`,
      },
      {
        name: 'sound',
        kind: 'boolean',
        group: GROUPS.session,
        label: { en: 'Sound', de: 'Ton' },
        default: true,
      },
      ...DESKTOP_FIELDS,
      ...CLIPBOARD_FIELDS,
    ],
  };
}

/** The manifest's parameters as the engine reads them. */
export interface GuacdParameters {
  readonly protocol: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly sound: boolean;
  readonly viewOnly: boolean;
  readonly resizeDesktop: boolean;
  readonly disableCopy: boolean;
  readonly disablePaste: boolean;
}

const NOT_GIVEN = new RegExp(`^(?:${RESERVED})$`, 'u');

export function readParameters(values: ParameterValues, protocols: readonly string[]): GuacdParameters {
  const { protocol } = values;
  const settings = readLines(values['settings'])
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const)
    .filter(([name]) => !NOT_GIVEN.test(name));
  return {
    protocol: typeof protocol === 'string' && protocols.includes(protocol) ? protocol : (protocols[0] ?? ''),
    settings: Object.fromEntries(settings),
    sound: values['sound'] !== false,
    viewOnly: values['viewOnly'] === true,
    resizeDesktop: values['resizeDesktop'] !== false,
    disableCopy: values['disableCopy'] === true,
    disablePaste: values['disablePaste'] === true,
  };
}
