import type { EngineManifest, ParameterValues } from '@enchilada/core/engine';
import { GROUPS, readEnvironment, readTerminalType, terminalTypeField } from '../shared/index.ts';

export const manifest: EngineManifest = {
  id: 'ssh',
  label: { en: 'SSH', de: 'SSH' },
  surface: 'terminal',
  defaultPort: 22,
  credentialKinds: [
    'password',
    'private-key',
    'certificate',
    'ask',
    'login-password',
    'personal-key',
    'session-key',
    'launch-password',
  ],
  jumpHosts: true,
  carries: true,
  holdsFiles: true,
  hostKeys: true,
  parameters: [
    terminalTypeField({ maxLength: 64, pattern: '^[A-Za-z0-9][A-Za-z0-9.+_-]*$' }),
    {
      name: 'initialCommand',
      kind: 'text',
      group: GROUPS.terminal,
      label: { en: 'Initial command', de: 'Startbefehl' },
      help: {
        en: 'Runs instead of the login shell; the session ends with it. Empty: the login shell.',
        de: 'Läuft anstelle der Anmelde-Shell; die Sitzung endet mit ihm. Leer: die Anmelde-Shell.',
      },
      default: '',
      maxLength: 4096,
    },
    {
      name: 'environment',
      kind: 'list',
      group: GROUPS.terminal,
      label: { en: 'Environment', de: 'Umgebungsvariablen' },
      help: {
        en: 'One NAME=value a line. The machine decides which names it accepts (AcceptEnv in sshd_config); others are ignored.',
        de: 'Je Zeile ein NAME=Wert. Die Maschine entscheidet, welche Namen sie annimmt (AcceptEnv in sshd_config); andere bleiben ohne Wirkung.',
      },
      maxItems: 32,
      maxLength: 1024,
      pattern: '^[A-Za-z_][A-Za-z0-9_]*=[^\\u0000-\\u001f\\u007f]*$',
    },
    {
      name: 'keepaliveSeconds',
      kind: 'number',
      group: GROUPS.connection,
      label: { en: 'Keepalive', de: 'Keepalive' },
      help: {
        en: 'Asks the machine for a sign of life this often; after three unanswered intervals the session ends.',
        de: 'Fragt die Maschine in diesem Abstand nach einem Lebenszeichen; nach drei Abständen ohne Antwort endet die Sitzung.',
      },
      default: 15,
      minimum: 5,
      maximum: 300,
      unit: 's',
    },
    {
      name: 'legacyAlgorithms',
      kind: 'boolean',
      group: GROUPS.connection,
      weakens: true,
      label: { en: 'Allow legacy algorithms', de: 'Veraltete Algorithmen erlauben' },
      help: {
        en: 'Adds SHA-1, CBC and ssh-rsa for machines that know nothing newer. Whoever controls the network may be able to read or alter the session.',
        de: 'Ergänzt SHA-1, CBC und ssh-rsa für Maschinen, die nichts Neueres kennen. Wer das Netz beherrscht, kann die Sitzung womöglich lesen oder verändern.',
      },
      default: false,
    },
  ],
};

/** The manifest's parameters as the engine reads them; what is absent or of another type takes the default. */
export interface SshParameters {
  readonly terminalType: string;
  readonly initialCommand: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly keepaliveSeconds: number;
  readonly legacyAlgorithms: boolean;
}

export function readParameters(values: ParameterValues): SshParameters {
  const { terminalType, initialCommand, environment, keepaliveSeconds, legacyAlgorithms } = values;
  return {
    terminalType: readTerminalType(terminalType),
    initialCommand: typeof initialCommand === 'string' ? initialCommand.trim() : '',
    environment: readEnvironment(environment),
    keepaliveSeconds: typeof keepaliveSeconds === 'number' ? keepaliveSeconds : 15,
    legacyAlgorithms: legacyAlgorithms === true,
  };
}
