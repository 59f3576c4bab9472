import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A secret under the name by which a finding is reported. */
export type Canaries = Readonly<Record<string, string>>;

/** Where secrets are looked for: a name, and all bytes that came out there. */
export interface Place {
  readonly name: string;
  readonly bytes: Buffer;
}

/** The middle of what base64 makes of the text wherever it begins in a longer one. */
function inBase64(bytes: Buffer, encoding: 'base64' | 'base64url'): readonly string[] {
  return [0, 1, 2].map((lead) => {
    const text = Buffer.concat([Buffer.alloc(lead), bytes, Buffer.alloc(3)]).toString(encoding);
    return text.slice(lead === 0 ? 0 : 4, Math.floor(((lead + bytes.length) * 8) / 6));
  });
}

/** Every way in which a program writes a text without hiding it. */
export function formsOf(secret: string): ReadonlyMap<string, Buffer> {
  const bytes = Buffer.from(secret);
  const wide = Buffer.from(secret, 'utf16le');
  return new Map([
    ['UTF-8', bytes],
    ['UTF-16LE', wide],
    ['UTF-16BE', Buffer.from(wide).swap16()],
    ['hex', Buffer.from(bytes.toString('hex'))],
    ['HEX', Buffer.from(bytes.toString('hex').toUpperCase())],
    ['percent code', Buffer.from(encodeURIComponent(secret))],
    ['JSON', Buffer.from(JSON.stringify(secret).slice(1, -1))],
    ['reversed', Buffer.from(bytes).reverse()],
    ...inBase64(bytes, 'base64').map((text, lead) => [`base64+${lead}`, Buffer.from(text)] as const),
    ...inBase64(bytes, 'base64url').map((text, lead) => [`base64url+${lead}`, Buffer.from(text)] as const),
    ...inBase64(wide, 'base64').map((text, lead) => [`base64 of UTF-16+${lead}`, Buffer.from(text)] as const),
  ]);
}

/** `place: canary as form`, for each one found. */
export function findCanaries(places: readonly Place[], canaries: Canaries): readonly string[] {
  return Object.entries(canaries).flatMap(([name, secret]) =>
    [...formsOf(secret)].flatMap(([form, bytes]) =>
      places.filter((place) => place.bytes.includes(bytes)).map((place) => `${place.name}: ${name} as ${form}`),
    ),
  );
}

/** Every file below the folder, however deep. */
export async function filesOf(folder: string): Promise<readonly Place[]> {
  const places: Place[] = [];
  const look = async (within: string): Promise<void> => {
    for (const entry of await readdir(within, { withFileTypes: true }).catch(isGone)) {
      const path = join(within, entry.name);
      if (entry.isDirectory()) await look(path);
      if (!entry.isFile()) continue;
      const bytes = await readFile(path).catch(isGone);
      if (!Array.isArray(bytes)) places.push({ name: path.slice(folder.length + 1), bytes });
    }
  };
  await look(folder);
  return places;
}

/** A file or a folder may go while it is looked for: a spool, a write-ahead log, a recording that was moved. */
function isGone(failure: NodeJS.ErrnoException): never[] {
  if (failure.code !== 'ENOENT') throw failure;
  return [];
}

/** Keeps a copy of everything that any request of this process is answered, until disposed of. */
export class Mirror implements Disposable {
  readonly #real = globalThis.fetch;
  readonly #kept: Promise<Place>[] = [];

  constructor() {
    globalThis.fetch = async (input, init) => {
      const response = await this.#real(input, init);
      const name = `answer to ${init?.method ?? 'GET'} ${String(input instanceof Request ? input.url : input)}`;
      // The login itself is handed over in this one header; the browser keeps it from scripts.
      const headers = [...response.headers].filter(([header]) => header !== 'set-cookie');
      const copy = response.clone();
      this.#kept.push(
        copy.arrayBuffer().then((body) => ({
          name,
          bytes: Buffer.concat([Buffer.from(`${name}\n${JSON.stringify(headers)}\n`), Buffer.from(body)]),
        })),
      );
      return response;
    };
  }

  places(): Promise<readonly Place[]> {
    return Promise.all(this.#kept);
  }

  [Symbol.dispose](): void {
    globalThis.fetch = this.#real;
  }
}
