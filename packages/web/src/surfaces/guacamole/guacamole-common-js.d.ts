/** The part of guacamole-common-js 1.5.0 that is used here. */
declare module 'guacamole-common-js' {
  interface Display {
    getElement(): HTMLElement;
    getWidth(): number;
    getHeight(): number;
    scale(factor: number): void;
    flush(done?: () => void): void;
    flatten(): HTMLCanvasElement;
    showCursor(shown: boolean): void;
    oncursor: ((canvas: HTMLCanvasElement, x: number, y: number) => void) | null;
    onresize: ((width: number, height: number) => void) | null;
  }
  interface Stream {
    readonly index: number;
  }
  interface MouseState {
    readonly x: number;
    readonly y: number;
  }
  interface Tunnel {
    connect(data?: string): void;
    disconnect(): void;
    sendMessage(...elements: readonly unknown[]): void;
    setState(state: number): void;
    oninstruction: ((opcode: string, words: string[]) => void) | null;
  }
  interface Client {
    connect(data?: string): void;
    disconnect(): void;
    getDisplay(): Display;
    sendSize(width: number, height: number): void;
    sendKeyEvent(pressed: 0 | 1, keysym: number): void;
    sendMouseState(state: MouseState, applyDisplayScale?: boolean): void;
    createClipboardStream(mimetype: string): Stream;
    onclipboard: ((stream: Stream, mimetype: string) => void) | null;
  }
  interface Keyboard {
    onkeydown: ((keysym: number) => boolean) | null;
    onkeyup: ((keysym: number) => void) | null;
    reset(): void;
  }
  interface Pointer {
    onEach(types: readonly string[], listener: (event: { readonly state: MouseState }) => void): void;
  }
  interface Mouse extends Pointer {
    setCursor(canvas: HTMLCanvasElement, x: number, y: number): boolean;
  }
  interface StringReader {
    ontext: ((text: string) => void) | null;
    onend: (() => void) | null;
  }
  interface StringWriter {
    sendText(text: string): void;
    sendEnd(): void;
  }
  const Guacamole: {
    readonly Tunnel: {
      new (): Tunnel;
      readonly State: { readonly CONNECTING: number; readonly OPEN: number; readonly CLOSED: number };
    };
    readonly Client: new (tunnel: Tunnel) => Client;
    readonly Keyboard: new (element: HTMLElement) => Keyboard;
    readonly Mouse: {
      new (element: HTMLElement): Mouse;
      readonly Touchscreen: new (element: HTMLElement) => Pointer;
    };
    readonly StringReader: new (stream: Stream) => StringReader;
    readonly StringWriter: new (stream: Stream) => StringWriter;
    readonly AudioContextFactory: { getAudioContext(): AudioContext | null };
  };
  export default Guacamole;
  export type { Client, Display, Keyboard, MouseState, Tunnel };
}
