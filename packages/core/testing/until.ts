const PATIENCE_MS = 120_000;
const PAUSE_MS = 5;

/**
 * Waits for a condition.
 * @throws Error after two minutes: a test that is only ended from outside lets nothing go of what it holds
 */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + PATIENCE_MS; !(await condition());) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}
