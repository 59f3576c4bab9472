import { en } from './en/index.ts';

export type MessageKey = keyof typeof en;
export type Messages = Readonly<Record<MessageKey, string>>;
/** Keys with the forms `.one` and `.other`. */
export type CountKey = MessageKey extends infer K ? (K extends `${infer Base}.other` ? Base : never) : never;
export type MessageValues = Readonly<Record<string, string | number>>;

export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;

const STORED = 'enchilada-language';

export function isLanguage(value: unknown): value is Language {
  return typeof value === 'string' && Object.hasOwn(LANGUAGES, value);
}

/** The stored choice, else the first of the browser's languages that the catalogue has, else English. */
export function preferredLanguage(stored: string | null, browser: readonly string[]): Language {
  if (isLanguage(stored)) return stored;
  return browser.map((tag) => tag.split('-')[0]?.toLowerCase()).find(isLanguage) ?? 'en';
}

/** Only one language is downloaded; English comes with the script because it names the keys. */
export async function loadMessages(language: Language): Promise<Messages> {
  switch (language) {
    case 'en':
      return en;
    case 'de':
      return (await import('./de/index.ts')).de;
  }
}

export function storedLanguage(): Language {
  return preferredLanguage(localStorage.getItem(STORED), navigator.languages);
}

export function storeLanguage(language: Language): void {
  localStorage.setItem(STORED, language);
}

/** Values stand in as plain text: they are never parsed again. */
export function fill(message: string, values: MessageValues = {}): string {
  return message.replace(/\{(\w+)\}/gu, (whole, name: string) => String(values[name] ?? whole));
}
