import { rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CommandFailure } from '../frame/exit-code.ts';
import type { Io } from '../frame/io.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

/** What `enchilada login` leaves behind: one login at a time. */
export interface StoredLogin {
  readonly url: string;
  readonly username: string;
  /** `NAME=VALUE`, as the server set it. */
  readonly cookie: string;
  /** An API token instead of a cookie; never kept in the file. */
  readonly token?: string;
  /** PEM text of the certificate authority that was named at login. */
  readonly ca?: string;
}

/** Below `XDG_CONFIG_HOME`. https://specifications.freedesktop.org/basedir-spec/latest/ */
export function loginFile(env: Io['env']): string {
  const { XDG_CONFIG_HOME: configured, HOME: home } = env;
  const base = configured !== undefined && configured.startsWith('/') ? configured : join(home ?? homedir(), '.config');
  return join(base, 'enchilada', 'login.json');
}

export async function readLogin(env: Io['env']): Promise<StoredLogin | undefined> {
  const path = loginFile(env);
  const text = await readPrivateFile(path);
  if (text === undefined) return undefined;
  try {
    const { url, username, cookie, ca } = JSON.parse(text) as Partial<StoredLogin>;
    if (typeof url === 'string' && typeof username === 'string' && typeof cookie === 'string') {
      return { url, username, cookie, ...(typeof ca === 'string' ? { ca } : {}) };
    }
  } catch {
    // Said below, as for any other content that is no login.
  }
  throw new CommandFailure(3, `${path} holds no login; sign in with enchilada login`);
}

export async function writeLogin(env: Io['env'], login: StoredLogin): Promise<void> {
  await writePrivateFile(loginFile(env), `${JSON.stringify(login)}\n`);
}

export async function forgetLogin(env: Io['env']): Promise<void> {
  await rm(loginFile(env), { force: true });
}
