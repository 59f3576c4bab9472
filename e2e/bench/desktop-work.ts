import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** A desktop that programs can be run on. */
export interface Workstation {
  run(program: string, ...arguments_: readonly string[]): Promise<string>;
  start(program: string, ...arguments_: readonly string[]): ChildProcess;
}

const ROUNDS = 6;
const SENTENCE = 'the otters carry stones in their pockets ';
const SCROLL =
  'i=0; while [ $i -lt 400 ]; do od -A n -t x1 -w24 -N 48 /dev/urandom; i=$((i+1)); sleep 0.02; done; exec cat';

async function typing(desktop: Workstation): Promise<void> {
  await desktop.run('xdotool', 'mousemove', '120', '120');
  await desktop.run('xdotool', 'type', '--delay', '45', SENTENCE.repeat(4));
}

async function moving(desktop: Workstation): Promise<void> {
  const window = (await desktop.run('xdotool', 'search', '--sync', '--class', 'xlogo')).split('\n')[0] ?? '';
  for (let step = 0; step < 40; step += 1) {
    await desktop.run('xdotool', 'windowmove', window, String(80 + step * 12), String(60 + ((step * 37) % 300)));
    await sleep(60);
  }
}

async function scrolling(desktop: Workstation): Promise<void> {
  const terminal = desktop.start('xterm', '-geometry', '80x24+320+260', '-e', SCROLL);
  await sleep(10_000);
  terminal.kill('SIGKILL');
}

/**
 * What a person does in half an hour at a desktop, without the pauses in between: types, moves windows, scrolls, and lets the desktop change its size
 * and change it back.
 */
export async function halfAnHour(
  desktop: Workstation,
  resize: (to: 'small' | 'large') => Promise<void>,
): Promise<void> {
  await desktop.run('xsetroot', '-solid', '#204060');
  desktop.start('xterm', '-geometry', '90x30+20+20', '-e', 'exec cat');
  desktop.start('xlogo', '-geometry', '260x260+80+60', '-render');
  for (let round = 0; round < ROUNDS; round += 1) {
    await typing(desktop);
    await moving(desktop);
    await scrolling(desktop);
    if (round === 2) await resize('small');
    if (round === 4) await resize('large');
  }
}
