import type { LocalizedText, ParameterField, ParameterValue, ParameterValues } from '@enchilada/core/engine';
import type { ClipboardSettings } from './clipboard-settings.ts';

/** The groups of the form that more than one protocol has. */
export const GROUPS = {
  connection: { en: 'Connection', de: 'Verbindung' },
  session: { en: 'Session', de: 'Sitzung' },
  terminal: { en: 'Terminal', de: 'Terminal' },
  picture: { en: 'Picture', de: 'Bild' },
  clipboard: { en: 'Clipboard', de: 'Zwischenablage' },
} as const satisfies Readonly<Record<string, LocalizedText>>;

/** What a person may do with a desktop, whatever carries it. */
export const DESKTOP_FIELDS: readonly ParameterField[] = [
  {
    name: 'viewOnly',
    kind: 'boolean',
    group: GROUPS.session,
    label: { en: 'View only', de: 'Nur ansehen' },
    help: {
      en: 'Keys, pointer and clipboard never reach the machine.',
      de: 'Tasten, Zeiger und Zwischenablage erreichen die Maschine nie.',
    },
    default: false,
  },
  {
    name: 'resizeDesktop',
    kind: 'boolean',
    group: GROUPS.session,
    label: { en: 'Fit the desktop to the window', de: 'Desktop an das Fenster anpassen' },
    help: {
      en: 'Where the machine can do that. Otherwise the picture is scaled.',
      de: 'Sofern die Maschine das kann. Sonst wird das Bild skaliert.',
    },
    default: true,
  },
];

export const CLIPBOARD_FIELDS: readonly ParameterField[] = [
  {
    name: 'disableCopy',
    kind: 'boolean',
    group: GROUPS.clipboard,
    label: { en: 'Forbid copying from the machine', de: 'Kopieren von der Maschine verbieten' },
    help: {
      en: 'What the screen shows can still be photographed or typed off.',
      de: 'Was der Bildschirm zeigt, lässt sich weiterhin fotografieren oder abtippen.',
    },
    default: false,
  },
  {
    name: 'disablePaste',
    kind: 'boolean',
    group: GROUPS.clipboard,
    label: { en: 'Forbid pasting to the machine', de: 'Einfügen in die Maschine verbieten' },
    default: false,
  },
];

/** What the fields of desktops say; what is absent or of another type takes the default. */
export interface DesktopSettings extends ClipboardSettings {
  readonly resizeDesktop: boolean;
}

export function readDesktop(values: ParameterValues): DesktopSettings {
  return {
    viewOnly: values['viewOnly'] === true,
    resizeDesktop: values['resizeDesktop'] !== false,
    disableCopy: values['disableCopy'] === true,
    disablePaste: values['disablePaste'] === true,
  };
}

const TERMINAL_TYPE = 'xterm-256color';

/** Each protocol writes the type in its own way on the wire, hence the limits. */
export function terminalTypeField(limits: { readonly maxLength: number; readonly pattern: string }): ParameterField {
  return {
    name: 'terminalType',
    kind: 'text',
    group: GROUPS.terminal,
    label: { en: 'Terminal type', de: 'Terminaltyp' },
    help: {
      en: 'The value of TERM on the machine. Older systems may only know xterm or vt100.',
      de: 'Der Wert von TERM auf der Maschine. Ältere Systeme kennen womöglich nur xterm oder vt100.',
    },
    default: TERMINAL_TYPE,
    ...limits,
  };
}

export function readTerminalType(value: ParameterValue | undefined): string {
  return typeof value === 'string' && value !== '' ? value : TERMINAL_TYPE;
}

export function readLines(value: ParameterValue | undefined): readonly string[] {
  return Array.isArray(value) ? (value as readonly string[]) : [];
}

/** From lines that say NAME=value. */
export function readEnvironment(value: ParameterValue | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    readLines(value).map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}
