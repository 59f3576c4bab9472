import type { SurfacePort } from '../session-connection.ts';
import type { ClipboardFiles, CopiedFile } from './clipboard-files.ts';
import type { DesktopChoices } from './desktop-choices.ts';

/** Keys by their place (`KeyboardEvent.code`), pressed in this order and released in the other. */
export interface KeyCombination {
  readonly label: string;
  readonly codes: readonly string[];
}

export const COMBINATIONS: readonly KeyCombination[] = [
  { label: 'Ctrl Alt Del', codes: ['ControlLeft', 'AltLeft', 'Delete'] },
  { label: 'Alt Tab', codes: ['AltLeft', 'Tab'] },
  { label: 'Alt F4', codes: ['AltLeft', 'F4'] },
  { label: 'Ctrl Esc', codes: ['ControlLeft', 'Escape'] },
  { label: 'Meta', codes: ['MetaLeft'] },
  { label: 'Meta L', codes: ['MetaLeft', 'KeyL'] },
  { label: 'Ctrl W', codes: ['ControlLeft', 'KeyW'] },
  { label: 'Ctrl T', codes: ['ControlLeft', 'KeyT'] },
  { label: 'Esc', codes: ['Escape'] },
  { label: 'PrtSc', codes: ['PrintScreen'] },
];
export const FUNCTION_KEYS: readonly KeyCombination[] = Array.from({ length: 12 }, (_, index) => ({
  label: `F${index + 1}`,
  codes: [`F${index + 1}`],
}));

export interface DesktopEvents {
  readonly onInput: (bytes: Uint8Array) => void;
  /** The machine put text on its clipboard. */
  readonly onClipboard: (text: string) => void;
  /** The machine's clipboard holds these files, or none. */
  readonly onFilesCopied: (files: readonly CopiedFile[]) => void;
  /** The machine has read so much of a file that was offered to it. */
  readonly onFileTaken: (source: File, bytes: number) => void;
  /** A picture is there. */
  readonly onPicture: () => void;
  /** The connection has to be made again, for a choice that counts from its beginning. */
  readonly onRenew: () => void;
  /**
   * The decoder gave up. After a `stream` that it could not read the connection is made again; a `decoder` that crashed cannot
   * be used by this document any more.
   */
  readonly onBroken: (what: 'stream' | 'decoder') => void;
}

export interface DesktopOptions {
  readonly choices: DesktopChoices;
  readonly viewOnly: boolean;
  /** A keyboard on the screen covers part of the room, and makes no other desktop of it. */
  readonly keyboardOpen: boolean;
}

/** What a session needs of a desktop's decoder; one folder of surfaces implements it. */
export interface DesktopSurface extends SurfacePort, Disposable {
  /** The connection is gone: what the person does now goes nowhere, until `reset`. */
  lost(): void;
  focus(): void;
  /** Called before the page is laid out with what has changed. */
  apply(options: DesktopOptions): void;
  press(combination: KeyCombination): void;
  /** As if typed on a keyboard that has these characters. Answers those that the machine's has not. */
  type(text: string): string;
  /** Puts text on the machine's clipboard. */
  paste(text: string): void;
  /** Absent where the protocol's clipboard holds none, and while there is no connection. */
  readonly files?: ClipboardFiles | undefined;
  /** The picture as it is now. */
  picture(): Promise<Blob | null>;
}

type DesktopSurfaceFactory = (host: HTMLElement, events: DesktopEvents, options: DesktopOptions) => DesktopSurface;

/** A protocol's way to draw a desktop. */
export interface DesktopKind {
  readonly create: DesktopSurfaceFactory;
  /** Language tags (BCP 47) of the layouts that a machine can be told; empty where keys are sent as what they mean. */
  readonly keyboardLayouts: readonly string[];
}
