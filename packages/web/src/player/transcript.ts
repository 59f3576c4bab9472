/** The text of a terminal's output with the time of each line, for searching; control sequences (ECMA-48) are left out. */
export interface TranscriptLine {
  readonly atMs: number;
  readonly text: string;
}

type State = 'ground' | 'escape' | 'sequence' | 'string' | 'string-escape' | 'charset';

const LONGEST_LINE = 4000;

export class Transcript {
  readonly lines: TranscriptLine[] = [];
  readonly #decoder = new TextDecoder();
  #state: State = 'ground';
  #line = '';
  #startedAt = 0;

  add(bytes: Uint8Array, atMs: number): void {
    for (const character of this.#decoder.decode(bytes, { stream: true })) this.#take(character, atMs);
  }

  /** Lines that hold the words, whatever the case; the unfinished last line counts. */
  find(words: string, most: number): readonly TranscriptLine[] {
    const wanted = words.toLowerCase();
    const found: TranscriptLine[] = [];
    if (wanted === '') return found;
    for (const line of this.#line === '' ? this.lines : [...this.lines, { atMs: this.#startedAt, text: this.#line }]) {
      if (line.text.toLowerCase().includes(wanted)) found.push(line);
      if (found.length === most) break;
    }
    return found;
  }

  #take(character: string, atMs: number): void {
    switch (this.#state) {
      case 'ground':
        return this.#ground(character, atMs);
      case 'escape':
        this.#state =
          character === '['
            ? 'sequence'
            : ']PX^_'.includes(character)
              ? 'string'
              : '()*+-./#% '.includes(character)
                ? 'charset'
                : 'ground';
        return;
      case 'sequence':
        if (character >= '@' && character <= '~') this.#state = 'ground';
        else if (character === '\x1b') this.#state = 'escape';
        return;
      case 'string':
        if (character === '\x07' || character === '\x9c') this.#state = 'ground';
        else if (character === '\x1b') this.#state = 'string-escape';
        return;
      case 'string-escape':
        this.#state = character === '\\' ? 'ground' : 'string';
        return;
      case 'charset':
        this.#state = 'ground';
    }
  }

  #ground(character: string, atMs: number): void {
    switch (character) {
      case '\x1b':
        this.#state = 'escape';
        return;
      case '\x9b':
        this.#state = 'sequence';
        return;
      case '\n':
        this.#endLine();
        return;
      case '\b':
        this.#line = this.#line.slice(0, -1);
        return;
      case '\t':
        character = ' ';
    }
    if (character < ' ' || character === '\x7f') return;
    if (this.#line === '') this.#startedAt = atMs;
    this.#line += character;
    if (this.#line.length >= LONGEST_LINE) this.#endLine();
  }

  #endLine(): void {
    if (this.#line.trim() !== '') this.lines.push({ atMs: this.#startedAt, text: this.#line });
    this.#line = '';
  }
}
