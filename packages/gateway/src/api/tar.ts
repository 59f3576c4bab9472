const BLOCK = 512;

function octal(value: number, length: number): string {
  return `${value.toString(8).padStart(length - 1, '0')}\0`;
}

/** One header of the ustar format (POSIX.1-1988, pax(1)). */
function header(name: string, size: number, modifiedAt: number): Uint8Array {
  const block = Buffer.alloc(BLOCK);
  block.write(name, 0, 100, 'latin1');
  block.write(octal(0o600, 8), 100, 'latin1');
  block.write(octal(0, 8), 108, 'latin1');
  block.write(octal(0, 8), 116, 'latin1');
  block.write(octal(size, 12), 124, 'latin1');
  block.write(octal(Math.floor(modifiedAt / 1000), 12), 136, 'latin1');
  block.fill(0x20, 148, 156);
  block.write('0', 156, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.write(
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      7,
    )} `,
    148,
    'latin1',
  );
  return block;
}

/** A tar archive of files as they come; names are the server's own, at most 100 ASCII characters. */
export async function* tar(
  files: AsyncIterable<{ readonly name: string; readonly bytes: Uint8Array }>,
  modifiedAt: number,
): AsyncGenerator<Uint8Array> {
  for await (const { name, bytes } of files) {
    if (!/^[\x21-\x7e]{1,100}$/u.test(name))
      throw new RangeError(`a name in the archive must be 1 to 100 ASCII characters, received ${JSON.stringify(name)}`);
    yield header(name, bytes.length, modifiedAt);
    yield bytes;
    const rest = bytes.length % BLOCK;
    if (rest > 0) yield new Uint8Array(BLOCK - rest);
  }
  yield new Uint8Array(2 * BLOCK);
}
