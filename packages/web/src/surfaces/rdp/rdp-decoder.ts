import init, {
  ClipboardData,
  DesktopSize,
  Extension,
  SessionBuilder,
  setup,
  type DeviceEvent,
  InputTransaction,
  type Session,
} from 'ironrdp-wasm';
import { milestoneOf, takesClipboard, type Keyboard } from './activation.ts';
import { DecoderFiles, type FileEvents } from './clipboard-files.ts';
import { decoderAddress, type DecoderSocket } from './decoder-socket.ts';
import { PointerUpdates, type Pointer } from './pointer-updates.ts';

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface DecoderEvents extends FileEvents {
  /** Toward the machine; a recording has none. */
  readonly onSend: (bytes: Uint8Array) => void;
  readonly onClipboard: (text: string) => void;
  readonly onPointer: (pointer: Pointer) => void;
  /** The first picture may be there. */
  readonly onActive: () => void;
  /** The decoder gave up; undefined where the machine ended the stream. */
  readonly onBroken: (why: unknown) => void;
}

let loading: Promise<void> | undefined;

/** The decoder is large and one for all sessions of the document. */
function load(): Promise<void> {
  loading ??= init().then(() => {
    setup('error');
    // A trap surfaces wherever the decoder was called from, mostly from tasks of its own.
    addEventListener('error', ({ error }) => {
      if (!(error instanceof WebAssembly.RuntimeError)) return;
      trap = error;
      for (const decoder of [...living]) decoder.crashed(error);
    });
  });
  return loading;
}

/** All share one WebAssembly instance, which no trap leaves usable. */
const living = new Set<RdpDecoder>();
let trap: WebAssembly.RuntimeError | undefined;

/** Lets everything run that was queued by what came before. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

/** IronRDP on one stream, live or recorded, drawing on one canvas. */
export class RdpDecoder implements Disposable {
  readonly #canvas: HTMLCanvasElement;
  readonly #events: DecoderEvents;
  readonly #socket = Promise.withResolvers<DecoderSocket>();
  readonly files: DecoderFiles;
  #session: Session | undefined;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #pumping: Promise<void> | undefined;
  #deactivation: Uint8Array | undefined;
  #isActive = false;
  /** The last size that the decoder was told of. */
  #told: Size | undefined;
  readonly #pointers = new PointerUpdates();
  readonly #running = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<void>();
  #isOver = false;
  #text = '';
  #keyboard: Keyboard = { layout: 0, takesCharacters: true };

