import { DeviceEvent, RotationUnit } from 'ironrdp-wasm';
import type { Keyboard } from './activation.ts';
import type { CanvasView } from './canvas-view.ts';
import { HeldButtons, type ButtonChanges } from './held-buttons.ts';
import { keyStrokes } from './key-strokes.ts';
import { scancodeOf } from './scancodes.ts';
import { TouchGestures, type Point } from './touch-gestures.ts';
import { WheelNotches, type Turn } from './wheel-notches.ts';

export interface InputTarget {
  apply(...inputs: readonly DeviceEvent[]): void;
  releaseAll(): void;
  synchronizeLocks(locks: { readonly scroll: boolean; readonly num: boolean; readonly caps: boolean }): void;
  readonly keyboard: Keyboard;
}

const BUTTON = { left: 0, right: 2 } as const;
/** What a server takes for one notch. [MS-RDPBCGR] 2.2.8.1.1.3.1.1.3, as Windows' WHEEL_DELTA */
const NOTCH = 120;
/** As noVNC has it for fingers; a wheel tells browsers of some hundred pixels a notch, or of three lines. */
const NOTCH_PIXELS = { fingers: 50, wheel: 100 } as const;
const LINE_PIXELS = NOTCH_PIXELS.wheel / 3;
/** Of `WheelEvent.deltaMode`: pixels, lines, pages. */
const UNIT_PIXELS = [1, LINE_PIXELS, 24 * LINE_PIXELS] as const;

/** Keys, mouse and fingers of a person on the canvas, as what the machine understands. */
export class PersonInput implements Disposable {
  readonly #view: CanvasView;
  readonly #target: InputTarget;
  readonly #listening = new AbortController();
  readonly #gestures: TouchGestures;
  readonly #fingers = new WheelNotches(NOTCH_PIXELS.fingers);
  readonly #wheel = new WheelNotches(NOTCH_PIXELS.wheel);
  readonly #buttons = new HeldButtons();
  /** Scancodes of the keys that are down. */
  readonly #keys = new Set<number>();
  isOff = false;

