import type { InputEvent } from './fast-path.ts';

/** pointerFlags. [MS-RDPBCGR] 2.2.8.1.1.3.1.1.3 */
const FLAG = { wheelNegative: 0x100, wheel: 0x200, horizontalWheel: 0x400, move: 0x800, down: 0x8000 } as const;
/** Flags of the buttons, and their bits in a recording: left, middle, right. */
const BUTTONS: readonly (readonly [flag: number, bit: number])[] = [
  [0x1000, 1],
  [0x4000, 2],
  [0x2000, 4],
];
const [WHEEL_UP, WHEEL_DOWN] = [8, 16];

/** Where the pointer is and what is pressed: RDP tells changes of one button at a time, and no place where a wheel turns. */
export class Pointer {
  #x = 0;
  #y = 0;
  #pressed = 0;

  take({ flags, x, y }: Extract<InputEvent, { readonly type: 'mouse' }>): {
    readonly x: number;
    readonly y: number;
    readonly buttons: number;
  } {
    const isWheel = (flags & (FLAG.wheel | FLAG.horizontalWheel)) !== 0;
    if (!isWheel) {
      this.#x = x;
      this.#y = y;
      for (const [flag, bit] of BUTTONS)
        if ((flags & flag) !== 0)
          this.#pressed = (flags & FLAG.down) === 0 ? this.#pressed & ~bit : this.#pressed | bit;
    }
    const wheel = !isWheel ? 0 : (flags & FLAG.wheelNegative) === 0 ? WHEEL_UP : WHEEL_DOWN;
    return { x: this.#x, y: this.#y, buttons: this.#pressed | wheel };
  }
}
