/** Does it for all, so many side by side; the answers are in the order of what was given. What throws ends it. */
export async function atOnce<T, U>(all: readonly T[], most: number, work: (one: T) => Promise<U>): Promise<U[]> {
  const answers: U[] = [];
  const waiting = all.entries();
  const worker = async (): Promise<void> => {
    for (const [index, one] of waiting) answers[index] = await work(one);
  };
  await Promise.all(Array.from({ length: Math.min(most, all.length) }, worker));
  return answers;
}
