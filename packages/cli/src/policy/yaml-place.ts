import { nearestName } from '@enchilada/core/naming';
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';

export interface FileProblem {
  readonly line: number;
  readonly message: string;
}

/** A YAML file whose mistakes are all told at once, each with its line. */
export class YamlFile {
  readonly #problems: FileProblem[] = [];
  readonly #lines = new LineCounter();
  readonly #document: Document;

  constructor(text: string) {
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, uniqueKeys: true });
    for (const { pos, message } of this.#document.errors)
      this.note(this.lineAt(pos[0]), message.charAt(0).toLowerCase() + message.slice(1));
  }

  /** Undefined where the file is no YAML. */
  get root(): YamlPlace | undefined {
    return this.#document.errors.length > 0 ? undefined : new YamlPlace(this, this.#document.contents, '');
  }

  /** In the file's order. */
  get problems(): readonly FileProblem[] {
    return this.#problems.toSorted((a, b) => a.line - b.line);
  }

  note(line: number, message: string): void {
    this.#problems.push({ line, message });
  }

  lineAt(offset: number): number {
    return this.#lines.linePos(offset).line;
  }

  resolve(node: unknown): unknown {
    return isAlias(node) ? node.resolve(this.#document) : node;
  }
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

/** One value in the file. What is not as it should be is noted, and read as if it were absent. */
export class YamlPlace {
  readonly #file: YamlFile;
  readonly #node: unknown;
  /** `grants[2].actions`, as 1, 2, 3. */
  readonly path: string;
  readonly line: number;

  constructor(file: YamlFile, node: unknown, path: string) {
    this.#file = file;
    this.#node = file.resolve(node);
    this.path = path;
    const range = (node as { readonly range?: readonly number[] | null } | null)?.range;
    this.line = range?.[0] === undefined ? 1 : file.lineAt(range[0]);
  }

  problem(message: string): undefined {
    this.#file.note(this.line, `${this.path === '' ? 'the file' : this.path} ${message}`);
    return undefined;
  }

  get isEmpty(): boolean {
    return this.#node === null || (isScalar(this.#node) && this.#node.value === null);
  }

  /** The entries of a map whose names are known. */
  fields<const N extends string>(known: readonly N[]): Readonly<Partial<Record<N, YamlPlace>>> {
    const found = new Map<string, YamlPlace>();
    for (const [name, place] of this.entries()) {
      if ((known as readonly string[]).includes(name)) {
        if (!place.isEmpty) found.set(name, place);
        continue;
      }
      const nearest = nearestName(name, known);
      const hint = nearest === undefined ? `known are ${known.join(', ')}` : `did you mean ${nearest}?`;
      this.#file.note(place.line, `${place.path} is not known; ${hint}`);
    }
    return Object.fromEntries(found) as Readonly<Partial<Record<N, YamlPlace>>>;
  }

  /** The entries of a map whose names are data. */
  entries(): readonly (readonly [string, YamlPlace])[] {
    if (!isMap(this.#node)) return this.problem('must be a map of names and values') ?? [];
    return this.#node.items.map(({ key, value }) => {
      const name = isScalar(key) ? textOf(key) : '';
      return [name, new YamlPlace(this.#file, value ?? key, this.path === '' ? name : `${this.path}.${name}`)] as const;
    });
  }

  items(): readonly YamlPlace[] {
    if (!isSeq(this.#node)) return this.problem('must be a list') ?? [];
    return this.#node.items.map((item, index) => new YamlPlace(this.#file, item, `${this.path}[${index + 1}]`));
  }

  /** A list, or one value in place of a list of one. */
  some(): readonly YamlPlace[] {
    return isSeq(this.#node) ? this.items() : [this];
  }

  /** As it is written: `1.10` stays `1.10`. */
  text(): string | undefined {
    if (!isScalar(this.#node) || this.isEmpty) return this.problem('must be a text');
    return textOf(this.#node);
  }

  word<const W extends string>(words: readonly W[]): W | undefined {
    const text = this.text();
    if (text === undefined) return undefined;
    const found = words.find((word) => word === text);
    if (found !== undefined) return found;
    const nearest = nearestName(text, words);
    return this.problem(
      `must be one of ${words.join(', ')}, received ${quoted(text)}${nearest === undefined ? '' : `; did you mean ${nearest}?`}`,
    );
  }

  whole(minimum: number, maximum: number): number | undefined {
    const value = isScalar(this.#node) ? this.#node.value : undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= minimum && value <= maximum) return value;
    return this.problem(`must be a whole number from ${minimum} to ${maximum}`);
  }

  flag(): boolean | undefined {
    const value = isScalar(this.#node) ? this.#node.value : undefined;
    return typeof value === 'boolean' ? value : this.problem('must be true or false');
  }

  /** A parameter of a protocol: a text, a number, true or false, or a list of texts. */
  value(): string | number | boolean | string[] | undefined {
    if (isSeq(this.#node)) return this.items().flatMap((item) => item.text() ?? []);
    const value = isScalar(this.#node) ? this.#node.value : undefined;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
    return this.problem('must be a text, a number, true, false or a list of texts');
  }
}

function textOf(scalar: { readonly value: unknown; readonly source?: string }): string {
  return typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? String(scalar.value));
}
