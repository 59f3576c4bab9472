import type { EngineManifest, ParameterField, ParameterValues } from '@enchilada/core/engine';
import {
  CLIPBOARD_FIELDS,
  DESKTOP_FIELDS,
  type DesktopSettings,
  GROUPS,
  readDesktop,
  WAKE_FIELDS,
} from '../shared/index.ts';
import { ANY_LAYOUT, LAYOUTS } from './keyboard-layouts.ts';

/** What a machine is asked to leave out, or to show. [MS-RDPBCGR] 2.2.1.11.1.1.1 */
const EFFECTS = [
  { name: 'wallpaper', flag: 0x1, isWish: false, en: 'Wallpaper', de: 'Hintergrundbild' },
  {
    name: 'windowDrag',
    flag: 0x2,
    isWish: false,
    en: 'Window contents while dragging',
    de: 'Fensterinhalt beim Ziehen',
  },
  { name: 'menuAnimations', flag: 0x4, isWish: false, en: 'Menu animations', de: 'Animierte Menüs' },
  { name: 'theming', flag: 0x8, isWish: false, en: 'Visual styles', de: 'Visuelle Stile' },
  { name: 'fontSmoothing', flag: 0x80, isWish: true, en: 'Font smoothing', de: 'Schriftglättung' },
  { name: 'desktopComposition', flag: 0x100, isWish: true, en: 'Desktop composition', de: 'Desktopgestaltung' },
] as const;
/** Shown unless the form says otherwise: text is hard to read without. */
const ON_BY_DEFAULT = new Set<string>(['fontSmoothing', 'theming']);

const effects: readonly ParameterField[] = EFFECTS.map(({ name, en, de }) => ({
  name,
  kind: 'boolean',
  group: GROUPS.picture,
  label: { en, de },
  default: ON_BY_DEFAULT.has(name),
}));

export const manifest: EngineManifest = {
  id: 'rdp',
  label: { en: 'Remote Desktop (RDP)', de: 'Remotedesktop (RDP)' },
  surface: 'rdp',
  defaultPort: 3389,
  credentialKinds: ['password', 'ask', 'login-password', 'launch-password'],
  jumpHosts: true,
  hostKeys: true,
  parameters: [
    {
      name: 'security',
      kind: 'choice',
      group: GROUPS.connection,
      label: { en: 'Sign in by', de: 'Anmelden mit' },
      help: {
        en: 'With network level authentication the machine proves that it holds its certificate before it gets the password.',
        de: 'Mit Authentifizierung auf Netzwerkebene beweist die Maschine den Besitz ihres Zertifikats, bevor sie das Passwort bekommt.',
      },
      default: 'any',
      options: [
        { value: 'any', label: { en: 'What the machine prefers', de: 'Was die Maschine bevorzugt' } },
        { value: 'nla', label: { en: 'Network level authentication', de: 'Authentifizierung auf Netzwerkebene' } },
        { value: 'tls', label: { en: 'TLS only', de: 'Nur TLS' } },
      ],
    },
    {
      name: 'allowRdpSecurity',
      kind: 'boolean',
      group: GROUPS.connection,
      weakens: true,
      label: { en: 'Allow RDP’s own encryption', de: 'RDP-eigene Verschlüsselung erlauben' },
      help: {
        en: 'For machines without TLS, where “Sign in by” leaves it to the machine. Nothing proves who answers: somebody between gateway and machine can take its place and gets the password.',
        de: 'Für Maschinen ohne TLS, wenn „Anmelden mit“ es der Maschine überlässt. Nichts beweist, wer antwortet: Wer zwischen Gateway und Maschine sitzt, kann sich für sie ausgeben und bekommt das Passwort.',
      },
      default: false,
    },
    {
      name: 'loadBalanceInfo',
      kind: 'text',
      group: GROUPS.connection,
      label: { en: 'Load balancing information', de: 'Lastverteilungs-Angabe' },
      help: {
        en: 'What a connection broker hands out, for example tsv://MS Terminal Services Plugin.1.Sales.',
        de: 'Was ein Verbindungsbroker ausgibt, zum Beispiel tsv://MS Terminal Services Plugin.1.Sales.',
      },
      default: '',
      maxLength: 200,
      pattern: '^[\\u0020-\\u007e]*$',
    },
    {
      name: 'preconnectionId',
      kind: 'number',
      group: GROUPS.connection,
      label: { en: 'Preconnection number', de: 'Vorverbindungs-Nummer' },
      help: {
        en: 'For several machines behind one port. 0 without.',
        de: 'Für mehrere Maschinen hinter einem Port. 0 ohne.',
      },
      default: 0,
      minimum: 0,
      maximum: 4_294_967_295,
    },
    {
      name: 'preconnectionBlob',
      kind: 'text',
      group: GROUPS.connection,
      label: { en: 'Preconnection text', de: 'Vorverbindungs-Text' },
      help: {
        en: 'Hyper-V takes the virtual machine’s identifier.',
        de: 'Hyper-V nimmt die Kennung der virtuellen Maschine.',
      },
      default: '',
      maxLength: 500,
    },
    {
      name: 'console',
      kind: 'boolean',
      group: GROUPS.session,
      label: { en: 'Administrative session', de: 'Administrative Sitzung' },
      help: {
        en: 'Needs no licence of a session host, where the account may.',
        de: 'Braucht keine Lizenz eines Sitzungshosts, sofern das Konto darf.',
      },
      default: false,
    },
    {
      name: 'initialProgram',
      kind: 'text',
      group: GROUPS.session,
      label: { en: 'Program in place of the desktop', de: 'Programm anstelle des Desktops' },
      default: '',
      maxLength: 500,
    },
    {
      name: 'workingDirectory',
      kind: 'text',
      group: GROUPS.session,
      label: { en: 'Its folder', de: 'Ordner des Programms' },
      default: '',
      maxLength: 500,
    },
    {
      name: 'clientName',
      kind: 'text',
      group: GROUPS.session,
      label: { en: 'Name of the client', de: 'Name des Clients' },
      help: {
        en: 'What programs on the machine are told.',
        de: 'Was Programme auf der Maschine erfahren.',
      },
      default: 'enchilada',
      maxLength: 15,
      pattern: '^[0-9A-Za-z._-]*$',
    },
    {
      name: 'keyboardLayout',
      kind: 'choice',
      group: GROUPS.session,
      label: { en: 'Keyboard layout', de: 'Tastaturbelegung' },
      default: ANY_LAYOUT,
      options: [
        { value: ANY_LAYOUT, label: { en: 'As the person has it', de: 'Wie die Person sie hat' } },
        ...Object.entries(LAYOUTS).map(([value, [, name]]) => ({ value, label: { en: name, de: name } })),
      ],
    },
    ...DESKTOP_FIELDS,
    {
      name: 'colourDepth',
      kind: 'choice',
      group: GROUPS.picture,
      label: { en: 'Colours', de: 'Farben' },
      default: '32',
      options: [
        { value: '32', label: { en: '32 bits', de: '32 Bit' } },
        { value: '24', label: { en: '24 bits', de: '24 Bit' } },
        { value: '16', label: { en: '16 bits', de: '16 Bit' } },
      ],
    },
    ...effects,
    ...CLIPBOARD_FIELDS,
    ...WAKE_FIELDS,
  ],
};

