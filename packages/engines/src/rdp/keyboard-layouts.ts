/** Keyboard layouts of Windows by language. https://learn.microsoft.com/windows-hardware/manufacture/desktop/windows-language-pack-default-values */
export const LAYOUTS = {
  'cs-CZ': [0x405, 'Čeština'],
  'da-DK': [0x406, 'Dansk'],
  'de-CH': [0x807, 'Deutsch (Schweiz)'],
  'de-DE': [0x407, 'Deutsch'],
  'en-GB': [0x809, 'English (United Kingdom)'],
  'en-US': [0x409, 'English (United States)'],
  'es-419': [0x80a, 'Español (Latinoamérica)'],
  'es-ES': [0x40a, 'Español'],
  'fi-FI': [0x40b, 'Suomi'],
  'fr-BE': [0x80c, 'Français (Belgique)'],
  'fr-CA': [0xc0c, 'Français (Canada)'],
  'fr-CH': [0x100c, 'Français (Suisse)'],
  'fr-FR': [0x40c, 'Français'],
  'hu-HU': [0x40e, 'Magyar'],
  'it-IT': [0x410, 'Italiano'],
  'ja-JP': [0x411, '日本語'],
  'nb-NO': [0x414, 'Norsk bokmål'],
  'nl-NL': [0x413, 'Nederlands'],
  'pl-PL': [0x415, 'Polski'],
  'pt-BR': [0x416, 'Português (Brasil)'],
  'pt-PT': [0x816, 'Português'],
  'ro-RO': [0x418, 'Română'],
  'sv-SE': [0x41d, 'Svenska'],
  'tr-TR': [0x41f, 'Türkçe'],
} as const satisfies Readonly<Record<string, readonly [number, string]>>;

export const ANY_LAYOUT = 'auto';
const DEFAULT = LAYOUTS['en-US'][0];

/** The layout that a language tag (BCP 47) stands for: its own, or that of its language where the country is none we know. */
function layoutOf(tag: string): number | undefined {
  const wanted = tag.toLowerCase();
  const [language = ''] = wanted.split('-');
  const entries = Object.entries(LAYOUTS);
  const found =
    entries.find(([name]) => name.toLowerCase() === wanted) ??
    entries.find(([name]) => name.toLowerCase() === `${language}-${language}`) ??
    entries.find(([name]) => name.toLowerCase().startsWith(`${language}-`));
  return language === 'en' && wanted !== 'en-gb' ? DEFAULT : found?.[1][0];
}

/** The machine's setting, else the person's choice, else what the decoder says. */
export function keyboardLayout(setting: string, chosen: string | undefined, said: number): number {
  const settled = setting === ANY_LAYOUT ? undefined : layoutOf(setting);
  const wanted = chosen === undefined ? undefined : layoutOf(chosen);
  return settled ?? wanted ?? (said === 0 ? DEFAULT : said);
}
