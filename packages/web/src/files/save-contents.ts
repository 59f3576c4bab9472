import { browserTarget, downloadFrom } from './browser-target.ts';

/** Into the browser's own storage until it is whole, or into memory where there is none; then it is a download like any other. */
export async function saveContents(
  name: string,
  contents: AsyncIterable<Uint8Array>,
  onProgress: (done: number) => void,
): Promise<void> {
  const target = browserTarget(name);
  if (target === undefined) {
    const pieces: Blob[] = [];
    await through(contents, onProgress, (bytes) => {
      pieces.push(new Blob([bytes]));
    });
    const url = URL.createObjectURL(new Blob(pieces));
    downloadFrom(url, name);
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    return;
  }
  const handle = await target.open();
  try {
    const disk = await handle.createWritable();
    try {
      await through(contents, onProgress, (bytes) => disk.write(bytes));
    } catch (failure) {
      await disk.abort().catch(() => undefined);
      throw failure;
    }
    await disk.close();
    await target.finished(handle);
  } catch (failure) {
    await target.discard(handle).catch(() => undefined);
    throw failure;
  }
}

async function through(
  contents: AsyncIterable<Uint8Array>,
  onProgress: (done: number) => void,
  take: (bytes: Uint8Array<ArrayBuffer>) => Promise<void> | void,
): Promise<void> {
  let done = 0;
  for await (const piece of contents) {
    await take(piece.slice());
    done += piece.length;
    onProgress(done);
  }
}
