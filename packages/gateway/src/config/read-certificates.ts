import { readFileSync } from 'node:fs';
import { Fault } from '@enchilada/core/fault';
import type { Config, ConfigKey } from './keys.ts';

/** The authorities in the PEM file that the key names; undefined where it names none. @throws Fault CONFIGURATION_INVALID */
export function readCertificates(values: Config, key: ConfigKey & `${string}.ca`): string | undefined {
  const file = values[key];
  if (file === undefined) return undefined;
  const facts = { key };
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Fault('CONFIGURATION_INVALID', `${key} cannot be read: ${file}`, { cause, facts });
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----'))
    throw new Fault('CONFIGURATION_INVALID', `${key} holds no certificate: ${file}`, { facts });
  return text;
}
