import { Extension, type Session } from 'ironrdp-wasm';
import { ClipboardFault, type ClipboardFiles, type CopiedFile } from '../../session/desktop/clipboard-files.ts';
import type { LocalFile } from '../../files/dropped.ts';
import { describeOffer, type Described } from './file-offer.ts';

/** dwFlags of CLIPRDR_FILECONTENTS_REQUEST. [MS-RDPECLIP] 2.2.5.3 */
const WANTS_SIZE = 1;
const WANTS_RANGE = 2;
const PIECE_BYTES = 512 * 1024;
const PATIENCE_MS = 30_000;

/** What the decoder's callbacks are given (`files_available_callback` and its like). */
interface RemoteFile {
  readonly name: string;
  readonly path?: string;
  /** 0 where it is not known. */
  readonly size: number;
  readonly isDirectory: boolean;
}
interface ContentsWish {
  readonly streamId: number;
  readonly index: number;
  readonly flags: number;
  readonly position: number;
  readonly size: number;
}
interface ContentsAnswer {
  readonly streamId: number;
  readonly isError: boolean;
  readonly data: Uint8Array;
}

export interface FileEvents {
  readonly onFilesCopied: (files: readonly CopiedFile[]) => void;
  /** The machine has read so much of a file that was offered. */
  readonly onFileTaken: (source: File, bytes: number) => void;
}

interface DecoderOfFiles {
  readonly session: Session | undefined;
  /** Puts the text that was there before on the machine's clipboard. */
  announceText(): void;
}

/** Files on the clipboard, by the decoder's extensions. The gateway passes contents that are asked for in order alone. */
export class DecoderFiles implements ClipboardFiles {
  readonly #decoder: DecoderOfFiles;
  readonly #events: FileEvents;
  readonly #waiting = new Map<number, PromiseWithResolvers<Uint8Array>>();
  #stream = 0;
  #copied: readonly CopiedFile[] = [];
  #offered: readonly Described[] = [];
  #isReady = false;

  constructor(decoder: DecoderOfFiles, events: FileEvents) {
    this.#decoder = decoder;
    this.#events = events;
  }

  extensions(): readonly Extension[] {
    return [
      new Extension('files_available_callback', (files: readonly RemoteFile[]) => {
        this.#heard(files);
      }),
      new Extension('file_contents_request_callback', (wish: ContentsWish) => {
        void this.#serve(wish);
      }),
      new Extension('file_contents_response_callback', (answer: ContentsAnswer) => {
        const waiting = this.#waiting.get(answer.streamId);
        this.#waiting.delete(answer.streamId);
        if (answer.isError) waiting?.reject(new ClipboardFault('refused'));
        else waiting?.resolve(answer.data);
      }),
    ];
  }

  offer(files: readonly LocalFile[]): readonly LocalFile[] {
    const { entries, unfit } = describeOffer(files);
    this.#copied = [];
    this.#offered = entries;
    if (this.#isReady) this.#announce();
    return unfit;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** The clipboard is agreed on: what was offered meanwhile goes out. */
  ready(): void {
    this.#isReady = true;
    if (this.#offered.length > 0) this.#announce();
  }

  #announce(): void {
    this.#invoke(
      'initiate_file_copy',
      this.#offered.map(({ name, path, source }) => ({
        name,
        path,
        size: source?.size ?? 0,
        lastModified: source?.lastModified ?? 0,
        isDirectory: source === undefined,
      })),
    );
  }

  withdraw(): void {
    this.#offered = [];
    this.#decoder.announceText();
  }

  async *contents(file: CopiedFile, signal: AbortSignal): AsyncGenerator<Uint8Array, void> {
    const size = sizeOf(await this.#ask(file, { flags: WANTS_SIZE, position: 0, size: 8 }, signal));
    // The decoder asks for nothing behind the size that was announced.
    if (file.size !== 0 && size !== file.size) throw new ClipboardFault('changed');
    for (let position = 0; position < size;) {
      const wanted = Math.min(PIECE_BYTES, size - position);
      const piece = await this.#ask(file, { flags: WANTS_RANGE, position, size: wanted }, signal);
      if (piece.length === 0 || piece.length > wanted) throw new ClipboardFault('changed');
      position += piece.length;
      yield piece;
    }
  }

  /** Something else is on the clipboards. */
  replaced(): void {
    this.#copied = [];
    this.#events.onFilesCopied([]);
  }

  /** Nothing more comes. */
  close(): void {
    for (const { reject } of this.#waiting.values()) reject(new ClipboardFault('gone'));
    this.#waiting.clear();
  }

  #heard(files: readonly RemoteFile[]): void {
    const copied = files.flatMap(({ name, path = '', size, isDirectory }, index) =>
      isDirectory ? [] : [{ index, name, folder: path.replaceAll('\\', '/'), size }],
    );
    // A machine may announce the same ones again.
    if (JSON.stringify(copied) === JSON.stringify(this.#copied)) return;
    this.#copied = copied;
    this.#events.onFilesCopied(copied);
  }

  async #ask(
    { index }: CopiedFile,
    wish: Pick<ContentsWish, 'flags' | 'position' | 'size'>,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    signal.throwIfAborted();
    const stream = ++this.#stream;
    const answer = Promise.withResolvers<Uint8Array>();
    this.#waiting.set(stream, answer);
    const timer = setTimeout(() => answer.reject(new ClipboardFault('silent')), PATIENCE_MS);
    const stop = (): void => answer.reject(signal.reason);
    signal.addEventListener('abort', stop);
    try {
      this.#invoke('request_file_contents', { stream_id: stream, file_index: index, ...wish });
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', stop);
      this.#waiting.delete(stream);
    }
  }

  async #serve({ streamId, index, flags, position, size }: ContentsWish): Promise<void> {
    const source = this.#offered[index]?.source;
    const answer = (data: Uint8Array | undefined): void =>
      this.#invoke('submit_file_contents', {
        stream_id: streamId,
        is_error: data === undefined,
        data: data ?? new Uint8Array(0),
      });
    if (source === undefined) {
      answer(undefined);
      return;
    }
    if ((flags & WANTS_SIZE) !== 0) {
      const bytes = new DataView(new ArrayBuffer(8));
      bytes.setBigUint64(0, BigInt(source.size), true);
      answer(new Uint8Array(bytes.buffer));
      return;
    }
    // What is gone from the disk, or has changed there, cannot be read.
    const data = await source
      .slice(position, position + size)
      .arrayBuffer()
      .then(
        (buffer) => new Uint8Array(buffer),
        () => undefined,
      );
    answer(data);
    if (data !== undefined) this.#events.onFileTaken(source, position + data.length);
  }

  #invoke(name: string, value: unknown): void {
    try {
      this.#decoder.session?.invokeExtension(new Extension(name, value));
    } catch {
      // The decoder is on its way out, and says so by itself.
    }
  }
}

function sizeOf(bytes: Uint8Array): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0, true));
}
