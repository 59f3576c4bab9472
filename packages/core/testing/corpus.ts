import { readFileSync } from 'node:fs';
import fc from 'fast-check';

export interface Sample {
  /** What comes of it. */
  readonly outcome: string;
  readonly bytes: Uint8Array;
  readonly words: string;
}

/**
 * One sample a line: what comes of it, its bytes in hex, what it is. Whatever is found to break a codec becomes a line and stays.
 * Lines that begin with `#` are for the reader.
 */
export function readCorpus(file: string): readonly Sample[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [outcome = '', hex = '', words = ''] = line.split(' | ');
      if (!/^(?:[0-9a-f]{2})*$/u.test(hex) || words === '') throw new Error(`no sample: ${line.slice(0, 80)}`);
      return { outcome, bytes: new Uint8Array(Buffer.from(hex, 'hex')), words };
    });
}

/** The same bytes with some changed, some put in, and an end that may be missing. */
export function altered(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const place = fc.nat(bytes.length);
  return fc
    .tuple(
      fc.array(fc.tuple(place, fc.nat(255)), { maxLength: 6 }),
      fc.option(fc.tuple(place, fc.uint8Array({ maxLength: 12 }))),
      fc.option(place),
    )
    .map(([changes, inserted, end]) => {
      let out = Buffer.from(bytes);
      for (const [at, value] of changes) if (at < out.length) out[at] = value;
      if (inserted !== null)
        out = Buffer.concat([out.subarray(0, inserted[0]), inserted[1], out.subarray(inserted[0])]);
      return new Uint8Array(end === null ? out : out.subarray(0, end));
    });
}
