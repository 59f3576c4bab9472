import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Secret } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';

export interface KeyAddress {
  /** What stands between the scheme and the question mark: the key itself. */
  readonly key: string;
  option(name: string): string | undefined;
}

export interface AddressForm {
  readonly scheme: string;
  readonly pattern: RegExp;
  readonly options: readonly string[];
  readonly example: string;
}

/** `SCHEME:KEY?OPTION=VALUE&…`. @throws Fault CONFIGURATION_INVALID */
export function readAddress(address: string, { scheme, pattern, options, example }: AddressForm): KeyAddress {
  const [key = '', query = '', ...more] = address.slice(scheme.length + 1).split('?');
  const given = new URLSearchParams(query);
  const strange = [...given.keys()].find((name) => !options.includes(name));
  const problem =
    more.length > 0 || !pattern.test(key)
      ? `must be like ${example}`
      : strange === undefined
        ? undefined
        : `has no option ${strange}; there are ${options.join(', ')}`;
  if (problem !== undefined)
    throw new Fault('CONFIGURATION_INVALID', `the key address ${problem}, received ${address}`, {
      facts: { key: 'keyEncryption.key' },
    });
  return { key, option: (name) => given.get(name) ?? undefined };
}

/** Stands beside what it sealed, for as long as that is kept. */
export function keyIdOf(scheme: string, key: string): string {
  return `${scheme}-${createHash('sha256').update(`enchilada kek ${scheme} ${key}`).digest('hex').slice(0, 16)}`;
}

/** From `file:PATH`, read anew each time, so that one that was renewed is the one that is used. @throws Fault KEY_UNAVAILABLE */
export async function readSecret(reference: string | undefined): Promise<Secret> {
  const path = /^file:(.+)$/u.exec(reference ?? '')?.[1];
  if (path === undefined)
    throw new Fault('CONFIGURATION_INVALID', 'the key address needs secret=file:PATH', {
      facts: { key: 'keyEncryption.key' },
    });
  try {
    return new Secret((await readFile(path, 'utf8')).trim());
  } catch (cause) {
    throw new Fault('KEY_UNAVAILABLE', `${path} cannot be read, which holds what the gateway proves itself with`, {
      cause,
    });
  }
}
