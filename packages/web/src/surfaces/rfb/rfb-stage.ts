import type { TimedRecordingEvent } from '@enchilada/core/recording';
import { StageFailure, type Stage } from '../../player/stage.ts';
import { ByteChannel } from './byte-channel.ts';
import { RfbClient } from './rfb-client.ts';

/** noVNC waits for its pictures; more than this in front of it is too much. */
const MOST_UNSHOWN_BYTES = 1024 * 1024;

/** Plays what a server said to the same decoder that showed it. What the decoder answers goes nowhere. */
export class RfbStage implements Stage {
  readonly isDecoder = true;
  readonly #host: HTMLElement;
  #client: RfbClient | undefined;
  #input: ByteChannel | undefined;
  #channel = 0;
  #isConnected = false;
  #failure: StageFailure | undefined;

  constructor(host: HTMLElement) {
    this.#host = host;
  }

  get picture(): HTMLCanvasElement | undefined {
    return this.#isConnected ? (this.#host.querySelector('canvas') ?? undefined) : undefined;
  }

  get busy(): boolean {
    return (this.#client?.unshownBytes ?? 0) > MOST_UNSHOWN_BYTES;
  }

  restart(): void {
    this.#isConnected = false;
    this.#failure = undefined;
    this.#client?.disconnect();
    this.#client = undefined;
    this.#input = undefined;
  }

  async draw(events: readonly TimedRecordingEvent[]): Promise<void> {
    for (const { event } of events) {
      if (event.kind === 'segment' && event.mode === 'control') this.#begin(event.channel);
      if (event.kind !== 'output' || (event.channel ?? 0) !== this.#channel) continue;
      this.#input?.receive(event.bytes);
      if (this.#client?.isDrawing === true) await this.flush();
      if (this.#failure !== undefined) throw this.#failure;
    }
  }

  async flush(): Promise<void> {
    const client = this.#client;
    while (client !== undefined && client === this.#client && client.isDrawing) await client.drawn();
    if (this.#failure !== undefined) throw this.#failure;
  }

  [Symbol.dispose](): void {
    this.restart();
  }

  #begin(channel: number): void {
    this.restart();
    this.#channel = channel;
    const input = new ByteChannel(() => undefined);
    const client = new RfbClient(this.#host, input, { shared: true });
    client.addEventListener('connect', () => (this.#isConnected = true));
    client.addEventListener('disconnect', ({ detail }) => {
      if (this.#client === client && !detail.clean) this.#failure = new StageFailure('noVNC gave up');
    });
    client.viewOnly = true;
    client.focusOnClick = false;
    client.background = 'transparent';
    client.setScale('fit');
    this.#client = client;
    this.#input = input;
  }
}