/** The manifest's parameters as the engine reads them; what is absent or of another type takes the default. */
export interface RdpParameters extends DesktopSettings {
  readonly security: 'any' | 'nla' | 'tls';
  readonly allowRdpSecurity: boolean;
  readonly loadBalanceInfo: string;
  readonly preconnectionId: number;
  readonly preconnectionBlob: string;
  readonly console: boolean;
  readonly initialProgram: string;
  readonly workingDirectory: string;
  readonly clientName: string;
  readonly keyboardLayout: string;
  readonly colourDepth: 16 | 24 | 32;
  readonly performanceFlags: number;
}

export function readParameters(values: ParameterValues): RdpParameters {
  const text = (name: string, otherwise = ''): string => {
    const value = values[name];
    return typeof value === 'string' && value !== '' ? value : otherwise;
  };
  const isOn = (name: string): boolean => values[name] === true;
  const { security, preconnectionId, colourDepth } = values;
  const shown = (name: string): boolean => (ON_BY_DEFAULT.has(name) ? values[name] !== false : isOn(name));
  return {
    security: security === 'nla' || security === 'tls' ? security : 'any',
    allowRdpSecurity: isOn('allowRdpSecurity'),
    loadBalanceInfo: text('loadBalanceInfo'),
    preconnectionId: typeof preconnectionId === 'number' ? Math.trunc(preconnectionId) : 0,
    preconnectionBlob: text('preconnectionBlob'),
    console: isOn('console'),
    initialProgram: text('initialProgram'),
    workingDirectory: text('workingDirectory'),
    clientName: text('clientName', 'enchilada'),
    keyboardLayout: text('keyboardLayout', ANY_LAYOUT),
    ...readDesktop(values),
    colourDepth: colourDepth === '16' ? 16 : colourDepth === '24' ? 24 : 32,
    performanceFlags: EFFECTS.reduce(
      (flags, { name, flag, isWish }) => (shown(name) === isWish ? flags | flag : flags),
      0,
    ),
  };
}
