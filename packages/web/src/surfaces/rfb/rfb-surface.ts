import type {
  DesktopEvents,
  DesktopOptions,
  DesktopSurface,
  KeyCombination,
} from '../../session/desktop/desktop-surface.ts';
import { ByteChannel } from './byte-channel.ts';
import { keysymOfCharacter, keysymOfCode } from '../shared/keysyms.ts';
import { KeptRoom } from '../shared/kept-room.ts';
import { RfbClient } from './rfb-client.ts';
import { listenForViewGestures } from './view-gestures.ts';

/** The gateway takes messages up to 64 KiB. */
const LARGEST_MESSAGE = 32 * 1024;

/** noVNC on the session's data socket. Each attachment has a decoder of its own, since a stream of RFB can only be read from its start. */
export class RfbSurface implements DesktopSurface {
  readonly #host: HTMLElement;
  readonly #events: DesktopEvents;
  readonly #listening = new AbortController();
  readonly #room: KeptRoom;
  #options: DesktopOptions;
  #client: RfbClient | undefined;
  #channel: ByteChannel | undefined;

  constructor(host: HTMLElement, events: DesktopEvents, options: DesktopOptions) {
    this.#host = host;
    this.#events = events;
    this.#options = options;
    this.#room = new KeptRoom(host, () => this.#client?.takeRoom());
    listenForViewGestures(host, () => this.#client, this.#listening.signal);
  }

  size(): { readonly columns: number; readonly rows: number } {
    // A desktop's size is in its own stream.
    return { columns: 80, rows: 24 };
  }

  reset(): void {
    this.lost();
    this.#client?.disconnect();
    const channel = new ByteChannel((bytes) => {
      for (let at = 0; at < bytes.length; at += LARGEST_MESSAGE)
        this.#events.onInput(bytes.subarray(at, at + LARGEST_MESSAGE));
    });
    const client = new RfbClient(this.#host, channel, { shared: true });
    client.background = 'transparent';
    client.room = this.#room;
    client.addEventListener('connect', () => {
      this.#events.onPicture();
    });
    client.addEventListener('clipboard', ({ detail }) => {
      this.#events.onClipboard(detail.text);
    });
    client.addEventListener('disconnect', ({ detail }) => {
      if (!detail.clean && this.#channel === channel) this.#events.onBroken('stream');
    });
    this.#client = client;
    this.#channel = channel;
    this.apply(this.#options);
  }

  write(bytes: Uint8Array): Promise<void> {
    this.#channel?.receive(bytes);
    return Promise.resolve();
  }

  /** The last picture stays where it is. */
  lost(): void {
    const channel = this.#channel;
    this.#channel = undefined;
    channel?.cut();
  }

  focus(): void {
    this.#client?.focus({ preventScroll: true });
  }

  apply(options: DesktopOptions): void {
    this.#options = options;
    this.#room.hasKeyboard = options.keyboardOpen;
    const client = this.#client;
    if (client === undefined) return;
    client.viewOnly = options.viewOnly;
    client.setScale(options.choices.scale);
    client.resizeSession = options.choices.resize && !options.viewOnly;
  }

  press({ codes }: KeyCombination): void {
    for (const code of codes) this.#client?.sendKey(keysymOfCode(code) ?? 0, code, true);
    for (const code of codes.toReversed()) this.#client?.sendKey(keysymOfCode(code) ?? 0, code, false);
  }

  type(text: string): string {
    for (const character of text) this.#client?.sendKey(keysymOfCharacter(character), null);
    return '';
  }

  paste(text: string): void {
    this.#client?.clipboardPasteFrom(text);
  }

  picture(): Promise<Blob | null> {
    const client = this.#client;
    if (client === undefined) return Promise.resolve(null);
    return new Promise((resolve) => client.toBlob(resolve, 'image/png'));
  }

  [Symbol.dispose](): void {
    this.#listening.abort();
    this.#room[Symbol.dispose]();
    this.lost();
    this.#client?.disconnect();
  }
}
