import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import type { Place } from '../tests/traces.ts';

/**
 * The heaps of several pages. A string that one of them had already is not looked through again: they share their program. A snapshot holds
 * no bytes of buffers; what a page has there came by a request or a socket, and is in the HAR.
 */
export class Heaps {
  readonly #seen = new Set<string>();

  /** Every string that anything in the page still holds; what nothing holds is collected first. */
  async stringsOf(page: Page, name: string): Promise<Place> {
    const session = await page.context().newCDPSession(page);
    const chunks: string[] = [];
    session.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => chunks.push(chunk));
    await session.send('HeapProfiler.takeHeapSnapshot', { reportProgress: false, captureNumericValue: false });
    await session.detach();
    const snapshot = chunks.join('');
    // The last of its fields; in a string, the quotation marks would have a backslash.
    const strings = JSON.parse(
      snapshot.slice(snapshot.lastIndexOf('"strings":[') + '"strings":'.length, snapshot.lastIndexOf('}')),
    ) as readonly string[];
    const fresh = strings.filter((text) => !this.#seen.has(text));
    for (const text of fresh) this.#seen.add(text);
    return { name, bytes: Buffer.from(fresh.join('\n')) };
  }
}

/** What stands in the document and in its fields. */
export async function documentOf(page: Page, name: string): Promise<Place> {
  const fields = await page
    .locator('input, textarea')
    .evaluateAll((all) => all.map((field) => (field as HTMLInputElement).value));
  return { name, bytes: Buffer.from([await page.content(), page.url(), ...fields].join('\n')) };
}

/** What a tab keeps for itself. */
export async function tabStorageOf(page: Page, name: string): Promise<Place> {
  return { name, bytes: Buffer.from(await page.evaluate(() => JSON.stringify(sessionStorage))) };
}

/** What the browser keeps of this site for every tab. */
export async function siteStorageOf(page: Page): Promise<readonly Place[]> {
  const { cookies, origins } = await page.context().storageState({ indexedDB: true });
  const cached = await page.evaluate(async () => {
    const kept: string[] = [];
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const response of await cache.matchAll()) kept.push(name, await response.text());
    }
    return kept;
  });
  const place = (name: string, value: unknown): Place => ({ name, bytes: Buffer.from(JSON.stringify(value)) });
  return [
    place('cookies', cookies),
    place(
      'localStorage',
      origins.map(({ localStorage }) => localStorage),
    ),
    // The types of the library do not name what it was asked for.
    place(
      'IndexedDB',
      origins.map((origin) => (origin as { readonly indexedDB?: unknown }).indexedDB),
    ),
    place('caches', cached),
  ];
}

interface HarEntry {
  readonly request: { readonly method: string; readonly url: string };
  readonly response: object;
  readonly _webSocketMessages?: readonly object[];
}

/** A recorded HAR: what was asked, what was answered, and what went over sockets. Bodies that are no text are base64 in it. */
export async function placesOfHar(file: string): Promise<readonly Place[]> {
  const { log } = JSON.parse(await readFile(file, 'utf8')) as { readonly log: { readonly entries: HarEntry[] } };
  return log.entries.flatMap(({ request, response, _webSocketMessages: frames = [], ...rest }) => {
    const where = `${request.method} ${new URL(request.url).pathname}`;
    const parts = { request: [request, rest], answer: response, frames };
    return Object.entries(parts).map(([part, value]) => ({
      name: `HAR ${part} ${where}`,
      bytes: Buffer.from(JSON.stringify(value)),
    }));
  });
}

declare global {
  var plantedText: string | undefined;
}

/** Puts the text into the heap and the storage of the tab. */
export async function plantInTab(page: Page, text: string): Promise<void> {
  await page.evaluate((secret) => {
    const bytes = new TextEncoder().encode(`${'a text longer than others '.repeat(400)}${secret}`);
    globalThis.plantedText = new TextDecoder().decode(bytes);
    sessionStorage.setItem('planted', secret);
  }, text);
}

/** Puts the text wherever the browser keeps something of this site, into its console and into a request. */
export async function plantInSite(page: Page, text: string): Promise<void> {
  await page.evaluate(async (secret) => {
    localStorage.setItem('planted', secret);
    document.cookie = `planted=${secret}`;
    await (await caches.open('planted')).put('/planted', new Response(secret));
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const opening = indexedDB.open('planted', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore('texts');
    opening.onerror = reject;
    opening.onsuccess = () => {
      const writing = opening.result.transaction('texts', 'readwrite');
      writing.objectStore('texts').put(secret, 'planted');
      writing.oncomplete = () => {
        opening.result.close();
        resolve(undefined);
      };
    };
    await promise;
    console.log(secret);
    await fetch('/nowhere', { method: 'POST', body: secret });
  }, text);
}
