/**
 * Everything that a terminal obeys or hides: C0, DEL and C1 controls, format characters (bidirectional overrides and isolates, zero width,
 * tags), line and paragraph separators, lone surrogates.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

function visible(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16);
  return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex.padStart(4, '0')}`;
}

/** INVARIANT: the result moves no cursor, changes no colour and reads in one direction, whatever the text was (T28, T39). */
export function escapeText(text: string): string {
  return text.replaceAll(UNPRINTABLE, visible);
}

/** Text of JSON that means the same and holds nothing a terminal obeys: `\uXXXX` is JSON's own escape, one for each UTF-16 unit. */
export function escapeJsonText(json: string): string {
  return json.replaceAll(UNPRINTABLE, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

/** One line. */
export function escapeJson(value: unknown): string {
  return escapeJsonText(JSON.stringify(value) ?? 'null');
}
