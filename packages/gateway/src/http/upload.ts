import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';

/** What a page sends in one piece, twice over; whoever sends more at once may lose the connection with the answer. */
const MOST_READ_AWAY_BYTES = 16 * 1024 * 1024;
const MOST_READ_AWAY_MS = 10_000;

/** The bytes of an upload; one of none may come without a body. Whoever stops reading leaves the connection as it is. */
export function uploadOf({ body }: { readonly body?: unknown }): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  return body instanceof Readable ? body.iterator({ destroyOnReturn: false }) : [];
}

/**
 * Takes what is left of an upload that is refused: a connection that is closed while the other side still writes is reset, and the answer that says why
 * is lost with it ([RFC 9112 section 9.6](https://www.rfc-editor.org/rfc/rfc9112#section-9.6)).
 */
export async function readAway(body: unknown): Promise<void> {
  if (!(body instanceof Readable) || body.readableEnded || body.destroyed) return;
  const enough = new AbortController();
  const late = setTimeout(() => enough.abort(), MOST_READ_AWAY_MS);
  let read = 0;
  const count = (bytes: Uint8Array): void => {
    read += bytes.length;
    if (read > MOST_READ_AWAY_BYTES) enough.abort();
  };
  body.on('data', count);
  body.resume();
  await finished(body, { signal: enough.signal, writable: false }).catch(() => undefined);
  body.off('data', count);
  clearTimeout(late);
}
