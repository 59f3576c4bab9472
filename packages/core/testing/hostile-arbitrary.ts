import fc from 'fast-check';

/** What a terminal obeys in place of showing it. */
export const OBEYED = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const DANGEROUS = [
  '\u0000',
  '\u0007',
  '\b',
  '\t',
  '\r',
  '\u001b[31m',
  '\u001b]52;c;cm0=\u0007',
  '\u007f',
  '\u0085',
  '\u009b2J',
  '\u009d',
  '\u200b',
  '\u200e',
  '\u2028',
  '\u2029',
  '\u202e',
  '\u2066',
  '\u2069',
  '\ufeff',
  '\u{e0041}',
  '\ud800',
  '\n',
];
/** Text of whatever a machine, a name or a file may say to a terminal. */
export const hostileText = fc
  .array(fc.oneof(fc.constantFrom(...DANGEROUS), fc.string({ unit: 'binary' })))
  .map((parts) => parts.join(''));
