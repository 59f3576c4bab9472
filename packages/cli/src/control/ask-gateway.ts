import { randomBytes } from 'node:crypto';
import { rename, rm, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CommandFailure } from '../frame/exit-code.ts';
import { isMissing, readPrivateFile, writePrivateFile } from '../login/private-file.ts';
import { asGateway } from './as-owner.ts';
import { CONTROL_FOLDER, runningGateway } from './gateway-process.ts';

/** What the gateway does for whoever may write its data folder. Documented in docs/operating.md. */
export type ControlRequest =
  | {
      readonly kind: 'recover-user';
      readonly username: string;
      readonly enable: boolean;
      readonly resetFactors: boolean;
    }
  | { readonly kind: 'copy-database'; readonly keys: 'included' | 'left-out' };

/** What happened while no gateway could write it to the audit log; the next start does. */
export interface ControlNote {
  readonly action: 'backup.created' | 'backup.restored';
  readonly at: number;
  readonly detail: Readonly<Record<string, string | number | boolean>>;
}

interface Exchange {
  readonly dataDir: string;
  readonly now: () => number;
  readonly waitMs: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const VERSION = 1;
const REQUEST_LIFE_MS = 60_000;
const LOOK_EVERY_MS = 50;

function newId(): string {
  return randomBytes(16).toString('hex');
}

async function leave(dataDir: string, name: string, content: object): Promise<string> {
  const folder = join(dataDir, CONTROL_FOLDER);
  const path = join(folder, name);
  const pending = join(folder, `${name}.new`);
  await writePrivateFile(pending, JSON.stringify(content));
  await rename(pending, path);
  return path;
}

export async function leaveNote(dataDir: string, note: ControlNote): Promise<void> {
  await asGateway(dataDir, () => leave(dataDir, `${newId()}.note.json`, { version: VERSION, ...note }));
}

/** Hands a request to the running gateway and waits for its answer. The right to ask is the right to write the data folder. @throws CommandFailure */
export async function askGateway(
  request: ControlRequest,
  exchange: Exchange,
): Promise<Readonly<Record<string, unknown>>> {
  // Asked before the rights of root are laid down.
  const claimedBy = operator(exchange.env);
  return asGateway(exchange.dataDir, () => exchangeFiles({ ...request, claimedBy }, exchange));
}

/** For the audit log, which says that it is a claim. */
function operator(env: Exchange['env']): string {
  const sudo = env['SUDO_USER'];
  try {
    return `${userInfo().username}${sudo === undefined ? '' : ` (sudo of ${sudo})`}`.slice(0, 200);
  } catch {
    return `account ${process.getuid?.() ?? 'unknown'}`;
  }
}

async function exchangeFiles(
  request: ControlRequest & { readonly claimedBy: string },
  { dataDir, now, waitMs }: Exchange,
): Promise<Readonly<Record<string, unknown>>> {
  const gateway = await runningGateway(dataDir);
  if (gateway === undefined)
    throw new CommandFailure(
      4,
      `no gateway runs on ${dataDir}; start it and try again, or name the data folder of the one that runs`,
    );
  const id = newId();
  const at = now();
  const asked = await leave(dataDir, `${id}.request.json`, {
    version: VERSION,
    id,
    createdAt: at,
    expiresAt: at + Math.max(waitMs, REQUEST_LIFE_MS),
    ...request,
  });
  const answerPath = join(dataDir, CONTROL_FOLDER, `${id}.answer.json`);
  try {
    const deadline = performance.now() + waitMs;
    for (;;) {
      const text = await readPrivateFile(answerPath);
      if (text !== undefined) return readAnswer(text);
      if (performance.now() >= deadline)
        throw new CommandFailure(
          4,
          `the gateway (process ${gateway.pid}) did not answer within ${Math.round(waitMs / 1000)} s; its log says why`,
        );
      await pause(LOOK_EVERY_MS);
    }
  } finally {
    await Promise.all([rm(asked, { force: true }), rm(answerPath, { force: true })]);
  }
}

function readAnswer(text: string): Readonly<Record<string, unknown>> {
  const { ok, result, message, code } = JSON.parse(text) as Readonly<Record<string, unknown>>;
  if (ok === true && typeof result === 'object' && result !== null) return result as Readonly<Record<string, unknown>>;
  throw new CommandFailure(
    1,
    `${typeof message === 'string' ? message : 'the gateway refused'}${typeof code === 'string' ? ` (${code})` : ''}`,
  );
}

/** @throws CommandFailure where the folder is absent */
export async function requireFolder(path: string): Promise<void> {
  try {
    if (!(await stat(path)).isDirectory()) throw new CommandFailure(1, `${path} is no folder`);
  } catch (error) {
    if (isMissing(error)) throw new CommandFailure(1, `there is no folder ${path}`);
    throw error;
  }
}
