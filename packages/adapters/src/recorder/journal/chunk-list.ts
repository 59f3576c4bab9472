import type { ManifestChunk } from '@enchilada/core/recording';

const ENTRY_BYTES = 32 /* hash */ + 8 /* fromUs */ + 8 /* toUs */ + 4; /* bytes */

/** What the manifest will say of each chunk, packed: a session that prints for eight hours has 5,760 of them. */
export class ChunkList {
  #buffer = Buffer.alloc(0);
  length = 0;

  add(chunk: ManifestChunk): void {
    const at = this.length++ * ENTRY_BYTES;
    if (at + ENTRY_BYTES > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(4 * ENTRY_BYTES, 2 * this.#buffer.length));
      this.#buffer.copy(larger);
      this.#buffer = larger;
    }
    this.#buffer.set(chunk.hash, at);
    this.#buffer.writeDoubleBE(chunk.fromUs, at + 32);
    this.#buffer.writeDoubleBE(chunk.toUs, at + 40);
    this.#buffer.writeUInt32BE(chunk.bytes, at + 48);
  }

  toArray(): ManifestChunk[] {
    return Array.from({ length: this.length }, (_, index) => {
      const at = index * ENTRY_BYTES;
      return {
        hash: this.#buffer.subarray(at, at + 32),
        fromUs: this.#buffer.readDoubleBE(at + 32),
        toUs: this.#buffer.readDoubleBE(at + 40),
        bytes: this.#buffer.readUInt32BE(at + 48),
      };
    });
  }
}
