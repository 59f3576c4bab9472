import type { TimedRecordingEvent } from '@enchilada/core/recording';
import { StageFailure, type Stage } from '../../player/stage.ts';
import type { Base } from '../../player/recording-index.ts';
import { CanvasView } from './canvas-view.ts';
import { RdpDecoder } from './rdp-decoder.ts';

const MOST_UNSHOWN_BYTES = 1024 * 1024;

/** Plays what a machine said to the same decoder that showed it. What the decoder answers goes nowhere. */
export class RdpStage implements Stage {
  readonly isDecoder = true;
  readonly #host: HTMLElement;
  #view: CanvasView | undefined;
  #decoder: RdpDecoder | undefined;
  #channel = 0;
  #isActive = false;
  /** The machine has said its last in this segment, or the decoder thought so. */
  #isOver = false;
  #failure: StageFailure | undefined;

  constructor(host: HTMLElement) {
    this.#host = host;
  }

  get picture(): HTMLCanvasElement | undefined {
    return this.#isActive ? this.#view?.canvas : undefined;
  }

  get busy(): boolean {
    return (this.#decoder?.queuedBytes ?? 0) > MOST_UNSHOWN_BYTES;
  }

  restart({ preamble }: Pick<Base, 'preamble'> = {}): void {
    this.#end();
    if (preamble === undefined) return;
    this.#begin(preamble.channel);
    for (const message of preamble.messages) this.#decoder?.receive(message);
  }

  #end(): void {
    this.#isActive = false;
    this.#isOver = false;
    this.#failure = undefined;
    this.#decoder?.[Symbol.dispose]();
    this.#decoder = undefined;
    this.#view?.[Symbol.dispose]();
    this.#view = undefined;
  }

  async draw(events: readonly TimedRecordingEvent[]): Promise<void> {
    for (const { event } of events) {
      if (event.kind === 'segment' && event.mode === 'control') {
        await this.flush();
        this.#begin(event.channel);
      }
      if (event.kind !== 'output' || (event.channel ?? 0) !== this.#channel) continue;
      if (this.#isOver) this.#failure ??= new StageFailure('output behind the end of the stream');
      this.#decoder?.receive(event.bytes);
    }
    await this.flush();
  }

  async flush(): Promise<void> {
    await this.#decoder?.idle();
    if (this.#failure !== undefined) throw this.#failure;
  }

  [Symbol.dispose](): void {
    this.#end();
  }

  #begin(channel: number): void {
    this.#end();
    this.#channel = channel;
    const view = new CanvasView(this.#host, () => undefined);
    view.canvas.tabIndex = -1;
    const decoder = new RdpDecoder(
      view.canvas,
      {
        onSend: () => undefined,
        onClipboard: () => undefined,
        onPointer: () => undefined,
        onFilesCopied: () => undefined,
        onFileTaken: () => undefined,
        onActive: () => (this.#isActive = true),
        onBroken: (why) => {
          if (this.#decoder !== decoder) return;
          if (why === undefined) this.#isOver = true;
          else this.#failure = new StageFailure(why, { isFinal: why instanceof WebAssembly.RuntimeError });
        },
      },
      { size: { width: 1024, height: 768 }, choices: '' },
    );
    this.#view = view;
    this.#decoder = decoder;
  }
}