  constructor(
    canvas: HTMLCanvasElement,
    events: DecoderEvents,
    { size, choices }: { readonly size: Size; readonly choices: string },
  ) {
    this.#canvas = canvas;
    this.#events = events;
    this.files = new DecoderFiles(this, events);
    this.#running.promise.catch(() => undefined);
    living.add(this);
    void this.#run(size, choices).catch((why: unknown) => {
      this.#fail(why);
    });
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** Of the machine, as far as it was told. */
  get keyboard(): Keyboard {
    return this.#keyboard;
  }

  get session(): Session | undefined {
    return this.#isOver ? undefined : this.#session;
  }

  /** From the machine: one message of the stream. */
  receive(bytes: Uint8Array): void {
    if (this.#isOver) return;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    this.#pumping ??= this.#pump()
      .catch((why: unknown) => {
        this.#fail(why);
      })
      .finally(() => {
        this.#pumping = undefined;
      });
  }

  /** Resolves once all that was received has been drawn, or is not going to be. */
  async idle(): Promise<void> {
    // One that fails before it has connected takes nothing of what was received.
    while (this.#pumping !== undefined && !this.#isOver) await Promise.race([this.#pumping, this.#gone.promise]);
    await turn();
  }

  apply(...inputs: readonly DeviceEvent[]): void {
    const session = this.session;
    if (session === undefined || inputs.length === 0) return;
    const transaction = new InputTransaction();
    for (const input of inputs) transaction.addEvent(input);
    session.applyInputs(transaction);
  }

  /** Asks the machine for another size. */
  resize({ width, height }: Size, scalePercent: number): void {
    this.#told = { width, height };
    this.session?.resize(width, height, scalePercent);
  }

  paste(text: string): void {
    this.#text = text;
    this.files.replaced();
    this.announceText();
  }

  /** Puts the text that the person pasted last on the machine's clipboard. */
  announceText(): void {
    const session = this.session;
    if (session === undefined) return;
    const data = new ClipboardData();
    if (this.#text !== '') data.addText('text/plain', this.#text);
    session.onClipboardPaste(data).catch(() => undefined);
  }

  crashed(why: WebAssembly.RuntimeError): void {
    this.#fail(why);
  }

  [Symbol.dispose](): void {
    if (this.#isOver) return;
    this.#isOver = true;
    living.delete(this);
    this.#gone.resolve();
    this.files.close();
    this.#queue = [];
    this.#running.reject(new Error('the decoder is gone'));
    try {
      this.#session?.shutdown();
    } catch {
      // It may have ended by itself.
    }
    void this.#socket.promise.then((socket) => {
      socket.close();
    });
  }

  async #run(size: Size, choices: string): Promise<void> {
    await load();
    if (this.#isOver) return;
    if (trap !== undefined) throw trap;
    const address = decoderAddress((socket) => {
      socket.onSend = (bytes) => {
        if (!this.#isOver) this.#events.onSend(bytes);
      };
      this.#socket.resolve(socket);
    });
    const builder = new SessionBuilder()
      .username('gateway')
      .password('gateway')
      .destination('machine.invalid:3389')
      .proxyAddress(address)
      .authToken(choices)
      .desktopSize(new DesktopSize(size.width, size.height))
      .renderCanvas(this.#canvas)
      .setCursorStyleCallbackContext(null)
      // Never called: the decoder passes over pointers.
      .setCursorStyleCallback(() => undefined)
      .remoteClipboardChangedCallback((data: ClipboardData) => {
        this.#heardClipboard(data);
      })
      .forceClipboardUpdateCallback(() => {
        this.announceText();
      })
      // The gateway has signed in; the machine is asked for no more than TLS.
      .extension(new Extension('enable_credssp', false))
      .extension(new Extension('display_control', true));
    for (const extension of this.files.extensions()) builder.extension(extension);
    const session = await builder.connect();
    this.#session = session;
    if (this.#isOver) {
      session.shutdown();
      return;
    }
    const over = session.run();
    this.#running.resolve();
    this.#events.onActive();
    await over;
    if (!this.#isOver) this.#fail(undefined);
  }

  async #pump(): Promise<void> {
    const socket = await this.#socket.promise;
    for (let bytes = this.#queue.shift(); bytes !== undefined; bytes = this.#queue.shift()) {
      if (this.#isOver) return;
      this.#queuedBytes -= bytes.length;
      const milestone = milestoneOf(bytes);
      switch (milestone.kind) {
        case 'deactivate-all':
          // Kept until its Demand Active, which comes right behind it, tells the size.
          this.#deactivation = bytes;
          continue;
        case 'demand-active':
          this.#keyboard = milestone.keyboard;
          if (this.#deactivation !== undefined) {
            await this.#expect(milestone);
            socket.receive(this.#deactivation);
            this.#deactivation = undefined;
          }
          socket.receive(bytes);
          continue;
        case 'font-map':
          socket.receive(bytes);
          if (!this.#isActive) {
            // What comes before the decoder runs would be lost.
            await this.#running.promise;
            this.#isActive = true;
          }
          await turn();
          continue;
        case 'other': {
          socket.receive(bytes);
          const pointer = this.#pointers.read(bytes);
          if (pointer !== undefined) this.#events.onPointer(pointer);
          if (this.files.isReady || !takesClipboard(bytes)) continue;
          await turn();
          this.files.ready();
        }
      }
    }
  }

  /** IronRDP learns of a new size from nothing but its own request for it, which a machine may also have left unheeded. */
  async #expect({ width, height }: Size): Promise<void> {
    const told = this.#told ?? this.#canvas;
    if (told.width === width && told.height === height) return;
    this.#told = { width, height };
    // Resizing rests on a channel that may have been opened just before.
    await turn();
    this.#session?.resize(width, height);
    await turn();
  }

  #heardClipboard(data: ClipboardData): void {
    this.files.replaced();
    for (const item of data.items()) {
      const value: unknown = item.value();
      if (item.mimeType().startsWith('text/plain') && typeof value === 'string') this.#events.onClipboard(value);
    }
  }

  #fail(why: unknown): void {
    if (this.#isOver) return;
    if (why instanceof WebAssembly.RuntimeError) trap ??= why;
    this[Symbol.dispose]();
    this.#events.onBroken(why);
  }
}
