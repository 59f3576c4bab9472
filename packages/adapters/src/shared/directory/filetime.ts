/** 100-nanosecond steps from 1601 to 1970. */
const EPOCH = 116_444_736_000_000_000n;

/** A time as Active Directory writes it (MS-DTYP 2.3.3), in milliseconds since 1970; undefined where the text is none. */
export function millisecondsOf(text: string): number | undefined {
  return /^\d{1,19}$/u.test(text) ? Number((BigInt(text) - EPOCH) / 10_000n) : undefined;
}
