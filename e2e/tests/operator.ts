import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ran, runCommand, runJson } from '../fixtures/command.ts';
import { ADMIN, type Site } from './site.ts';

/** The administrator at a command line that has signed in. */
export class Operator implements AsyncDisposable {
  /** Its working directory. */
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async at(site: Site): Promise<Operator> {
    const operator = new Operator(await mkdtemp(join(tmpdir(), 'enchilada-operator-')));
    const [password, code] = [join(operator.folder, 'password'), join(operator.folder, 'code')];
    await writeFile(password, `${ADMIN.password}\n`, { mode: 0o600 });
    await site.admin.enrolPasskey(ADMIN.username);
    const { recoveryCodes } = await site.admin.api.renewRecoveryCodes();
    await writeFile(code, `${recoveryCodes[0] ?? ''}\n`, { mode: 0o600 });
    const files = ['--password-file', password, '--code-file', code];
    const { exitCode, stderr } = await operator.run('login', site.gateway.url, ADMIN.username, ...files);
    if (exitCode !== 0) throw new Error(`the command line could not sign in: ${stderr}`);
    return operator;
  }

  run(...words: readonly string[]): Promise<Ran> {
    return runCommand(this.folder, words);
  }

  /** The answer of a command that must succeed. */
  json(...words: readonly string[]): Promise<Record<string, unknown>> {
    return runJson(this.folder, words);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}
