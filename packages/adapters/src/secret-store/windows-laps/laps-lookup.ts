import { isIP } from 'node:net';
import type { Secret } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import {
  AndFilter,
  type Client,
  type Entry,
  EqualityFilter,
  InvalidCredentialsError,
  NoSuchObjectError,
  OrFilter,
  ResultCodeError,
  SizeLimitExceededError,
} from 'ldapts';
import { connected, valueOf, wordsOf } from '../../shared/directory/connection.ts';
import { millisecondsOf } from '../../shared/directory/filetime.ts';
import { ENCRYPTED, type Generation, type LapsConfig, WINDOWS } from './laps-config.ts';

const LONGEST_NAME = 255;
/** Names of local accounts have twenty signs at most; the value was written by the machine. */
const ACCOUNT = /^[\p{L}\p{N}_.$ -]{1,20}$/u;
/** Two are too many; more need not be told. */
const MOST = 2;

interface Asked {
  readonly config: LapsConfig;
  readonly secret: Secret;
  readonly now: number;
  readonly signal: AbortSignal;
}

/**
 * The password of the account on the computer; legacy LAPS does not say whose its password is.
 * @throws Fault SECRET_STORE_DENIED naming the right that is missing, SECRET_NOT_FOUND, SECRET_STORE_UNAVAILABLE
 */
export async function passwordOf(
  { config, secret, now, signal }: Asked,
  path: string,
  account: string,
): Promise<string> {
  const name = computerName(path);
  return connected(
    config,
    async (client) => {
      signal.addEventListener('abort', () => void client.unbind().catch(() => undefined), { once: true });
      try {
        await client.bind(config.bindDn, secret.reveal());
        const computer = await findComputer(client, config, name);
        return passwordIn(computer, { config, now, name, account });
      } catch (cause) {
        throw refusal(cause, config);
      }
    },
    (cause) => refusal(cause, config),
  );
}

/** @throws Fault SECRET_NOT_FOUND */
function computerName(path: string): string {
  const name = path.trim().replace(/\$$/u, '');
  if (name === '' || name.length > LONGEST_NAME || /\p{C}/u.test(name)) throw missing(path, 'is no name of a computer');
  if (isIP(name) !== 0) throw missing(path, 'is an address, and computers are found by their names');
  return name;
}

/** INVARIANT: the name stands in the filter as a value and never as text (RFC 4515 section 3). Of two with one name, none is meant. */
async function findComputer(client: Client, config: LapsConfig, name: string): Promise<Entry> {
  const filter = new AndFilter({
    filters: [
      new EqualityFilter({ attribute: 'objectClass', value: 'computer' }),
      new OrFilter({
        filters: [
          new EqualityFilter({ attribute: 'sAMAccountName', value: `${name}$` }),
          new EqualityFilter({ attribute: 'dNSHostName', value: name }),
        ],
      }),
    ],
  });
  const attributes = [...config.generations.flatMap(({ password, expiration }) => [password, expiration]), ENCRYPTED];
  const several = (): Fault => missing(name, `is the name of several computers below ${config.computerBase}`);
  try {
    const { searchEntries } = await client.search(config.computerBase, {
      ...{ scope: 'sub' as const, filter, attributes, sizeLimit: MOST },
      // It is binary, and nothing but its being there matters.
      explicitBufferAttributes: [ENCRYPTED],
    });
    const [computer, another] = searchEntries;
    if (another !== undefined) throw several();
    if (computer === undefined) throw missing(name, `is no computer below ${config.computerBase}`);
    return computer;
  } catch (cause) {
    if (cause instanceof SizeLimitExceededError) throw several();
    throw cause;
  }
}

/** @throws Fault SECRET_STORE_DENIED, SECRET_NOT_FOUND */
function passwordIn(
  computer: Entry,
  {
    config,
    now,
    ...named
  }: { readonly config: LapsConfig; readonly now: number; readonly name: string; readonly account: string },
): string {
  const { generations, refuseExpired } = config;
  const { name } = named;
  for (const generation of generations) {
    const value = valueOf(computer, generation.password);
    if (value === '') continue;
    const end = millisecondsOf(valueOf(computer, generation.expiration));
    if (refuseExpired && end !== undefined && end <= now)
      throw missing(name, `was to change its password by ${new Date(end).toISOString()} and has not`);
    return generation === WINDOWS ? clearText(value, named) : value;
  }
  if (valueOf(computer, ENCRYPTED) !== '' && generations.includes(WINDOWS))
    throw missing(name, `keeps its password encrypted (${ENCRYPTED}), which cannot be read: let it keep clear text`);
  throw unreadable(computer, generations, name);
}

/**
 * What may not be read is absent (MS-ADTS 3.1.1.4.4). The time that a password is to be changed is no secret: where it is there and the password
 * is not, the right is what is missing.
 */
function unreadable(computer: Entry, generations: readonly Generation[], name: string): Fault {
  const kept = generations.find(({ expiration }) => valueOf(computer, expiration) !== '');
  if (kept === undefined)
    return missing(name, `has no password in ${generations.map(({ password }) => password).join(' or ')}`);
  const permission = `read and control access on ${kept.password} of ${computer.dn}`;
  const encrypted = kept === WINDOWS ? `; or the password is kept encrypted (${ENCRYPTED}), which cannot be read` : '';
  return new Fault('SECRET_STORE_DENIED', `the account that reads needs ${permission}${encrypted}`, {
    facts: { permission },
  });
}

/** MS-ADA2 section 2.64. INVARIANT: no part of the value is in the words but the account, where it is one. */
function clearText(value: string, { name, account }: { readonly name: string; readonly account: string }): string {
  const { n: managed, p: password } = fieldsOf(value);
  if (typeof managed !== 'string' || managed === '' || typeof password !== 'string' || password === '')
    throw missing(name, `has something in ${WINDOWS.password} that Windows LAPS does not write`);
  if (isSame(managed, localAccount(account, name))) return password;
  const whose = ACCOUNT.test(managed) ? managed : 'another account';
  throw missing(name, `keeps the password of ${whose}, and the user name of the credential is ${account || 'empty'}`);
}

function fieldsOf(value: string): { readonly n?: unknown; readonly p?: unknown } {
  try {
    return (JSON.parse(value) as object | null) ?? {};
  } catch {
    return {};
  }
}

/** What stands behind `.\` or the computer's own name; any other domain's account is not the computer's. */
function localAccount(account: string, computer: string): string {
  const [, place = '.', local = account] = /^([^\\]*)\\(.*)$/su.exec(account) ?? [];
  return place === '.' || isSame(place, computer.split('.')[0] ?? '') ? local : account;
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function missing(path: string, words: string): Fault {
  return new Fault('SECRET_NOT_FOUND', `${path} ${words}`, { facts: { path } });
}

function refusal(cause: unknown, { bindDn, computerBase }: LapsConfig): Fault {
  if (cause instanceof Fault) return cause;
  if (cause instanceof InvalidCredentialsError)
    return new Fault('SECRET_STORE_DENIED', `the directory does not accept ${bindDn} with its password`, {
      cause,
      facts: { permission: `a valid password of ${bindDn}` },
    });
  if (cause instanceof NoSuchObjectError)
    return new Fault('SECRET_NOT_FOUND', `there is no ${computerBase} in the directory, or it may not be read`, {
      cause,
    });
  const kind = cause instanceof ResultCodeError ? 'refuses' : 'cannot be reached';
  return new Fault('SECRET_STORE_UNAVAILABLE', `the directory ${kind}: ${wordsOf(cause)}`, { cause });
}
