import type { TimedRecordingEvent } from '@enchilada/core/recording';
import type { Stage } from '../../player/stage.ts';
import { frameIn, SessionClient, startSound } from './session-client.ts';

/** Plays what guacd said to the same decoder that showed it. What the decoder answers goes nowhere. */
export class GuacamoleStage implements Stage {
  readonly isDecoder = true;
  readonly busy = false;
  readonly #host: HTMLElement;
  readonly #frame: HTMLElement;
  readonly #observer: ResizeObserver;
  #client: SessionClient | undefined;
  #channel = 0;
  #isAudible = false;
  #hasPicture = false;

  constructor(host: HTMLElement) {
    this.#host = host;
    this.#frame = frameIn(host);
    this.#observer = new ResizeObserver(() => this.#fit());
    this.#observer.observe(host);
  }

  get picture(): HTMLCanvasElement | undefined {
    return this.#hasPicture ? this.#client?.client.getDisplay().flatten() : undefined;
  }

  set audible(audible: boolean) {
    if (audible && !this.#isAudible) startSound();
    this.#isAudible = audible;
    if (this.#client !== undefined) this.#client.isMuted = !audible;
  }

  restart(): void {
    this.#hasPicture = false;
    this.#client?.[Symbol.dispose]();
    this.#client = undefined;
  }

  async draw(events: readonly TimedRecordingEvent[]): Promise<void> {
    for (const { event } of events) {
      if (event.kind === 'segment' && event.mode === 'control') this.#begin(event.channel);
      if (event.kind !== 'output' || (event.channel ?? 0) !== this.#channel) continue;
      this.#client?.receive(event.bytes);
    }
    await this.flush();
  }

  async flush(): Promise<void> {
    await this.#client?.drawn();
    this.#fit();
  }

  [Symbol.dispose](): void {
    this.restart();
    this.#observer.disconnect();
    this.#frame.remove();
  }

  #fit(): void {
    const { clientWidth: width, clientHeight: height } = this.#host;
    this.#client?.fit({ width, height }, 'fit');
  }

  #begin(channel: number): void {
    this.restart();
    this.#channel = channel;
    const client = new SessionClient({ onSend: () => undefined, onFrame: () => (this.#hasPicture = true) });
    client.isMuted = !this.#isAudible;
    this.#frame.append(client.element);
    this.#client = client;
  }
}
