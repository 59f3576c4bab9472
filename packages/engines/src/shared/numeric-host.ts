const PART = /^(?:0x[0-9a-f]+|0[0-7]*|[1-9]\d*)$/iu;

/** C's `strtoul` with base 0, as `inet_aton` reads each part. */
function partValue(part: string): number {
  if (!PART.test(part)) return Number.NaN;
  if (/^0x/iu.test(part)) return Number.parseInt(part.slice(2), 16);
  return Number.parseInt(part, part.startsWith('0') ? 8 : 10);
}

/** The IPv4 address that `inet_aton` makes of decimal, octal, hexadecimal and shortened spellings. */
function inetAton(text: string): string | undefined {
  const parts = text.split('.').map(partValue);
  const last = parts.pop();
  if (last === undefined || parts.length > 3 || parts.some((part) => !(part <= 255))) return undefined;
  if (!(last < 256 ** (4 - parts.length))) return undefined;
  const value = parts.reduce((sum, part, index) => sum + part * 256 ** (3 - index), last);
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/**
 * The address that a resolver would make of `host` without asking anybody, in whatever spelling; undefined for a name.
 * Needed where someone else resolves: behind a jump host, only what is written can be judged.
 */
export function numericHost(host: string): string | undefined {
  const text = host
    .normalize('NFKC')
    .replace(/^\[(.*)\]$/u, '$1')
    .replace(/%.*$/u, '')
    .replace(/\.+$/u, '')
    .toLowerCase();
  if (text === 'localhost' || text.endsWith('.localhost') || text === '' || text === '*') return '127.0.0.1';
  return text.includes(':') ? text : inetAton(text);
}
