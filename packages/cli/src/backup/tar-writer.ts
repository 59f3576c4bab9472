/** The interchange format of POSIX pax. https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06 */
export const BLOCK_BYTES = 512;
const LARGEST_OCTAL_SIZE = 0o77777777777;

export interface TarMember {
  readonly path: string;
  readonly bytes: number;
  readonly mode: number;
  /** Milliseconds since the Unix epoch. */
  readonly modifiedAt: number;
}

function octal(value: number, length: number): string {
  return `${value.toString(8).padStart(length - 1, '0')}\0`;
}

function ustar(member: TarMember, type: '0' | 'x'): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(member.path, 0, 100, 'latin1');
  block.write(octal(member.mode, 8), 100);
  block.write(octal(0, 8) + octal(0, 8), 108);
  block.write(octal(Math.min(member.bytes, LARGEST_OCTAL_SIZE), 12), 124);
  block.write(octal(Math.max(0, Math.floor(member.modifiedAt / 1000)), 12), 136);
  block.fill(0x20, 148, 156);
  block.write(type, 156);
  block.write('ustar\x0000', 257, 'latin1');
  block.write(
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      7,
    )} `,
    148,
  );
  return block;
}

/** `LENGTH KEY=VALUE\n`, where the length counts its own digits. */
function paxRecord(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  while (rest + String(length).length !== length) length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

export function padding(bytes: number): Buffer {
  return Buffer.alloc((BLOCK_BYTES - (bytes % BLOCK_BYTES)) % BLOCK_BYTES);
}

/** What precedes a file's bytes: its header, after an extended one where the plain one cannot say it. */
export function tarHeader(member: TarMember): Buffer {
  const isPlain = /^[\x20-\x7e]{1,100}$/u.test(member.path) && member.bytes <= LARGEST_OCTAL_SIZE;
  if (isPlain) return ustar(member, '0');
  const extended = Buffer.from(paxRecord('path', member.path) + paxRecord('size', String(member.bytes)));
  const short = { ...member, path: 'extended' };
  return Buffer.concat([
    ustar({ ...short, bytes: extended.length }, 'x'),
    extended,
    padding(extended.length),
    ustar(short, '0'),
  ]);
}

export const TAR_END = Buffer.alloc(2 * BLOCK_BYTES);
