import type { SecretStoreManifest } from '@enchilada/core/credential';
import type { ParameterValues } from '@enchilada/core/engine';
import {
  type Directory,
  directoryFields,
  neededText,
  readDirectory,
  textOf,
} from '../../shared/directory/server-fields.ts';

const COMPUTERS = { en: 'Computers', de: 'Computer' };

export const manifest: SecretStoreManifest = {
  kind: 'windows-laps',
  label: { en: 'Windows LAPS (Active Directory)', de: 'Windows LAPS (Active Directory)' },
  holdsWholeValues: true,
  passwordsOfMachines: true,
  secret: { en: 'Password of the account that reads', de: 'Passwort des lesenden Kontos' },
  parameters: [
    ...directoryFields({
      label: { en: 'Account that reads', de: 'Lesendes Konto' },
      help: {
        en: 'Its distinguished name, or name@domain. It needs to read the passwords of these computers, no more.',
        de: 'Sein Distinguished Name oder name@domäne. Es muss die Passwörter dieser Computer lesen, mehr nicht.',
      },
    }),
    {
      name: 'computerBase',
      kind: 'text',
      required: true,
      group: COMPUTERS,
      label: { en: 'Below', de: 'Unterhalb von' },
      help: {
        en: 'For example OU=Servers,DC=example,DC=org. Passwords of computers elsewhere are not read.',
        de: 'Etwa OU=Servers,DC=example,DC=org. Passwörter von Computern anderswo werden nicht gelesen.',
      },
      maxLength: 500,
    },
    {
      name: 'generation',
      kind: 'choice',
      group: COMPUTERS,
      label: { en: 'Passwords of', de: 'Passwörter von' },
      help: {
        en: 'Encrypted passwords of Windows LAPS (msLAPS-EncryptedPassword) cannot be read.',
        de: 'Verschlüsselte Passwörter von Windows LAPS (msLAPS-EncryptedPassword) können nicht gelesen werden.',
      },
      default: 'any',
      options: [
        {
          value: 'any',
          label: { en: 'Windows LAPS, else legacy LAPS', de: 'Windows LAPS, sonst das ältere LAPS' },
        },
        { value: 'windows', label: { en: 'Windows LAPS (msLAPS-Password)', de: 'Windows LAPS (msLAPS-Password)' } },
        { value: 'legacy', label: { en: 'Legacy LAPS (ms-Mcs-AdmPwd)', de: 'Älteres LAPS (ms-Mcs-AdmPwd)' } },
      ],
    },
    {
      name: 'refuseExpired',
      kind: 'boolean',
      group: COMPUTERS,
      label: { en: 'Refuse passwords that have expired', de: 'Abgelaufene Passwörter ablehnen' },
      help: {
        en: 'An expired one still opens the machine, until the machine changes it. One that stays expired says that LAPS no longer works there.',
        de: 'Ein abgelaufenes öffnet die Maschine, bis sie es ändert. Bleibt es abgelaufen, arbeitet LAPS dort nicht mehr.',
      },
      default: false,
    },
  ],
};

/** A pair of attributes: the password, and when it is to be changed. */
export interface Generation {
  readonly password: string;
  readonly expiration: string;
}

/** https://learn.microsoft.com/windows-server/identity/laps/laps-technical-reference */
export const WINDOWS: Generation = { password: 'msLAPS-Password', expiration: 'msLAPS-PasswordExpirationTime' };
export const LEGACY: Generation = { password: 'ms-Mcs-AdmPwd', expiration: 'ms-Mcs-AdmPwdExpirationTime' };
export const ENCRYPTED = 'msLAPS-EncryptedPassword';

export interface LapsConfig extends Directory {
  readonly computerBase: string;
  /** In the order in which they are tried. */
  readonly generations: readonly Generation[];
  readonly refuseExpired: boolean;
}

/** The parameters with their types. The manifest's patterns have been checked before. @throws Fault INVALID_REQUEST */
export function readConfig(parameters: ParameterValues): LapsConfig {
  const generation = textOf(parameters, 'generation', 'any');
  return {
    ...readDirectory(parameters),
    computerBase: neededText(parameters, 'computerBase'),
    generations: generation === 'windows' ? [WINDOWS] : generation === 'legacy' ? [LEGACY] : [WINDOWS, LEGACY],
    refuseExpired: parameters['refuseExpired'] === true,
  };
}
