/**
 * Which resolved addresses the gateway may dial (T19, T20). Pure: an address in, a verdict out; the dialer resolves once, asks here for each
 * address and connects to the very address that was judged.
 */
export interface EgressPolicy {
  /** Named weakening for tests and single-machine use. */
  readonly allowLoopback: boolean;
  /** CIDR blocks; empty means every address that is not denied below. */
  readonly allow: readonly string[];
  /** CIDR blocks denied on top of the built-in list. */
  readonly deny: readonly string[];
  /** Named weakening: machines may stand where the database, a node or a listener of the gateway does. */
  readonly allowOwnServices: boolean;
}

export const DEFAULT_EGRESS: EgressPolicy = { allowLoopback: false, allow: [], deny: [], allowOwnServices: false };

export type EgressVerdict = { readonly allowed: true } | { readonly allowed: false; readonly reason: string };

/** 16 bytes; IPv4 is held as IPv4-mapped (RFC 4291 section 2.5.5.2). */
export type AddressBytes = Uint8Array;

interface Cidr {
  readonly bytes: AddressBytes;
  readonly bits: number;
}

function parseIpv4(text: string): readonly number[] | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const numbers = parts.map((part) => (/^(0|[1-9]\d{0,2})$/u.test(part) ? Number(part) : 256));
  return numbers.every((number) => number <= 255) ? numbers : undefined;
}

/** Strict text forms only, as resolvers and `net.isIP` give them; undefined for anything else. Zone ids are refused. */
export function parseAddress(text: string): AddressBytes | undefined {
  const bytes = new Uint8Array(16);
  const v4 = parseIpv4(text);
  if (v4 !== undefined) {
    bytes.set([0xff, 0xff, ...v4], 10);
    return bytes;
  }
  if (!/^[0-9a-fA-F:.]+$/u.test(text) || !text.includes(':')) return undefined;
  let source = text;
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/u.exec(text);
  if (tail !== null) {
    const inner = parseIpv4(tail[2] ?? '');
    if (inner === undefined) return undefined;
    const [a = 0, b = 0, c = 0, d = 0] = inner;
    source = `${tail[1] ?? ''}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  }
  const halves = source.split('::');
  if (halves.length > 2) return undefined;
  const words = (half: string | undefined): readonly string[] =>
    half === undefined || half === '' ? [] : half.split(':');
  const head = words(halves[0]);
  const rest = words(halves[1]);
  const missing = 8 - head.length - rest.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const all = [...head, ...Array<string>(halves.length === 1 ? 0 : missing).fill('0'), ...rest];
  for (const [index, word] of all.entries()) {
    if (!/^[0-9a-fA-F]{1,4}$/u.test(word)) return undefined;
    const value = Number.parseInt(word, 16);
    bytes[index * 2] = value >> 8;
    bytes[index * 2 + 1] = value & 0xff;
  }
  return bytes;
}

export function parseCidr(text: string): Cidr | undefined {
  const [address = '', length, ...more] = text.split('/');
  const bytes = parseAddress(address);
  if (bytes === undefined || more.length > 0) return undefined;
  const v4 = !address.includes(':');
  const most = v4 ? 32 : 128;
  const bits = length === undefined ? most : /^\d{1,3}$/u.test(length) ? Number(length) : -1;
  return bits < 0 || bits > most ? undefined : { bytes, bits: v4 ? bits + 96 : bits };
}

function within(address: AddressBytes, block: Cidr): boolean {
  for (let bit = 0; bit < block.bits; bit += 8) {
    const mask = block.bits - bit >= 8 ? 0xff : (0xff << (8 - (block.bits - bit))) & 0xff;
    const index = bit / 8;
    if (((address[index] ?? 0) & mask) !== ((block.bytes[index] ?? 0) & mask)) return false;
  }
  return true;
}

function blocks(list: readonly string[]): readonly Cidr[] {
  return list.map((text) => {
    const block = parseCidr(text);
    if (block === undefined) throw new TypeError(`not a CIDR block: ${text}`);
    return block;
  });
}

const LOOPBACK = blocks(['127.0.0.0/8', '::1/128']);
/** Never a machine a person may open, whatever the configuration says. */
const NEVER: readonly (readonly [string, readonly Cidr[]])[] = [
  ['this host or unspecified', blocks(['0.0.0.0/8', '::/128'])],
  ['link-local, where cloud metadata services live', blocks(['169.254.0.0/16', 'fe80::/10'])],
  [
    'a cloud metadata or platform address',
    blocks(['fd00:ec2::/32', '168.63.129.16/32', '100.100.100.200/32', '192.0.0.192/32']),
  ],
  ['multicast or broadcast', blocks(['224.0.0.0/4', '255.255.255.255/32', 'ff00::/8'])],
  ['reserved', blocks(['240.0.0.0/4'])],
];
/** Prefixes with an IPv4 address inside, and where its four bytes stand (RFC 6052 section 2.2, RFC 8215, RFC 3056, RFC 2765, RFC 4291 section 2.5.5.1). */
const CARRIERS: readonly (readonly [readonly Cidr[], readonly [number, number, number, number]])[] = [
  [blocks(['64:ff9b::/96', '64:ff9b:1::/48', '::ffff:0:0:0/96', '::/96']), [12, 13, 14, 15]],
  [blocks(['64:ff9b:1::/48']), [6, 7, 9, 10]],
  [blocks(['2002::/16']), [2, 3, 4, 5]],
];

/** The IPv4 addresses that an IPv6 form carries inside, so that no transition prefix hides one. */
function embedded(address: AddressBytes): readonly AddressBytes[] {
  return CARRIERS.filter(([prefixes]) => prefixes.some((prefix) => within(address, prefix))).map(([, places]) => {
    const inner = new Uint8Array(16);
    inner.set([0xff, 0xff, ...places.map((place) => address[place] ?? 0)], 10);
    return inner;
  });
}

/** Whether two addresses are one, whatever form carries each. */
export function isSameAddress(one: string, other: string): boolean {
  const [forms, others] = [one, other].map((text) => {
    const bytes = parseAddress(text);
    return bytes === undefined ? [] : [bytes, ...embedded(bytes)].map((form) => form.join());
  });
  return forms?.some((form) => others?.includes(form)) ?? false;
}

export function isLoopbackAddress(text: string): boolean {
  const bytes = parseAddress(text);
  return bytes !== undefined && LOOPBACK.some((block) => within(bytes, block));
}

/** The verdict on one resolved address, as text (`net.Socket` form). */
export function egressVerdict(address: string, policy: EgressPolicy): EgressVerdict {
  const bytes = parseAddress(address);
  if (bytes === undefined) return { allowed: false, reason: 'not an address' };
  const isDenied = (candidate: AddressBytes): boolean => blocks(policy.deny).some((block) => within(candidate, block));
  if (policy.allowLoopback && LOOPBACK.some((block) => within(bytes, block))) {
    return isDenied(bytes) ? { allowed: false, reason: 'denied by egress.deny' } : { allowed: true };
  }
  for (const candidate of [bytes, ...embedded(bytes)]) {
    if (LOOPBACK.some((block) => within(candidate, block))) return { allowed: false, reason: 'loopback' };
    const never = NEVER.find(([, list]) => list.some((block) => within(candidate, block)));
    if (never !== undefined) return { allowed: false, reason: never[0] };
    if (isDenied(candidate)) return { allowed: false, reason: 'denied by egress.deny' };
  }
  if (policy.allow.length > 0 && !blocks(policy.allow).some((block) => within(bytes, block))) {
    return { allowed: false, reason: 'not within egress.allow' };
  }
  return { allowed: true };
}
