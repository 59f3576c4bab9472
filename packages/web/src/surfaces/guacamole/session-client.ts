import Guacamole, { type Client } from 'guacamole-common-js';
import type { ScaleMode } from '../../session/desktop/desktop-choices.ts';
import type { Size } from '../shared/kept-room.ts';
import { encodeInstruction, InstructionReader } from './instruction-text.ts';

export interface ClientEvents {
  readonly onSend: (bytes: Uint8Array) => void;
  /** A frame is complete. */
  readonly onFrame: () => void;
}

/** guacamole-common-js on a stream of instructions, wherever they come from. Each stream has a client of its own. */
export class SessionClient implements Disposable {
  readonly client: Client;
  /** Sound that arrives is left out. */
  isMuted = false;
  readonly #reader: InstructionReader;
  #isOver = false;

  constructor({ onSend, onFrame }: ClientEvents) {
    const tunnel = new Guacamole.Tunnel();
    tunnel.connect = () => tunnel.setState(Guacamole.Tunnel.State.OPEN);
    tunnel.disconnect = () => tunnel.setState(Guacamole.Tunnel.State.CLOSED);
    tunnel.sendMessage = (...elements) => {
      if (!this.#isOver) onSend(encodeInstruction(elements));
    };
    this.client = new Guacamole.Client(tunnel);
    const sounds = new Set<string>();
    this.#reader = new InstructionReader((opcode, words) => {
      const [stream = ''] = words;
      if (opcode === 'audio') sounds.add(stream);
      if (opcode === 'end') sounds.delete(stream);
      if (opcode === 'blob' && this.isMuted && sounds.has(stream)) return;
      tunnel.oninstruction?.(opcode, words);
      if (opcode === 'sync') onFrame();
    });
    this.client.connect();
  }

  get element(): HTMLElement {
    return this.client.getDisplay().getElement();
  }

  /** @throws Error for what are no instructions */
  receive(bytes: Uint8Array): void {
    if (!this.#isOver) this.#reader.push(bytes);
  }

  /** Resolves when everything that was received is drawn. */
  drawn(): Promise<void> {
    return new Promise((resolve) => this.client.getDisplay().flush(resolve));
  }

  /** Shows the display in the room that it has. */
  fit(room: Size, mode: ScaleMode): void {
    const display = this.client.getDisplay();
    const [width, height] = [display.getWidth(), display.getHeight()];
    if (width === 0 || height === 0) return;
    display.scale(
      mode === 'fit'
        ? Math.min(room.width / width, room.height / height)
        : mode === 'device'
          ? 1 / devicePixelRatio
          : 1,
    );
  }

  [Symbol.dispose](): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Takes its timers with it; what it says goes nowhere.
    this.client.disconnect();
    this.element.remove();
  }
}

/** A browser starts sound only after something that the person did. */
export function startSound(): void {
  void Guacamole.AudioContextFactory.getAudioContext()?.resume();
}

/** The element that holds the display: in the middle, scrolled where it does not fit. */
export function frameIn(host: HTMLElement): HTMLElement {
  const frame = host.ownerDocument.createElement('div');
  Object.assign(frame.style, {
    position: 'absolute',
    inset: '0',
    overflow: 'auto',
    display: 'grid',
    placeItems: 'center',
  });
  host.append(frame);
  return frame;
}
