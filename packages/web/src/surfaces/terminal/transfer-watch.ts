/** What a program on the machine wants to speak that this terminal does not. */
export type TransferKind = 'zmodem' | 'trzsz';

/** ZRQINIT and ZRINIT as hex headers: type, four bytes and their CRC. https://wiki.synchro.net/ref:zmodem section 7.3.3 */
const ZMODEM = /\*\*\x18B(?<frame>0[01][0-9a-f]{8})(?<crc>[0-9a-f]{4})/gu;
const TRZSZ = /::TRZSZ:TRANSFER:[SRD]:\d+\.\d+\.\d+:\d{13}/u;
/** Longer than either; what is cut by the end of a piece is found with the next one. */
const TAIL = 64;

/** Finds the first words of a file transfer in what a terminal is sent. */
export class TransferWatch {
  readonly #decoder = new TextDecoder('latin1');
  #tail = '';

  push(bytes: Uint8Array): TransferKind | undefined {
    const text = this.#tail + this.#decoder.decode(bytes, { stream: true });
    const kind = text.includes('**\x18B') && hasHeader(text) ? 'zmodem' : TRZSZ.test(text) ? 'trzsz' : undefined;
    this.#tail = kind === undefined ? text.slice(-TAIL) : '';
    return kind;
  }

  forget(): void {
    this.#tail = '';
  }
}

function hasHeader(text: string): boolean {
  return [...text.matchAll(ZMODEM)].some(
    ({ groups }) => crc16(groups?.['frame'] ?? '') === Number.parseInt(groups?.['crc'] ?? '', 16),
  );
}

/** CRC-16/XMODEM of bytes in hex. */
function crc16(hex: string): number {
  let crc = 0;
  for (const [pair] of hex.matchAll(/../gu)) {
    crc ^= Number.parseInt(pair, 16) << 8;
    for (let bit = 0; bit < 8; bit += 1)
      crc = (crc & 0x8000) === 0 ? (crc << 1) & 0xffff : ((crc << 1) ^ 0x1021) & 0xffff;
  }
  return crc;
}

/** Ends a ZMODEM program: five in a row are enough, and an even number means nothing to a shell. Section 7.1 there. */
export const ZMODEM_CANCEL: Uint8Array = new Uint8Array(8).fill(0x18);
