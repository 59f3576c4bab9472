import type { EngineManifest, ParameterValues } from '@enchilada/core/engine';
import {
  CLIPBOARD_FIELDS,
  DESKTOP_FIELDS,
  type DesktopSettings,
  GROUPS,
  readDesktop,
  WAKE_FIELDS,
} from '../shared/index.ts';
import type { WantedProof, Weakenings } from './security/security-type.ts';

export const manifest: EngineManifest = {
  id: 'vnc',
  label: { en: 'VNC', de: 'VNC' },
  surface: 'rfb',
  defaultPort: 5900,
  credentialKinds: ['password', 'ask', 'login-password'],
  jumpHosts: true,
  hostKeys: true,
  parameters: [
    {
      name: 'allowCleartext',
      kind: 'boolean',
      group: GROUPS.connection,
      weakens: true,
      label: { en: 'Allow an unencrypted connection', de: 'Unverschlüsselte Verbindung erlauben' },
      help: {
        en: 'For machines that offer no VeNCrypt. Whoever listens between gateway and machine sees the screen and every key.',
        de: 'Für Maschinen ohne VeNCrypt. Wer zwischen Gateway und Maschine mithört, sieht den Bildschirm und jede Taste.',
      },
      default: false,
    },
    {
      name: 'allowAnonymousTls',
      kind: 'boolean',
      group: GROUPS.connection,
      weakens: true,
      label: { en: 'Allow TLS without a certificate', de: 'TLS ohne Zertifikat erlauben' },
      help: {
        en: 'Encrypted, but the machine proves no identity: somebody between gateway and machine can take its place.',
        de: 'Verschlüsselt, doch die Maschine weist sich nicht aus: Wer zwischen Gateway und Maschine sitzt, kann sich für sie ausgeben.',
      },
      default: false,
    },
    {
      name: 'signInWith',
      kind: 'choice',
      group: GROUPS.connection,
      label: { en: 'Sign in with', de: 'Anmelden mit' },
      help: {
        en: 'For machines that offer both.',
        de: 'Für Maschinen, die beides anbieten.',
      },
      default: 'auto',
      options: [
        { value: 'auto', label: { en: 'What the machine prefers', de: 'Was die Maschine bevorzugt' } },
        { value: 'password', label: { en: 'The desktop’s password', de: 'Passwort des Desktops' } },
        { value: 'account', label: { en: 'Account and password', de: 'Konto und Passwort' } },
      ],
    },
    {
      name: 'repeaterDestination',
      kind: 'text',
      group: GROUPS.connection,
      label: { en: 'Behind a repeater', de: 'Hinter einem Repeater' },
      help: {
        en: 'Where an UltraVNC repeater shall connect to: ID:1234, or host:port. Empty without a repeater.',
        de: 'Wohin ein UltraVNC-Repeater verbinden soll: ID:1234 oder host:port. Ohne Repeater leer.',
      },
      default: '',
      maxLength: 200,
      pattern: '^(?:|ID:[0-9A-Za-z]+|[^\\s]+:[0-9]+)$',
    },
    ...DESKTOP_FIELDS,
    {
      name: 'pixelEncoding',
      kind: 'choice',
      group: GROUPS.picture,
      label: { en: 'Encoding', de: 'Kodierung' },
      default: 'auto',
      options: [
        { value: 'auto', label: { en: 'Automatic', de: 'Automatisch' } },
        { value: 'tight', label: { en: 'Tight', de: 'Tight' } },
        { value: 'zrle', label: { en: 'ZRLE', de: 'ZRLE' } },
        { value: 'hextile', label: { en: 'Hextile', de: 'Hextile' } },
        { value: 'raw', label: { en: 'Raw', de: 'Raw' } },
      ],
    },
    {
      name: 'lossless',
      kind: 'boolean',
      group: GROUPS.picture,
      label: { en: 'Lossless picture', de: 'Verlustfreies Bild' },
      help: {
        en: 'No JPEG and no video; needs more bandwidth.',
        de: 'Kein JPEG und kein Video; braucht mehr Bandbreite.',
      },
      default: false,
    },
    {
      name: 'quality',
      kind: 'number',
      group: GROUPS.picture,
      label: { en: 'Picture quality', de: 'Bildqualität' },
      help: { en: '0 is the smallest, 9 the best.', de: '0 ist am kleinsten, 9 am besten.' },
      default: 6,
      minimum: 0,
      maximum: 9,
    },
    {
      name: 'compression',
      kind: 'number',
      group: GROUPS.picture,
      label: { en: 'Compression', de: 'Kompression' },
      help: {
        en: '0 asks least of the machine, 9 most.',
        de: '0 verlangt der Maschine am wenigsten ab, 9 am meisten.',
      },
      default: 2,
      minimum: 0,
      maximum: 9,
    },
    {
      name: 'cursor',
      kind: 'choice',
      group: GROUPS.picture,
      label: { en: 'Pointer', de: 'Zeiger' },
      default: 'local',
      options: [
        { value: 'local', label: { en: 'Drawn by the browser', de: 'Vom Browser gezeichnet' } },
        { value: 'remote', label: { en: 'Drawn by the machine', de: 'Von der Maschine gezeichnet' } },
      ],
    },
    ...CLIPBOARD_FIELDS,
    ...WAKE_FIELDS,
  ],
};

/** The manifest's parameters as the engine reads them; what is absent or of another type takes the default. */
export interface VncParameters extends Weakenings, DesktopSettings {
  readonly signInWith: WantedProof;
  readonly repeaterDestination: string;
  readonly pixelEncoding: string;
  readonly lossless: boolean;
  readonly quality: number;
  readonly compression: number;
  readonly remoteCursor: boolean;
}

function proofOf(value: unknown): WantedProof {
  return value === 'password' || value === 'account' ? value : 'auto';
}

export function readParameters(values: ParameterValues): VncParameters {
  const level = (name: string, otherwise: number): number => {
    const value = values[name];
    return typeof value === 'number' && value >= 0 && value <= 9 ? Math.round(value) : otherwise;
  };
  const text = (name: string): string => {
    const value = values[name];
    return typeof value === 'string' ? value : '';
  };
  return {
    allowCleartext: values['allowCleartext'] === true,
    allowAnonymousTls: values['allowAnonymousTls'] === true,
    signInWith: proofOf(values['signInWith']),
    repeaterDestination: text('repeaterDestination'),
    ...readDesktop(values),
    pixelEncoding: text('pixelEncoding'),
    lossless: values['lossless'] === true,
    quality: level('quality', 6),
    compression: level('compression', 2),
    remoteCursor: values['cursor'] === 'remote',
  };
}