  constructor(view: CanvasView, target: InputTarget) {
    this.#view = view;
    this.#target = target;
    this.#gestures = new TouchGestures({
      onTap: (at) => this.#click(at, BUTTON.left),
      onLongPress: (at) => this.#click(at, BUTTON.right),
      onDrag: (phase, at) => {
        this.#apply(
          this.#moved(at),
          ...(phase === 'begin' ? [DeviceEvent.mouseButtonPressed(BUTTON.left)] : []),
          ...(phase === 'end' ? [DeviceEvent.mouseButtonReleased(BUTTON.left)] : []),
        );
      },
      onScroll: (by, at) => {
        if (view.zoom.isCut) view.zoom.pan(by.x, by.y);
        else this.#turn(this.#fingers.add({ x: -by.x, y: by.y }), at);
      },
      onPinch: (factor, at) => view.zoom.by(factor, at),
    });
    this.#listen('pointerdown', (event) => {
      view.canvas.focus({ preventScroll: true });
      view.canvas.setPointerCapture(event.pointerId);
      event.preventDefault();
      if (event.isPrimary) this.#fingers.reset();
      if (event.pointerType === 'touch') this.#gestures.down(event.pointerId, pointOf(event));
      else this.#point(event, this.#buttons.down(event));
    });
    this.#listen('pointermove', (event) => {
      if (event.pointerType === 'touch') this.#gestures.move(event.pointerId, pointOf(event));
      else this.#point(event, this.#buttons.changed(event));
    });
    this.#listen('pointerup', (event) => {
      if (event.pointerType === 'touch') this.#gestures.up(event.pointerId, pointOf(event));
      else this.#point(event, this.#buttons.changed(event));
    });
    this.#listen('pointercancel', (event) => {
      if (event.pointerType === 'touch') this.#gestures.cancel(event.pointerId);
      else this.#letGo(event);
    });
    this.#listen('lostpointercapture', (event) => {
      if (event.pointerType !== 'touch') this.#letGo(event);
    });
    this.#listen('contextmenu', (event) => event.preventDefault());
    this.#listen('wheel', (event) => {
      event.preventDefault();
      const pixels = UNIT_PIXELS[event.deltaMode] ?? 1;
      this.#turn(this.#wheel.add({ x: event.deltaX * pixels, y: -event.deltaY * pixels }), pointOf(event));
    });
    this.#listen('keydown', (event) => this.#key(event, 'down'));
    this.#listen('keyup', (event) => this.#key(event, 'up'));
    // A key whose release goes elsewhere would stay pressed on the machine.
    this.#listen('blur', () => {
      this.#buttons.clear();
      this.#keys.clear();
      if (!this.isOff) this.#target.releaseAll();
    });
  }

  press(codes: readonly string[]): void {
    const scancodes = codes.flatMap((code) => scancodeOf(code) ?? []);
    this.#apply(
      ...scancodes.map((code) => DeviceEvent.keyPressed(code)),
      ...scancodes.toReversed().map((code) => DeviceEvent.keyReleased(code)),
    );
  }

  /**
   * Characters, or on a machine that takes none the keys of its layout. Answers what could not be typed.
   * [MS-RDPBCGR] 2.2.8.1.2.2.2
   */
  type(text: string): string {
    if (this.isOff) return '';
    // Caps Lock would turn each letter's case.
    this.#synchronizeTo({ scroll: false, num: true, caps: false });
    return Array.from(text.replaceAll('\r\n', '\n').normalize('NFC'))
      .filter((character) => !this.#typeOne(character))
      .join('');
  }

  #typeOne(character: string): boolean {
    const { layout, takesCharacters } = this.#target.keyboard;
    if (character === '\n') this.press(['Enter']);
    else if (character === '\t') this.press(['Tab']);
    else if (takesCharacters)
      this.#apply(DeviceEvent.unicodePressed(character), DeviceEvent.unicodeReleased(character));
    else {
      const strokes = keyStrokes(character, layout);
      for (const { scancode, held } of strokes ?? [])
        this.#apply(
          ...held.map((code) => DeviceEvent.keyPressed(code)),
          DeviceEvent.keyPressed(scancode),
          DeviceEvent.keyReleased(scancode),
          ...held.map((code) => DeviceEvent.keyReleased(code)),
        );
      return strokes !== undefined;
    }
    return true;
  }

  [Symbol.dispose](): void {
    this.#listening.abort();
    this.#gestures[Symbol.dispose]();
  }

  #listen<K extends keyof HTMLElementEventMap>(type: K, listener: (event: HTMLElementEventMap[K]) => void): void {
    const { signal } = this.#listening;
    this.#view.canvas.addEventListener(type, listener, { signal, passive: false });
  }

  #apply(...inputs: readonly DeviceEvent[]): void {
    if (!this.isOff) this.#target.apply(...inputs);
  }

  #moved(at: Point): DeviceEvent {
    const { x, y } = this.#view.pixelAt(at);
    return DeviceEvent.mouseMove(x, y);
  }

  #point(event: PointerEvent, changes: ButtonChanges): void {
    this.#apply(this.#moved(pointOf(event)), ...buttonEvents(changes));
  }

  /** Of a pointer that is heard of no more: where it is then means nothing. */
  #letGo({ pointerId }: PointerEvent): void {
    this.#apply(...buttonEvents(this.#buttons.changed({ pointerId, buttons: 0 })));
  }

  #click(at: Point, button: number): void {
    this.#apply(this.#moved(at), DeviceEvent.mouseButtonPressed(button), DeviceEvent.mouseButtonReleased(button));
  }

  #turn({ x, y }: Turn, at: Point): void {
    if (x === 0 && y === 0) return;
    const notches = (isVertical: boolean, count: number): readonly DeviceEvent[] =>
      Array.from({ length: Math.abs(count) }, () =>
        DeviceEvent.wheelRotations(isVertical, Math.sign(count) * NOTCH, RotationUnit.Pixel),
      );
    this.#apply(this.#moved(at), ...notches(true, y), ...notches(false, x));
  }

  #key(event: KeyboardEvent, direction: 'down' | 'up'): void {
    event.preventDefault();
    if (event.isComposing) return;
    if (direction === 'down' && !event.repeat) this.#synchronize(event);
    const scancode = scancodeOf(event.code);
    if (scancode !== undefined) {
      if (direction === 'down') this.#keys.add(scancode);
      else this.#keys.delete(scancode);
      this.#apply(direction === 'down' ? DeviceEvent.keyPressed(scancode) : DeviceEvent.keyReleased(scancode));
      if (direction === 'up' && event.key === 'Meta') this.#releaseKeys();
    }
    // A key of no known place has at least its character.
    else if (direction === 'down' && [...event.key].length === 1) this.#typeOne(event.key);
  }

  /** Browsers on macOS say nothing of a key that comes up while Meta is down. */
  #releaseKeys(): void {
    this.#apply(...[...this.#keys].map((scancode) => DeviceEvent.keyReleased(scancode)));
    this.#keys.clear();
  }

  #locks = '';

  #synchronize(event: KeyboardEvent): void {
    if (this.isOff) return;
    const [scroll, num, caps] = ['ScrollLock', 'NumLock', 'CapsLock'].map((name) => event.getModifierState(name));
    if (/^(?:Scroll|Num|Caps)Lock$/u.test(event.code)) return;
    this.#synchronizeTo({ scroll: scroll === true, num: num === true, caps: caps === true });
  }

  #synchronizeTo(locks: { readonly scroll: boolean; readonly num: boolean; readonly caps: boolean }): void {
    const wanted = Object.values(locks).join(' ');
    if (wanted === this.#locks) return;
    this.#locks = wanted;
    this.#target.synchronizeLocks(locks);
  }
}

function buttonEvents({ pressed, released }: ButtonChanges): readonly DeviceEvent[] {
  return [
    ...released.map((button) => DeviceEvent.mouseButtonReleased(button)),
    ...pressed.map((button) => DeviceEvent.mouseButtonPressed(button)),
  ];
}

function pointOf({ clientX, clientY }: MouseEvent): Point {
  return { x: clientX, y: clientY };
}
