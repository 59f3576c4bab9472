import { ApiFault } from '../api/http.ts';

/** Larger files belong into an editor on the machine. */
export const MOST_EDITED_BYTES = 1024 * 1024;

/** Not more than fits, whatever the folder said before. @throws ApiFault EDIT_TOO_LARGE, NETWORK */
export async function readSmall(response: Response, most = MOST_EDITED_BYTES): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const piece = await reader?.read().catch((failure: unknown) => {
      if (failure instanceof DOMException && failure.name === 'AbortError') throw failure;
      throw new ApiFault({ code: 'NETWORK', status: 0 });
    });
    if (piece?.value === undefined) break;
    pieces.push(piece.value);
    length += piece.value.length;
    if (length <= most) continue;
    await reader?.cancel().catch(() => undefined);
    throw new ApiFault({ code: 'EDIT_TOO_LARGE', status: 0 });
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

const MARK = '\uFEFF';
const NAMES = { '\n': 'LF', '\r\n': 'CRLF', '\r': 'CR' } as const;
type LineEnd = keyof typeof NAMES;

/** A text file beside what a textarea makes of it, which has no byte order mark and ends each line in LF. */
export class TextFile {
  readonly #hasMark: boolean;
  readonly #lines: readonly string[];
  /** Of each line but the last. */
  readonly #ends: readonly LineEnd[];
  readonly #usual: LineEnd;

  /** @throws ApiFault FILE_UNFIT where it is no UTF-8 */
  constructor(bytes: Uint8Array) {
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch (cause) {
      throw new ApiFault({ code: 'FILE_UNFIT', status: 422, detail: String(cause) });
    }
    this.#hasMark = text.startsWith(MARK);
    const parts = (this.#hasMark ? text.slice(MARK.length) : text).split(/(\r\n|\r|\n)/u);
    this.#lines = parts.filter((_, index) => index % 2 === 0);
    this.#ends = parts.filter((_, index) => index % 2 === 1) as LineEnd[];
    const count = (end: LineEnd): number => this.#ends.reduce((sum, each) => sum + (each === end ? 1 : 0), 0);
    this.#usual = (Object.keys(NAMES) as LineEnd[]).reduce((most, end) => (count(end) > count(most) ? end : most));
  }

  get shown(): string {
    return this.#lines.join('\n');
  }

  /** What lines end in that are changed; absent where all of them do. */
  get usualOfMixed(): string | undefined {
    return this.#ends.some((end) => end !== this.#usual) ? NAMES[this.#usual] : undefined;
  }

  /** As it is saved: lines before the first change and after the last keep their ends, those between get the usual one. */
  saved(edited: string): string {
    const [was, now] = [this.#lines, edited.split('\n')];
    const most = Math.min(was.length, now.length);
    let head = 0;
    while (head < most && was[head] === now[head]) head += 1;
    let tail = 0;
    while (tail < most - head && was[was.length - 1 - tail] === now[now.length - 1 - tail]) tail += 1;
    const endOf = (index: number): LineEnd | undefined => {
      if (index < head) return this.#ends[index];
      return index >= now.length - tail ? this.#ends[index - now.length + was.length] : undefined;
    };
    const ended = now.map((line, index) => line + (index === now.length - 1 ? '' : (endOf(index) ?? this.#usual)));
    return (this.#hasMark ? MARK : '') + ended.join('');
  }
}
