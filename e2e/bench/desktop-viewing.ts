import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { startXvnc, type Xvnc } from '@enchilada/core/testing/servers/xvnc';
import { greeting, pictureRequest, type DesktopSize } from '../product/index.ts';
import type { Site } from '../tests/site.ts';
import { setTimeout as sleep } from 'node:timers/promises';

export const SIZE: DesktopSize = { width: 1280, height: 800 };
const ASK_EVERY_MS = 33;

/** Without encryption toward the machine, so that all sides do the same; TLS is toward the viewer. */
export async function startDesktop(): Promise<Xvnc> {
  const desktop = await startXvnc({ geometry: `${SIZE.width}x${SIZE.height}`, securityTypes: 'None' });
  await desktop.run('xsetroot', '-solid', '#203040');
  return desktop;
}

export async function desktopOf(site: Site, { host, port }: Pick<Xvnc, 'host' | 'port'>): Promise<string> {
  const { id: credentialId } = await site.admin.api.createCredential({
    body: { name: `desktop ${port}`, kind: 'password', username: '', secret: 'unused' },
  });
  return site.machine({ protocol: 'vnc', host, port, credentialId, parameters: { allowCleartext: true } }, [
    'connect',
    'watch',
  ]);
}

/** A desktop on whose display programs draw. */
export type Drawable = Pick<Xvnc, 'display' | 'start'>;
export type Load = keyof typeof LOADS;

export const LOADS = {
  /** A terminal that scrolls 200 lines a second. */
  scroll: (desktop: Drawable): ChildProcess =>
    desktop.start(
      'xterm',
      ...['-geometry', '160x50+40+40', '-e'],
      // Lines that repeat would scroll into themselves.
      'while :; do od -A n -t x1 -w40 -N 400 /dev/urandom; sleep 0.05; done',
    ),
  /** A photo-like animation, 25 frames a second. */
  paint: (desktop: Drawable): ChildProcess =>
    desktop.start(
      process.execPath,
      '--conditions=source',
      join(import.meta.dirname, 'paint-window.ts'),
      desktop.display,
    ),
} as const;

/** Asks for what changed as often as a screen is drawn. */
export function keepAsking(send: (bytes: Buffer) => void): Disposable {
  const timer = setInterval(() => send(pictureRequest(SIZE)), ASK_EVERY_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

const LOOK_MS = 20_000;
const SETTLE_MS = 1_500;
export const LOOK_SECONDS = LOOK_MS / 1_000;

export interface Look {
  readonly cpu: number;
  readonly bytes: number;
}

/** What a process spends while somebody looks at a desktop. */
export async function looked(cpu: () => Promise<number>, received: () => number): Promise<Look> {
  await sleep(SETTLE_MS);
  const [before, bytes] = [await cpu(), received()];
  await sleep(LOOK_MS);
  return { cpu: (await cpu()) - before, bytes: received() - bytes };
}

export function lookShown({ cpu, bytes }: Look): string {
  return `${cpu.toFixed(2)} s for ${(bytes / 1e6).toFixed(1)} MB`;
}

/** The product carries a desktop in Tight to somebody who asks for pictures as a decoder does. */
export async function lookByProduct(site: Site, targetId: string, cpu: () => Promise<number>): Promise<Look> {
  await using shell = await site.admin.open(targetId);
  shell.onBytes = () => undefined;
  shell.data.send(greeting(SIZE));
  using _asking = keepAsking((bytes) => shell.data.send(bytes));
  return await looked(cpu, () => shell.received);
}
