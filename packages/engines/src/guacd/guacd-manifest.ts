import type { EngineManifest, LocalizedText, ParameterValues } from '@enchilada/core/engine';
import { Fault } from '@enchilada/core/fault';
import {
  CLIPBOARD_FIELDS,
  DESKTOP_FIELDS,
  type DesktopSettings,
  GROUPS,
  readDesktop,
  readLines,
} from '../shared/index.ts';

const GUACAMOLE: LocalizedText = { en: 'Guacamole', de: 'Guacamole' };
/** Ours to say, secret, a way to the disk or the ports of the machine on which guacd runs, or to a third one that nobody judged. */
const RESERVED =
  'hostname|port|private-key|client-key|passphrase|domain-password|sftp-password|sftp-private-key|sftp-passphrase|(?:create-)?(?:recording|typescript|drive)-[a-z-]+|enable-drive|enable-sftp|enable-printing|dest-(?:host|port)|gateway-[a-z]+|audio-servername|reverse-connect|listen-timeout|disable-copy|disable-paste|read-only|wol-[a-z-]+';
/** Of a secret nothing but the person's own password may stand here. */
const SECRETS = 'password';
const OWN_PASSWORD = '\\$\\{GUAC_PASSWORD(:OPTIONAL)?\\}';

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
          en: 'One name=value a line, with Guacamole’s own names, for example ignore-cert=true. ${GUAC_USERNAME} and the other tokens are filled in. No passwords but ${GUAC_PASSWORD}: they are credentials.',
          de: 'Je Zeile ein name=Wert, mit Guacamoles eigenen Namen, zum Beispiel ignore-cert=true. ${GUAC_USERNAME} und die anderen Platzhalter werden ersetzt. Keine Passwörter außer ${GUAC_PASSWORD}: sie sind Zugangsdaten.',
        },
        maxItems: 100,
        maxLength: 4_096,
        pattern: `^(?:(?:${SECRETS})=${OWN_PASSWORD}|(?!(?:${RESERVED}|${SECRETS})=)[a-z][a-z0-9-]{0,62}=[^\\u0000-\\u001f\\u007f]*)$`,
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
export interface GuacdParameters extends DesktopSettings {
  readonly protocol: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Names under which the person's own password goes; `true` where nothing may take its place. */
  readonly ownPassword: Readonly<Record<string, boolean>>;
  readonly sound: boolean;
}

/** What the machine runs. */
const RUN = /(?:^|-)(?:command|program|app|args|exec|shell|dir)(?:-|$)/u;

/** Whether a setting says what the machine runs, so that a shell may read it. */
export function isRun(setting: string): boolean {
  return RUN.test(setting);
}

const NOT_GIVEN = new RegExp(`^(?:${RESERVED})$`, 'u');
const SECRET = new RegExp(`^(?:${SECRETS})$`, 'u');
const OWN = new RegExp(`^${OWN_PASSWORD}$`, 'u');

export function readParameters(values: ParameterValues, protocols: readonly string[]): GuacdParameters {
  const { protocol = protocols[0] ?? '' } = values;
  if (typeof protocol !== 'string' || !protocols.includes(protocol))
    throw new Fault('TARGET_CLEARTEXT_REFUSED', `guacd may not be asked for ${String(protocol)} here`);
  const given = readLines(values['settings'])
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const)
    .filter(([name]) => !NOT_GIVEN.test(name));
  const secrets = given.filter(([name, text]) => SECRET.test(name) && OWN.test(text));
  return {
    protocol,
    settings: Object.fromEntries(given.filter(([name]) => !SECRET.test(name))),
    ownPassword: Object.fromEntries(secrets.map(([name, text]) => [name, !text.includes(':OPTIONAL')])),
    sound: values['sound'] !== false,
    ...readDesktop(values),
  };
}
