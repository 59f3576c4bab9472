import { join } from 'node:path';
import type { ChildProcess } from 'node:child_process';
import { startXvnc, type Xvnc } from '@enchilada/core/testing/servers/xvnc';
import { pictureRequest, type DesktopSize } from '../product/index.ts';
import type { Site } from '../tests/site.ts';

export const SIZE: DesktopSize = { width: 1280, height: 800 };
const ASK_EVERY_MS = 33;

/** Without encryption toward the machine, so that all sides do the same; TLS is toward the viewer. */
export async function startDesktop(): Promise<Xvnc> {
  const desktop = await startXvnc({ geometry: `${SIZE.width}x${SIZE.height}`, securityTypes: 'None' });
  await desktop.run('xsetroot', '-solid', '#203040');
  return desktop;
}

export async function desktopOf(site: Site, { host, port }: Xvnc): Promise<string> {
  const { id: credentialId } = await site.admin.api.createCredential({
    body: { name: `desktop ${port}`, kind: 'password', username: '', secret: 'unused' },
  });
  return site.machine({ protocol: 'vnc', host, port, credentialId, parameters: { allowCleartext: true } }, [
    'connect',
    'watch',
  ]);
}

export const LOADS = {
  /** A terminal that scrolls 200 lines a second. */
  scroll: (desktop: Xvnc): ChildProcess =>
    desktop.start(
      'xterm',
      ...['-geometry', '160x50+40+40', '-e'],
      // Lines that repeat would scroll into themselves.
      'while :; do od -A n -t x1 -w40 -N 400 /dev/urandom; sleep 0.05; done',
    ),
  /** A photo-like animation, 25 frames a second. */
  paint: (desktop: Xvnc): ChildProcess =>
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
