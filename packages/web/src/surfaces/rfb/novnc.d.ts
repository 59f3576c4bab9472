/** The parts of noVNC 1.7 that are used; the package brings no types. https://github.com/novnc/noVNC/blob/v1.7.0/docs/API.md */
declare module '@novnc/novnc' {
  /** What noVNC takes in place of an address. */
  export interface RawChannel {
    binaryType: string;
    readonly protocol: string;
    readonly readyState: string | number;
    onopen: (() => void) | null;
    onclose: ((event: { readonly code?: number; readonly reason?: string }) => void) | null;
    onerror: ((event: unknown) => void) | null;
    onmessage: ((event: { readonly data: ArrayBuffer }) => void) | null;
    send(bytes: ArrayBufferView): void;
    close(): void;
  }

  export interface RfbEvents {
    connect: CustomEvent;
    disconnect: CustomEvent<{ readonly clean: boolean }>;
    clipboard: CustomEvent<{ readonly text: string }>;
    bell: CustomEvent;
    desktopname: CustomEvent<{ readonly name: string }>;
  }

  export default class RFB {
    constructor(target: HTMLElement, channel: RawChannel, options?: { readonly shared?: boolean });
    viewOnly: boolean;
    focusOnClick: boolean;
    clipViewport: boolean;
    dragViewport: boolean;
    scaleViewport: boolean;
    resizeSession: boolean;
    showDotCursor: boolean;
    background: string;
    qualityLevel: number;
    compressionLevel: number;
    addEventListener<K extends keyof RfbEvents>(type: K, listener: (event: RfbEvents[K]) => void): void;
    disconnect(): void;
    sendKey(keysym: number, code: string | null, down?: boolean): void;
    clipboardPasteFrom(text: string): void;
    focus(options?: FocusOptions): void;
    blur(): void;
    getImageData(): ImageData;
    toBlob(callback: (blob: Blob | null) => void, type?: string, quality?: number): void;

    /** Not part of noVNC's promises; see internals.ts. */
    protected _display: { scale: number; pending(): boolean; flush(): Promise<void> };
    protected readonly _screen: HTMLElement;
    protected readonly _canvas: HTMLCanvasElement;
    protected _updateScale(): void;
    protected _requestRemoteResize(): void;
    protected _screenSize(): { w: number; h: number };
    protected _flushing: boolean;
    protected _sock: { readonly _rQi: number; readonly _rQlen: number };
    protected _fbWidth: number;
    protected _fbHeight: number;
  }
}
