import type { EngineManifest, LocalizedText, ParameterValue, ParameterValues } from '@enchilada/core/engine';
import { GROUPS, readEnvironment, readLines, readTerminalType, terminalTypeField } from '../shared/index.ts';

const LOG_IN: LocalizedText = { en: 'Log-in', de: 'Anmeldung' };
/** Printable, so that no pattern is empty or hides something. */
const TEXT_PATTERN = '^[^\\u0000-\\u001f\\u007f]*\\S[^\\u0000-\\u001f\\u007f]*$';
const TEXTS = { kind: 'list', group: LOG_IN, maxItems: 16, maxLength: 200, pattern: TEXT_PATTERN } as const;

const DEFAULTS = {
  usernamePrompts: ['login:', 'username:', 'user name:', 'user:', 'account:', 'logon:', 'benutzername:', 'benutzer:'],
  passwordPrompts: ['password:', 'password for *:', 'passwd:', 'passcode:', 'passwort:', 'kennwort:'],
  failureTexts: [
    'login incorrect',
    'login failed',
    'login invalid',
    'invalid login',
    'invalid password',
    'incorrect password',
    'bad password',
    'authentication failed',
    'access denied',
    'permission denied',
  ],
} as const;

export const manifest: EngineManifest = {
  id: 'telnet',
  label: { en: 'Telnet', de: 'Telnet' },
  surface: 'terminal',
  defaultPort: 23,
  credentialKinds: ['password', 'ask', 'login-password'],
  jumpHosts: false,
  hostKeys: false,
  cleartext: true,
  parameters: [
    {
      name: 'login',
      kind: 'choice',
      group: LOG_IN,
      label: { en: 'Log-in', de: 'Anmeldung' },
      help: {
        en: 'Whether the prompts for user name and password are answered with the machine’s credential.',
        de: 'Ob die Fragen nach Benutzername und Passwort mit den Zugangsdaten der Maschine beantwortet werden.',
      },
      default: 'prompts',
      options: [
        { value: 'prompts', label: { en: 'Answer the prompts', de: 'Fragen beantworten' } },
        { value: 'none', label: { en: 'Leave it to the person', de: 'Der Person überlassen' } },
      ],
    },
    {
      ...TEXTS,
      name: 'usernamePrompts',
      label: { en: 'User name prompts', de: 'Fragen nach dem Benutzernamen' },
      help: {
        en: `One text a line, compared with the end of what the machine shows, without regard to case; * stands for anything. Empty: ${DEFAULTS.usernamePrompts.join(' ')}`,
        de: `Je Zeile ein Text, verglichen mit dem Ende dessen, was die Maschine zeigt, ohne Groß- und Kleinschreibung; * steht für Beliebiges. Leer: ${DEFAULTS.usernamePrompts.join(' ')}`,
      },
    },
    {
      ...TEXTS,
      name: 'passwordPrompts',
      label: { en: 'Password prompts', de: 'Fragen nach dem Passwort' },
      help: {
        en: `As above. Empty: ${DEFAULTS.passwordPrompts.join(' ')}`,
        de: `Wie oben. Leer: ${DEFAULTS.passwordPrompts.join(' ')}`,
      },
    },
    {
      ...TEXTS,
      name: 'failureTexts',
      label: { en: 'Texts of a refusal', de: 'Texte einer Ablehnung' },
      help: {
        en: `Any of them behind the password means that the credential was refused. Empty: ${DEFAULTS.failureTexts.join(', ')}`,
        de: `Steht einer hinter dem Passwort, so wurden die Zugangsdaten abgelehnt. Leer: ${DEFAULTS.failureTexts.join(', ')}`,
      },
    },
    {
      ...TEXTS,
      name: 'successTexts',
      label: { en: 'Texts of a success', de: 'Texte eines Erfolgs' },
      help: {
        en: 'Where given, one of them must come. Empty: whatever is no refusal and no new prompt.',
        de: 'Wenn angegeben, muss einer davon kommen. Leer: alles, was keine Ablehnung und keine neue Frage ist.',
      },
    },
    terminalTypeField({ maxLength: 40, pattern: '^[A-Za-z0-9][A-Za-z0-9.+_/-]*$' }),
    {
      name: 'environment',
      kind: 'list',
      group: GROUPS.terminal,
      label: { en: 'Environment', de: 'Umgebungsvariablen' },
      help: {
        en: 'One NAME=value a line; given to machines that ask for it. A value may not begin with a hyphen.',
        de: 'Je Zeile ein NAME=Wert; für Maschinen, die danach fragen. Ein Wert darf nicht mit einem Bindestrich beginnen.',
      },
      maxItems: 32,
      maxLength: 1024,
      // A value with a leading hyphen is an option to the login program of some servers (CVE-2026-24061).
      pattern: '^[A-Za-z_][A-Za-z0-9_]*=(?!-)[^\\u0000-\\u001f\\u007f]*$',
    },
    {
      name: 'enterKey',
      kind: 'choice',
      group: GROUPS.terminal,
      label: { en: 'The Enter key sends', de: 'Die Eingabetaste sendet' },
      default: 'nul',
      options: [
        { value: 'nul', label: { en: 'CR NUL (usual)', de: 'CR NUL (üblich)' } },
        { value: 'lf', label: { en: 'CR LF (some devices)', de: 'CR LF (manche Geräte)' } },
      ],
    },
  ],
};

/** The manifest's parameters as the engine reads them; what is absent or of another type takes the default. */
export interface TelnetParameters {
  readonly answersPrompts: boolean;
  readonly usernamePrompts: readonly string[];
  readonly passwordPrompts: readonly string[];
  readonly failureTexts: readonly string[];
  readonly successTexts: readonly string[];
  readonly terminalType: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly enterKey: 'nul' | 'lf';
}

function orDefault(value: ParameterValue | undefined, otherwise: readonly string[]): readonly string[] {
  const lines = readLines(value);
  return lines.length === 0 ? otherwise : lines;
}

export function readParameters(values: ParameterValues): TelnetParameters {
  return {
    answersPrompts: values['login'] !== 'none',
    usernamePrompts: orDefault(values['usernamePrompts'], DEFAULTS.usernamePrompts),
    passwordPrompts: orDefault(values['passwordPrompts'], DEFAULTS.passwordPrompts),
    failureTexts: orDefault(values['failureTexts'], DEFAULTS.failureTexts),
    successTexts: readLines(values['successTexts']),
    terminalType: readTerminalType(values['terminalType']),
    environment: readEnvironment(values['environment']),
    enterKey: values['enterKey'] === 'lf' ? 'lf' : 'nul',
  };
}
