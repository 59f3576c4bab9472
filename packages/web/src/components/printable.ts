/** Control and bidirectional characters as visible escapes, for text that someone else chose (C0, C1, U+200E–F, U+202A–E, U+2066–9). */
export function printable(text: string): string {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`,
  );
}

/** The same, where the text may have lines of its own. */
export function printableLines(text: string): string {
  return text.replaceAll('\r\n', '\n').split('\n').map(printable).join('\n').trim();
}
