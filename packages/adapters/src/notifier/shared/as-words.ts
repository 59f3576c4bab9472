/** ZERO WIDTH SPACE: seen by nobody, and it takes what it stands in apart for whoever reads signs. */
const APART = '\u200b';

/** What people wrote, as words and nothing else: it mentions nobody and links nowhere, whichever chat reads signs into it. */
export function asWords(text: string): string {
  return text.replaceAll('@', `@${APART}`).replaceAll('://', `:${APART}//`).replaceAll('](', `]${APART}(`);
}
