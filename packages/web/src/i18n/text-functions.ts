import type { LocalizedText } from '@enchilada/core/engine';
import { fill, type CountKey, type Language, type MessageKey, type Messages, type MessageValues } from './catalogue.ts';

export interface Text {
  (key: MessageKey, values?: MessageValues): string;
  /** The form for the number, with `{count}` in the language's digits. */
  count(key: CountKey, count: number, values?: MessageValues): string;
  /** A text that the gateway brings in every language. */
  of(text: LocalizedText): string;
  number(value: number): string;
  bytes(value: number): string;
  dateTime(at: number): string;
  /** From one moment to another, to the minute; what both share is said once. */
  span(from: number, until: number): string;
  /** To the minute, without the day where that is today's. */
  clock(at: number, now?: number): string;
  /** To the second, of today. */
  time(at: number): string;
  relative(at: number, now?: number): string;
  readonly language: Language;
}

const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['year', 31_557_600_000],
  ['month', 2_629_800_000],
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];
const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** The person's own form of the language, so that dates and numbers look as they are used to: en-GB rather than en. */
export function localeOf(language: Language, browser: readonly string[]): string {
  return browser.find((tag) => tag.toLowerCase().split('-')[0] === language) ?? language;
}

export function createText(language: Language, messages: Messages, locale: string = language): Text {
  const plural = new Intl.PluralRules(language);
  const number = new Intl.NumberFormat(locale);
  const short = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const dateTime = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium' });
  const minute = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: 'short' });
  const time = new Intl.DateTimeFormat(locale, { timeStyle: 'medium' });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const text = (key: MessageKey, values?: MessageValues): string => fill(messages[key], values);
  return Object.assign(text, {
    count: (key: CountKey, count: number, values?: MessageValues) =>
      text(`${key}.${plural.select(count) === 'one' ? 'one' : 'other'}` as MessageKey, {
        ...values,
        count: number.format(count),
      }),
    of: (localized: LocalizedText) => localized[language],
    number: (value: number) => number.format(value),
    bytes(value: number) {
      const power = value < 1024 ? 0 : Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log2(value) / 10));
      return `${short.format(value / 1024 ** power)} ${BYTE_UNITS[power] ?? ''}`;
    },
    dateTime: (at: number) => dateTime.format(at),
    span: (from: number, until: number) => minute.formatRange(from, until),
    clock: (at: number, now = Date.now()) =>
      (new Date(at).toDateString() === new Date(now).toDateString() ? clock : minute).format(at),
    time: (at: number) => time.format(at),
    relative(at: number, now = Date.now()) {
      const [unit, size] = UNITS.find(([, length]) => Math.abs(at - now) >= length) ?? ['second', 1000];
      return unit === 'second' ? text('time.just-now') : relative.format(Math.round((at - now) / size), unit);
    },
    language,
  });
}
