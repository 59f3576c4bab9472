/** The only address that the decoder is told; nothing of it reaches the network. */
const ADDRESS = 'wss://decoder.invalid/';

type Opened = (socket: DecoderSocket) => void;

const waiting = new Map<string, Opened>();
let count = 0;

/** Stands where the decoder opens a WebSocket of its own: the session's data socket, or a recording, is behind it. */
export class DecoderSocket extends EventTarget {
  binaryType: BinaryType = 'arraybuffer';
  readyState = WebSocket.OPEN as number;
  readonly protocol = '';
  readonly extensions = '';
  readonly bufferedAmount = 0;
  readonly url: string;
  #sent: Promise<void> = Promise.resolve();
  onSend: (bytes: Uint8Array) => void = () => undefined;

  constructor(url: string) {
    super();
    this.url = url;
    queueMicrotask(() => this.dispatchEvent(new Event('open')));
  }

  /** From the decoder, which copies what it sends out of its memory into blobs; they are read in order. */
  send(data: Blob | Uint8Array | ArrayBuffer): void {
    this.#sent = this.#sent.then(async () => {
      const bytes = new Uint8Array(data instanceof Blob ? await data.arrayBuffer() : data);
      if (this.readyState === WebSocket.OPEN) this.onSend(bytes);
    });
  }

  /** From the other side. */
  receive(bytes: Uint8Array): void {
    if (this.readyState !== WebSocket.OPEN) return;
    this.dispatchEvent(new MessageEvent('message', { data: bytes.slice().buffer }));
  }

  close(): void {
    if (this.readyState === WebSocket.CLOSED) return;
    this.readyState = WebSocket.CLOSED;
    this.dispatchEvent(new CloseEvent('close', { code: 1000, wasClean: true }));
  }
}

let isIntercepting = false;

/** The decoder creates its socket by the global name; every other address gets a real one. */
function interceptSockets(): void {
  if (isIntercepting) return;
  isIntercepting = true;
  globalThis.WebSocket = new Proxy(globalThis.WebSocket, {
    construct(target, parameters: [string, ...unknown[]]) {
      const opened = waiting.get(parameters[0]);
      if (opened === undefined) return Reflect.construct(target, parameters) as WebSocket;
      waiting.delete(parameters[0]);
      const socket = new DecoderSocket(parameters[0]);
      opened(socket);
      return socket;
    },
  });
}

/** An address for one decoder; `opened` is called when it connects there. */
export function decoderAddress(opened: Opened): string {
  interceptSockets();
  const address = `${ADDRESS}${++count}`;
  waiting.set(address, opened);
  return address;
}
