const PATIENCE_MS = 120_000;
const SHORTEST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;

/**
 * Asks again until there is something, and answers it. Between two questions it rests four times as long as the last one took: what is asked is to get on.
 * @throws Error after two minutes: a test that is only ended from outside lets nothing go of what it holds
 */
export async function until<T>(
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  what?: string | (() => string),
): Promise<T> {
  for (const deadline = performance.now() + PATIENCE_MS; ;) {
    const asked = performance.now();
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    const now = performance.now();
    if (now > deadline)
      throw new Error(`waited in vain for ${typeof what === 'function' ? what() : (what ?? String(probe))}`);
    const pause = Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, 4 * (now - asked)));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
