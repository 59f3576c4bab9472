import { setTimeout as sleep } from 'node:timers/promises';
import headless from '@xterm/headless';
import type { Shell } from '../../product/index.ts';
import type { Site } from '../../tests/site.ts';
import { startSite, startTarget, Workplace } from '../bench-site.ts';
import type { Experiment } from '../figure.ts';
import { settledKib, within } from '../measure.ts';
import { variedLog } from '../varied-log.ts';

const SESSIONS = 500;
const AT_ONCE = 8;
const WARM_UP = 24;
const RESUMED = 10;
const PRINTED_BYTES = 100_000;
/** As the product keeps it. */
const SCROLLBACK_LINES = 5_000;
const END = 'END-OF-LOG';

interface Opened {
  readonly shell: Shell;
  /** Everything the viewer was sent; kept for those that are resumed. */
  readonly shown: Buffer[];
}

/** Opens a session that prints its 100 KB and then stays silent. */
async function openPrinting(site: Site, targetId: string, command: string): Promise<Opened> {
  const shell = await site.admin.open(targetId);
  const shown: Buffer[] = [];
  await shell.see('$ ');
  shown.push(Buffer.from(shell.text));
  shell.forget();
  let tail = '';
  shell.onBytes = (bytes) => {
    shown.push(bytes);
    tail = (tail + bytes.toString('latin1')).slice(-1_024);
  };
  shell.type(`${command}\r`);
  await within(
    60_000,
    'the output',
    // What follows the prompt's last character is the shell's own affair.
    shell.until(() => tail.includes('$ ', tail.indexOf(END) + 1) && tail.includes(END), 'the last words of the output'),
  );
  return { shell, shown };
}

async function inTurns<T>(count: number, work: (index: number) => Promise<T>): Promise<T[]> {
  const done: T[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < count) {
        const index = next++;
        done[index] = await work(index);
      }
    }),
  );
  return done;
}

/** What a terminal shows after these bytes: every line of screen and scrollback, and the place of the cursor. */
async function screenOf(parts: readonly Uint8Array[]): Promise<string> {
  const terminal = new headless.Terminal({ cols: 80, rows: 24, scrollback: SCROLLBACK_LINES, allowProposedApi: true });
  for (const part of parts) await new Promise<void>((resolve) => terminal.write(part, resolve));
  const buffer = terminal.buffer.active;
  const lines = Array.from({ length: buffer.length }, (_, line) => buffer.getLine(line)?.translateToString(true) ?? '');
  const screen = [`cursor ${buffer.cursorX},${buffer.baseY + buffer.cursorY}`, ...lines].join('\n');
  terminal.dispose();
  return screen;
}

/** Leaves, comes back and compares with a terminal that was there all along. */
async function resumedAsLeft(site: Site, { shell, shown }: Opened): Promise<boolean> {
  const expected = await screenOf(shown);
  await shell.leave();
  await using again = await site.admin.join(shell.sessionId, 'control');
  const got: Buffer[] = [Buffer.from(again.text)];
  again.onBytes = (bytes) => got.push(bytes);
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    if ((await screenOf(got)) === expected) return true;
    await sleep(100);
  }
  return false;
}

export const idle: Experiment = {
  figures: ['ssh-idle-kib'],
  async run(_wanted, say) {
    await using owned = new AsyncDisposableStack();
    const place = owned.use(await Workplace.make());
    const sshd = owned.use(await startTarget());
    const site = owned.use(await startSite(place));
    const targetId = await site.machineOn(sshd);
    const log = await place.file('varied.log', variedLog(PRINTED_BYTES));
    const command = `cat ${log}; printf 'END-%s\\n' OF-LOG`;
    const warm = await inTurns(WARM_UP, () => openPrinting(site, targetId, command));
    for (const { shell } of warm) await shell[Symbol.asyncDispose]();
    const { pid } = site.gateway;
    const base = await settledKib(pid, 90_000);
    const sessions = await inTurns(SESSIONS, async (index) => {
      const opened = await openPrinting(site, targetId, command);
      if (index % (SESSIONS / RESUMED) !== 0) opened.shown.length = 0;
      return opened;
    });
    const full = await settledKib(pid, 90_000);
    say(
      `resident: ${(base / 1024).toFixed(0)} MiB before, ${(full / 1024).toFixed(0)} MiB with ${SESSIONS} idle sessions`,
    );
    const chosen = sessions.filter((_, index) => index % (SESSIONS / RESUMED) === 0);
    const same: boolean[] = [];
    for (const opened of chosen) same.push(await resumedAsLeft(site, opened));
    const equal = same.filter(Boolean).length;
    for (const { shell } of sessions) shell.control.terminate();
    for (const { shell } of sessions) shell.data.terminate();
    return [
      {
        id: 'ssh-idle-kib',
        value: (full - base) / SESSIONS,
        alsoHolds: equal === RESUMED,
        how: `resident memory of the gateway with ${SESSIONS} idle sessions to a real sshd, TLS, strict recording, each after printing 100 KB, less that before them and after ${WARM_UP} sessions that came and went, by the number of sessions; ${equal} of ${RESUMED} resumed with the screen and scrollback of a terminal that was there all along`,
        samples: { ours: { baseKib: base, fullKib: full, sessions: SESSIONS }, screensEqual: same },
      },
    ];
  },
};
