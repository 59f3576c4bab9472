import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** The stand-in of an account in a process of its own: whoever has its variables knows nothing else of it. */
export class AccountProcess implements AsyncDisposable {
  readonly variables: Readonly<Record<string, string>>;
  /** Ends it. Answers the names of the calls that it was called for. */
  readonly end: () => Promise<readonly string[]>;

  private constructor(variables: Readonly<Record<string, string>>, end: () => Promise<readonly string[]>) {
    this.variables = variables;
    this.end = end;
  }

  static async start(): Promise<AccountProcess> {
    const program = join(import.meta.dirname, 'account-program.ts');
    const child = spawn(process.execPath, ['--conditions=source', program], { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(child, 'exit');
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => {
      const { value, done } = await lines.next();
      if (done === true) throw new Error('the stand-in ended before it said what it is');
      return JSON.parse(value) as unknown;
    };
    const variables = (await next()) as Record<string, string>;
    let calls: Promise<readonly string[]> | undefined;
    return new AccountProcess(variables, () => {
      calls ??= (async () => {
        child.stdin.end();
        const called = (await next()) as readonly string[];
        await ended;
        return called;
      })();
      return calls;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}
