import type { TimedRecordingEvent } from '@enchilada/core/recording';
import { EventReader } from './event-reader.ts';
import { StageFailure, type Stage } from './stage.ts';
import { WebmWriter } from './webm-writer.ts';

export interface VideoJob {
  readonly durationMs: number;
  readonly open: (signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>;
  readonly createStage: (host: HTMLElement) => Stage;
  /** 0 to 1. */
  readonly onProgress: (share: number) => void;
  readonly signal: AbortSignal;
}

const FRAME_MS = 100;
/** How far a player has to decode when it seeks. */
const KEY_EVERY_MS = 10_000;
const MOST_WAITING = 4;
const BITS_PER_PIXEL = 4;

export function canExportVideo(): boolean {
  return 'VideoEncoder' in globalThis;
}

/** Plays a recording as fast as its decoder goes, unseen, and makes a film of it. Where nothing changes it has no further pictures. */
export async function renderVideo(job: VideoJob): Promise<Blob> {
  using owned = new DisposableStack();
  const host = document.createElement('div');
  Object.assign(host.style, { position: 'fixed', left: '-10000px', width: '1280px', height: '800px' });
  host.inert = true;
  document.body.append(host);
  owned.defer(() => host.remove());
  const stage = owned.use(job.createStage(host));
  const reader = owned.use(new EventReader(job.open, 0));
  const film = owned.use(new Film());
  for (;;) {
    while (reader.nextAtMs === undefined && !reader.ended) await reader.arrival();
    if (reader.failure !== undefined) throw reader.failure;
    job.signal.throwIfAborted();
    const next = reader.nextAtMs;
    if (next === undefined) break;
    const atMs = Math.ceil((next + 1) / FRAME_MS) * FRAME_MS;
    const events = await reader.takeAll(atMs);
    await drawn(stage, events);
    if (stage.picture !== undefined) await film.add(stage.picture, Math.min(atMs, job.durationMs));
    job.onProgress(Math.min(1, atMs / Math.max(1, job.durationMs)));
  }
  // INVARIANT: what it owns lives until the film is whole.
  return await film.finish(job.durationMs);
}

/** INVARIANT: what the stage could not draw ends the film; it would go on with the last picture as if it had been shown. */
async function drawn(stage: Stage, events: readonly TimedRecordingEvent[]): Promise<void> {
  try {
    await stage.draw(events);
    await stage.flush();
  } catch (error) {
    throw error instanceof StageFailure ? error : new StageFailure(error);
  }
}

/** Its size is that of the first picture; later ones are fitted into it, as a film has but one size. */
class Film implements Disposable {
  #canvas: OffscreenCanvas | undefined;
  #encoder: VideoEncoder | undefined;
  #writer: WebmWriter | undefined;
  #failure: DOMException | undefined;
  #first = 0;
  #lastKey = -Infinity;
  #last = 0;

  async add(picture: HTMLCanvasElement, atMs: number): Promise<void> {
    const canvas = (this.#canvas ??= this.#begin(picture, atMs));
    const context = canvas.getContext('2d');
    const scale = Math.min(canvas.width / picture.width, canvas.height / picture.height);
    const [width, height] = [picture.width * scale, picture.height * scale];
    context?.clearRect(0, 0, canvas.width, canvas.height);
    context?.drawImage(picture, (canvas.width - width) / 2, (canvas.height - height) / 2, width, height);
    await this.#encode(canvas, atMs);
  }

  async finish(durationMs: number): Promise<Blob> {
    const [canvas, encoder, writer] = [this.#canvas, this.#encoder, this.#writer];
    if (canvas === undefined || encoder === undefined || writer === undefined)
      throw new DOMException('the recording shows no picture', 'NotFoundError');
    // The last picture stays to the end, and is seen where it came at the end.
    const endMs = Math.max(durationMs, this.#last + FRAME_MS);
    await this.#encode(canvas, endMs);
    await encoder.flush();
    if (this.#failure !== undefined) throw this.#failure;
    return writer.finish(endMs);
  }

  [Symbol.dispose](): void {
    if (this.#encoder !== undefined && this.#encoder.state !== 'closed') this.#encoder.close();
  }

  #begin(picture: HTMLCanvasElement, atMs: number): OffscreenCanvas {
    // VP8 wants even sides.
    const [width, height] = [picture.width & ~1, picture.height & ~1];
    const writer = new WebmWriter({ width, height, codec: 'V_VP8' });
    const encoder = new VideoEncoder({
      output: (chunk) => {
        const bytes = new Uint8Array(chunk.byteLength);
        chunk.copyTo(bytes);
        writer.add({ bytes, atMs: chunk.timestamp / 1000, isKey: chunk.type === 'key' });
      },
      error: (failure) => {
        this.#failure = failure;
      },
    });
    encoder.configure({
      codec: 'vp8',
      width,
      height,
      bitrate: width * height * BITS_PER_PIXEL,
      framerate: 1000 / FRAME_MS,
    });
    this.#writer = writer;
    this.#encoder = encoder;
    this.#first = atMs;
    return new OffscreenCanvas(width, height);
  }

  async #encode(canvas: OffscreenCanvas, atMs: number): Promise<void> {
    const encoder = this.#encoder;
    if (this.#failure !== undefined) throw this.#failure;
    if (encoder === undefined) return;
    // A film begins with a picture, where its recording has but the way to one.
    const shownMs = atMs === this.#first ? 0 : atMs;
    const keyFrame = shownMs - this.#lastKey >= KEY_EVERY_MS;
    if (keyFrame) this.#lastKey = shownMs;
    this.#last = shownMs;
    const frame = new VideoFrame(canvas, { timestamp: shownMs * 1000, alpha: 'discard' });
    encoder.encode(frame, { keyFrame });
    frame.close();
    while (encoder.state === 'configured' && encoder.encodeQueueSize > MOST_WAITING)
      await new Promise((resolve) => encoder.addEventListener('dequeue', resolve, { once: true }));
  }
}
