import { SerializeAddon } from '@xterm/addon-serialize';
import { UnicodeGraphemesAddon } from '@xterm/addon-unicode-graphemes';
import headless from '@xterm/headless';
import type { DisplaySize } from '@enchilada/core/engine';

const encoder = new TextEncoder();
/** RIS (ECMA-48 8.3.105): whatever the fresh surface holds is gone before the snapshot is drawn. */
const RESET = '\u001bc';

/** A terminal without a screen; it exists while a snapshot is made. Its answers to queries go nowhere. */
export class Emulation implements Disposable {
  readonly #terminal: InstanceType<typeof headless.Terminal>;
  readonly #serialize = new SerializeAddon();

  constructor(size: DisplaySize, scrollback: number) {
    this.#terminal = new headless.Terminal({ cols: size.columns, rows: size.rows, scrollback, allowProposedApi: true });
    // The addons are written for the browser's terminal; the headless one has what they use. INVARIANT: a character is as wide here as on
    // the page that draws the snapshot, or what a program placed after an emoji stands elsewhere there.
    for (const addon of [this.#serialize, new UnicodeGraphemesAddon()]) this.#terminal.loadAddon(addon);
  }

  write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#terminal.write(bytes, resolve);
    });
  }

  resize(size: DisplaySize): void {
    this.#terminal.resize(size.columns, size.rows);
  }

  frames(): Uint8Array {
    return encoder.encode(RESET + this.#serialize.serialize());
  }

  [Symbol.dispose](): void {
    this.#terminal.dispose();
  }
}
