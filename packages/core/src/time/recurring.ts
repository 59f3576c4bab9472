import type { Clock } from './index.ts';

export interface RecurringTask {
  readonly periodMs: number;
  readonly work: () => Promise<unknown>;
  /** Hears of the first failure in a row. */
  readonly failed: (cause: unknown) => void;
  /** Hears of the first success after it. */
  readonly recovered?: () => void;
}

/** Does the work again and again, never twice at once. A failure is told once and not each time: the log stays readable. */
export function recur(clock: Clock, task: RecurringTask): Disposable {
  let isRunning = false;
  let isFailing = false;
  const turn = async (): Promise<void> => {
    isRunning = true;
    try {
      await task.work();
      if (isFailing) task.recovered?.();
      isFailing = false;
    } catch (cause) {
      if (!isFailing) task.failed(cause);
      isFailing = true;
    } finally {
      isRunning = false;
    }
  };
  return clock.every(task.periodMs, () => {
    if (!isRunning) void turn();
  });
}
