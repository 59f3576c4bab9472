import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSshd, type Sshd } from '@enchilada/core/testing/servers/sshd';
import { Chromium } from '../fixtures/chromium.ts';
import type { Site } from '../tests/site.ts';
import { FilesPanel } from './files-panel.ts';
import { Network } from './network.ts';
import { openMachine, seatOf } from './seat.ts';

interface FilesPlaceParts {
  readonly sshd: Sshd;
  readonly network: Network;
  readonly site: Site;
  readonly browser: Chromium;
  readonly targetId: string;
  readonly own: string;
}

/** A machine with files, and the browser of somebody who may send and fetch them. */
export class FilesPlace implements AsyncDisposable {
  readonly #parts: FilesPlaceParts;
  readonly #owned: AsyncDisposableStack;

  private constructor(parts: FilesPlaceParts, owned: AsyncDisposableStack) {
    this.#parts = parts;
    this.#owned = owned;
  }

  static async start(): Promise<FilesPlace> {
    await using owned = new AsyncDisposableStack();
    const sshd = owned.use(await startSshd());
    const { network, site } = await Network.withSite();
    owned.use(network);
    owned.use(site);
    const browser = owned.use(await Chromium.launch());
    const own = await mkdtemp(join(tmpdir(), 'enchilada-own-files-'));
    owned.defer(() => rm(own, { recursive: true, force: true }));
    const targetId = await site.machineOn(sshd, { name: 'files-machine' });
    await site.grant(site.admin, targetId, ['connect', 'file-in', 'file-out']);
    return new FilesPlace({ sshd, network, site, browser, targetId, own }, owned.move());
  }

  /** Of the person, beside their browser. */
  get own(): string {
    return this.#parts.own;
  }

  /** Whoever runs the site. */
  get admin(): Site['admin'] {
    return this.#parts.site.admin;
  }

  get network(): Network {
    return this.#parts.network;
  }

  /** A folder on the machine that anybody may write, and the panel opened on it. */
  async at(
    name: string,
    use: (panel: FilesPanel, folder: string) => Promise<void>,
    /** What the browser is before the page's own scripts run. */
    browserLike: () => void = () => undefined,
  ): Promise<void> {
    const { sshd, site, browser, targetId } = this.#parts;
    const folder = join(sshd.directory, name);
    await mkdir(folder);
    await chmod(folder, 0o777);
    await using window = await seatOf(browser, site.admin);
    // The dialog in which a person chooses a folder is the system's own; what it gives is a folder of this kind.
    await window.context.addInitScript(() => {
      Object.assign(globalThis, {
        showDirectoryPicker: async () =>
          (await navigator.storage.getDirectory()).getDirectoryHandle('chosen', { create: true }),
      });
    });
    await window.context.addInitScript(browserLike);
    const { page } = await (await openMachine(window, targetId)).connected();
    const panel = await FilesPanel.open(page);
    await panel.go(folder);
    await use(panel, folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}
