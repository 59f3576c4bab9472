import { parseAddress, parseCidr } from '@enchilada/core/access';
import { Secret } from '@enchilada/core/credential';
import { Fault } from '@enchilada/core/fault';
import type { ConfigEntry } from './entry.ts';

/** Where a value was written; environment and flags hold text, the file holds YAML's types. */
export interface ValueSource {
  readonly name: string;
  readonly from: 'file' | 'environment' | 'flag';
  readFile(path: string): string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const TEXT_MAX = 1000;

export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})\s*(s|m|h|d)$/u.exec(text.trim());
  return match === null ? undefined : Number(match[1]) * (UNITS[match[2] ?? ''] ?? 0);
}

/** The value as the program uses it. @throws Fault CONFIGURATION_INVALID; a secret is never part of the message. */
export function parseValue(entry: ConfigEntry, raw: unknown, source: ValueSource): unknown {
  const wrong = (must: string): Fault => {
    const received = entry.kind === 'secret-url' ? 'a value that is not shown' : JSON.stringify(raw);
    return new Fault('CONFIGURATION_INVALID', `${source.name} must be ${must}, received ${received ?? 'nothing'}`, {
      facts: { key: source.name },
    });
  };
  const typed = source.from === 'file' ? raw : fromText(entry, String(raw));
  switch (entry.kind) {
    case 'boolean':
      if (typeof typed !== 'boolean') throw wrong('true or false');
      return typed;
    case 'integer':
      if (!Number.isInteger(typed) || (typed as number) < entry.minimum || (typed as number) > entry.maximum) {
        throw wrong(`a whole number from ${entry.minimum} to ${entry.maximum}`);
      }
      return typed;
    case 'duration': {
      const ms = typeof typed === 'string' ? parseDuration(typed) : undefined;
      if (ms === undefined) throw wrong('a duration like 30s, 15m, 12h or 400d');
      if (ms < entry.minimumMs || ms > entry.maximumMs)
        throw wrong(`from ${entry.minimumMs / 1000}s to ${entry.maximumMs / 86_400_000}d`);
      return ms;
    }
    case 'choice':
      if (typeof typed !== 'string' || !entry.options.includes(typed))
        throw wrong(`one of ${entry.options.join(', ')}`);
      return typed;
    case 'list':
      if (!Array.isArray(typed)) throw wrong('a list');
      for (const item of typed as unknown[]) {
        const good =
          typeof item === 'string' &&
          (entry.item === 'cidr'
            ? parseCidr(item) !== undefined
            : item === 'localhost' || parseAddress(item) !== undefined);
        if (!good) throw wrong(entry.item === 'cidr' ? 'a list of networks like 10.0.0.0/8' : 'a list of addresses');
      }
      return Object.freeze([...(typed as string[])]);
    case 'secret-url':
      if (typeof typed !== 'string') throw wrong('a URL, or file:PATH or env:NAME');
      return secretUrl(typed, source, wrong);
    case 'url':
      if (typeof typed !== 'string' || !isOrigin(typed))
        throw wrong('an address like https://bastion.example.org, without path');
      return new URL(typed).origin;
    case 'path':
    case 'text':
      if (typeof typed !== 'string' || typed.length > (entry.maxLength ?? TEXT_MAX))
        throw wrong(`text of at most ${entry.maxLength ?? TEXT_MAX} characters`);
      if (entry.pattern !== undefined && !entry.pattern.test(typed))
        throw wrong(`text that matches ${entry.pattern.source}`);
      if (entry.kind === 'path' && (typed === '' || typed.includes('\0'))) throw wrong('a path');
      return typed;
  }
}

function fromText(entry: ConfigEntry, text: string): unknown {
  switch (entry.kind) {
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : text;
    case 'integer':
      return /^\d+$/u.test(text) ? Number(text) : text;
    case 'list':
      return text.split(',').flatMap((item) => (item.trim() === '' ? [] : [item.trim()]));
    default:
      return text;
  }
}

function isOrigin(text: string): boolean {
  const url = URL.parse(text);
  return (
    url !== null &&
    ['http:', 'https:'].includes(url.protocol) &&
    url.username === '' &&
    url.pathname === '/' &&
    url.search === '' &&
    url.hash === ''
  );
}

function secretUrl(text: string, source: ValueSource, wrong: (must: string) => Fault): Secret {
  const resolved = resolveReference(text, source);
  const url = URL.parse(resolved);
  if (url === null || url.hostname === '') throw wrong('a URL, or file:PATH or env:NAME that holds one');
  if (resolved === text && url.password !== '' && source.from !== 'environment')
    throw wrong('file:PATH or env:NAME where the URL holds a password');
  return new Secret(resolved);
}

function resolveReference(text: string, source: ValueSource): string {
  if (text.startsWith('env:')) {
    const value = source.environment[text.slice(4)];
    if (value === undefined)
      throw new Fault(
        'CONFIGURATION_INVALID',
        `${source.name} names the environment variable ${text.slice(4)}, which is not set`,
      );
    return value.trim();
  }
  if (!text.startsWith('file:')) return text;
  try {
    return source.readFile(text.slice(5)).trim();
  } catch (cause) {
    throw new Fault('CONFIGURATION_INVALID', `${source.name} names the file ${text.slice(5)}, which cannot be read`, {
      cause,
    });
  }
}
