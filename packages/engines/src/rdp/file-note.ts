import { createHash, type Hash } from 'node:crypto';
import type { ClipboardFile, Seat } from '@enchilada/core/engine';
import type { FileListener, PassingFile } from './codec/clipboard-files.ts';

/** Tells of the files that pass by the clipboard; each has a hash of its own. */
export function fileNote(seat: Pick<Seat, 'noted'>): FileListener {
  const hashes = new Map<PassingFile, Hash>();
  return {
    began(file) {
      hashes.set(file, createHash('sha256'));
      seat.noted({ type: 'file-began', ...told(file) });
    },
    piece(file, bytes) {
      hashes.get(file)?.update(bytes);
    },
    ended(file, { isWhole, isInOrder, bytes }) {
      const hash = hashes.get(file);
      hashes.delete(file);
      seat.noted({
        ...{ type: 'file-ended', isWhole, bytes },
        ...told(file),
        ...(isInOrder && hash !== undefined ? { sha256: hash.digest() } : {}),
      });
    },
  };
}

function told({ direction, name, size }: PassingFile): ClipboardFile {
  return { direction, name, ...(size === undefined ? {} : { size }) };
}
