import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { readdir, rm, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuditLog } from '@enchilada/core/audit';
import { type Fault, toFault } from '@enchilada/core/fault';
import type { Clock } from '@enchilada/core/time';
import { type ControlRequest, parseNote, parseRequest } from './control-message.ts';
import { folderProblem, openPrivateFolder, readOwnFile, writeOwnFile } from './private-file.ts';

const FOLDER = 'control';
const GATEWAY_FILE = 'gateway.json';
const VERSION = 1;
/** Where the file system says that something has come, this is for what it did not say. */
const LOOK_EVERY_MS = 2_000;
const LOOK_UNTOLD_MS = 400;
const LARGEST_MESSAGE = 4096;
const MESSAGE = /^([0-9a-f]{32})\.(request|note)\.json$/u;
/** What a start finds of those is left over from a crash; an answer that nobody fetched holds a link. */
const PASSING = /^[0-9a-f]{32}\.(?:answer\.json|copy)$|\.new$/u;
const ANSWER_KEPT_MS = 2 * 60_000;

export interface ControlActs {
  /** @throws Fault */
  recoverUser(request: ControlRequest & { readonly kind: 'recover-user' }): Promise<Readonly<Record<string, unknown>>>;
  /** @param file where a copy belongs, relative to the data folder. @throws Fault */
  copyDatabase(
    request: ControlRequest & { readonly kind: 'copy-database' },
    file: string,
  ): Promise<Readonly<Record<string, unknown>>>;
}

export interface ControlParts {
  readonly dataDir: string;
  readonly url: string;
  readonly audit: AuditLog;
  readonly acts: ControlActs;
  readonly clock: Clock;
  readonly report: (message: string, cause: unknown) => void;
}

/**
 * The gateway's ear for whoever may write its data folder: no port, no password, and no right that its account does not have anyway.
 * INVARIANT: a request is acted on once, because it is removed first, and only if the file can have been written by nobody else.
 */
export class ControlFolder implements AsyncDisposable {
  readonly #parts: ControlParts;
  readonly #path: string;
  readonly #refused = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  #looking: Promise<void> | undefined;
  #timer: Disposable | undefined;
  #watcher: FSWatcher | undefined;

  private constructor(parts: ControlParts) {
    this.#parts = parts;
    this.#path = join(parts.dataDir, FOLDER);
  }

