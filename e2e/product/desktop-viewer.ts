import type { Shell } from './shell.ts';

/** Tight, CopyRect, Raw; LastRect, the size of the desktop; quality 6 and compression 2, which are a machine's defaults. */
const ENCODINGS = [7, 1, 0, -224, -223, -26, -254];

export interface DesktopSize {
  readonly width: number;
  readonly height: number;
}

/** What a viewer of RFB 3.8 without security says first: its version, None, a shared desktop, Tight or what is asked for, and one whole picture. */
export function greeting(size: DesktopSize, wanted: readonly number[] = ENCODINGS): Buffer {
  const encodingsMessage = Buffer.alloc(4 + 4 * wanted.length);
  encodingsMessage[0] = 2;
  encodingsMessage.writeUInt16BE(wanted.length, 2);
  for (const [index, encoding] of wanted.entries()) encodingsMessage.writeInt32BE(encoding, 4 + 4 * index);
  return Buffer.concat([
    Buffer.from('RFB 003.008\n'),
    Buffer.of(1, 1),
    encodingsMessage,
    pictureRequest(size, 'whole'),
  ]);
}

/** FramebufferUpdateRequest, RFC 6143 section 7.5.3. */
export function pictureRequest({ width, height }: DesktopSize, which: 'whole' | 'changed' = 'changed'): Buffer {
  const message = Buffer.alloc(10);
  message[0] = 3;
  message[1] = which === 'changed' ? 1 : 0;
  message.writeUInt16BE(width, 6);
  message.writeUInt16BE(height, 8);
  return message;
}

/** Version, one security type, its success; then the size, the format and the length of the name of ServerInit. */
const NAME_LENGTH_AT = 12 + 2 + 4 + 20;

/** Sees where in what a server said its first picture begins. */
export class FirstPicture {
  #head = Buffer.alloc(0);

  /** True once something came that is behind ServerInit. */
  push(bytes: Uint8Array): boolean {
    this.#head = Buffer.concat([this.#head, bytes]);
    const name = NAME_LENGTH_AT + 4;
    return this.#head.length > name && this.#head.length > name + this.#head.readUInt32BE(NAME_LENGTH_AT);
  }
}

/** Greets, asks for a picture, and resolves when its first bytes are there. */
export async function firstPicture(shell: Shell, size: DesktopSize): Promise<void> {
  const picture = new FirstPicture();
  let isThere = picture.push(Buffer.from(shell.text, 'latin1'));
  shell.onBytes = (bytes) => {
    isThere ||= picture.push(bytes);
  };
  shell.data.send(greeting(size));
  await shell.until(() => isThere, 'the first picture');
}
