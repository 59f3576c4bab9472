import type { RawChannel } from '@novnc/novnc';

/** Stands where noVNC expects a WebSocket: the session's own data socket, or a recording, is behind it. */
export class ByteChannel implements RawChannel {
  binaryType = 'arraybuffer';
  readonly protocol = '';
  readyState = 'open';
  onopen: (() => void) | null = null;
  onclose: ((event: { readonly code?: number }) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;
  onmessage: ((event: { readonly data: ArrayBuffer }) => void) | null = null;
  #isCut = false;
  readonly #send: (bytes: Uint8Array) => void;

  constructor(send: (bytes: Uint8Array) => void) {
    this.#send = send;
  }

  /** From noVNC. Its buffer is used again, so the bytes are copied. */
  send(bytes: ArrayBufferView): void {
    if (this.readyState === 'open' && !this.#isCut)
      this.#send(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength).slice());
  }

  /** From the other side. */
  receive(bytes: Uint8Array): void {
    if (this.readyState !== 'open' || this.#isCut) return;
    const whole = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
    this.onmessage?.({ data: (whole ? bytes.buffer : bytes.slice().buffer) as ArrayBuffer });
  }

  /** Nothing passes any more, and noVNC does not hear of it: it would take the picture down. */
  cut(): void {
    this.#isCut = true;
  }

  /** As a WebSocket does, it tells later: noVNC complains of a close that came while it was asking for it. */
  close(): void {
    if (this.readyState === 'closed') return;
    this.readyState = 'closed';
    queueMicrotask(() => this.onclose?.({ code: 1000 }));
  }
}