  /** @throws Fault CONFIGURATION_INVALID where the folder is not this account's alone */
  static async open(parts: ControlParts): Promise<ControlFolder> {
    const folder = new ControlFolder(parts);
    await openPrivateFolder(folder.#path);
    for (const name of await readdir(folder.#path))
      if (PASSING.test(name)) await rm(join(folder.#path, name), { force: true });
    await writeOwnFile(
      join(folder.#path, GATEWAY_FILE),
      JSON.stringify({ version: VERSION, pid: process.pid, started: ownStartTime(), url: parts.url }),
    );
    folder.#watcher = folder.#watch();
    await folder.#look();
    folder.#timer = parts.clock.every(
      folder.#watcher === undefined ? LOOK_UNTOLD_MS : LOOK_EVERY_MS,
      () => void folder.#look(),
    );
    return folder;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#watcher?.close();
    this.#timer?.[Symbol.dispose]();
    await this.#looking;
    await Promise.all(this.#running);
    await rm(join(this.#path, GATEWAY_FILE), { force: true });
  }

  /** Undefined where the system has no more watches to give. */
  #watch(): FSWatcher | undefined {
    try {
      const watcher = watch(this.#path, { persistent: false }, (_kind, name) => {
        if (name === null || MESSAGE.test(name)) void this.#lookAgain();
      });
      // The looks on a timer go on.
      watcher.on('error', () => {
        watcher.close();
      });
      return watcher;
    } catch {
      return undefined;
    }
  }

  /** What has come may be news to a look that is under way. */
  async #lookAgain(): Promise<void> {
    await this.#looking;
    await this.#look();
  }

  #look(): Promise<void> {
    this.#looking ??= this.#readAll()
      .catch((cause: unknown) => {
        this.#parts.report('the control folder could not be read', cause);
      })
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #readAll(): Promise<void> {
    const names = await readdir(this.#path);
    const messages = names.filter((name) => MESSAGE.test(name) && !this.#refused.has(name));
    await this.#sweepAnswers(names);
    if (messages.length === 0) return;
    const problem = await folderProblem(this.#path);
    if (problem !== undefined) throw new Error(`the control folder ${problem}; nothing in it is acted on`);
    for (const name of messages) await this.#take(name);
  }

  async #sweepAnswers(names: readonly string[]): Promise<void> {
    for (const name of names.filter((one) => one.endsWith('.answer.json'))) {
      const path = join(this.#path, name);
      const found = await stat(path).catch(() => undefined);
      if (found !== undefined && this.#parts.clock.now() - found.mtimeMs > ANSWER_KEPT_MS)
        await rm(path, { force: true });
    }
  }

  async #take(name: string): Promise<void> {
    const [, id = '', kind = ''] = MESSAGE.exec(name) ?? [];
    const path = join(this.#path, name);
    try {
      const text = await readOwnFile(path, LARGEST_MESSAGE);
      if (kind === 'note') {
        await this.#keepNote(text);
        await unlink(path);
        return;
      }
      await unlink(path);
      const request = parseRequest(text, { id, now: this.#parts.clock.now() });
      // A copy may take minutes; a recovery does not wait for it.
      const act = this.#act(id, request).finally(() => this.#running.delete(act));
      this.#running.add(act);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return;
      await this.#refuse(name, cause);
    }
  }

  async #act(id: string, request: ControlRequest): Promise<void> {
    const { acts, report } = this.#parts;
    let answer: object;
    try {
      const result =
        request.kind === 'recover-user'
          ? await acts.recoverUser(request)
          : await acts.copyDatabase(request, `${FOLDER}/${id}.copy`);
      answer = { ok: true, result };
    } catch (cause) {
      const fault: Fault = toFault(cause);
      if (fault.code === 'INTERNAL') report(`the ${request.kind} of the control folder failed`, cause);
      answer = { ok: false, code: fault.code, message: fault.message };
    }
    await this.#answer(id, answer);
  }

  async #answer(id: string, answer: object): Promise<void> {
    await writeOwnFile(
      join(this.#path, `${id}.answer.json`),
      JSON.stringify({ version: VERSION, id, ...answer }),
    ).catch((cause: unknown) => {
      this.#parts.report('an answer could not be written to the control folder', cause);
    });
  }

  async #keepNote(text: string): Promise<void> {
    const { action, at, detail } = parseNote(text);
    await this.#parts.audit.append({
      action,
      actor: { kind: 'system', name: FOLDER },
      outcome: 'success',
      reason: 'noted by the command line while the gateway was stopped',
      detail: { ...detail, notedAt: new Date(at).toISOString() },
    });
  }

  async #refuse(name: string, cause: unknown): Promise<void> {
    const reason = cause instanceof Error ? cause.message : String(cause);
    this.#refused.add(name);
    this.#parts.report(`${FOLDER}/${name} was refused: ${reason}`, cause);
    await this.#parts.audit.append({
      action: 'access.denied',
      actor: { kind: 'system', name: FOLDER },
      object: { kind: 'control-message', id: name },
      outcome: 'denied',
      reason: reason.slice(0, 500),
    });
    await rm(join(this.#path, name), { force: true }).catch(() => undefined);
    const [, id = '', kind] = MESSAGE.exec(name) ?? [];
    if (kind === 'request')
      await this.#answer(id, { ok: false, code: 'INVALID_REQUEST', message: `the request was refused: ${reason}` });
  }
}

/** Field 22 of /proc/self/stat, because process ids come round again. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function ownStartTime(): string {
  try {
    const text = readFileSync('/proc/self/stat', 'latin1');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
