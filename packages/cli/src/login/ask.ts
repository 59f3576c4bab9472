import { Secret } from '@enchilada/core/credential';
import { readFile } from 'node:fs/promises';
import { text as readText } from 'node:stream/consumers';
import { CommandFailure, usage } from '../frame/exit-code.ts';
import type { Io, TerminalInput } from '../frame/io.ts';

const ENTER = ['\r', '\n'];
const ERASE = ['\u007f', '\b'];
const CANCEL = ['\u0003', '\u0004', '\u001b'];
const KILL_LINE = '\u0015';

/** Reads keys until Enter. Nothing is echoed unless `echo` says so. */
async function readLine(io: Io, question: string, echo: 'shown' | 'hidden'): Promise<string> {
  const { stdin, stderr } = io;
  stderr.write(question);
  stdin.setRawMode?.(true);
  try {
    return await lineOf(stdin, echo === 'shown' ? (text) => void stderr.write(text) : () => undefined);
  } finally {
    stdin.setRawMode?.(false);
    stdin.pause();
    stderr.write('\n');
  }
}

function lineOf(stdin: TerminalInput, echo: (text: string) => void): Promise<string> {
  const typed: string[] = [];
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      stdin.off('data', hear);
      stdin.off('end', cancelled);
    };
    const cancelled = (): void => {
      stop();
      reject(new CommandFailure(1, 'cancelled'));
    };
    const hear = (keys: Buffer | string): void => {
      for (const key of keys.toString()) {
        if (ENTER.includes(key)) {
          stop();
          resolve(typed.join(''));
          return;
        }
        if (CANCEL.includes(key)) {
          cancelled();
          return;
        }
        if (key === KILL_LINE) typed.length = 0;
        else if (ERASE.includes(key)) typed.pop();
        else if (key >= ' ') {
          typed.push(key);
          echo(key);
        }
      }
    };
    stdin.on('data', hear);
    stdin.on('end', cancelled);
    stdin.resume();
  });
}

export function isTerminal(io: Io): boolean {
  return io.stdin.isTTY === true && io.stderr.isTTY === true;
}

/** From the file, from the keyboard without echo, or from standard input. Never from the command line, which other users of a machine can see. */
export async function askPassword(io: Io, question: string, file: string | undefined): Promise<Secret> {
  if (file === undefined && isTerminal(io)) return new Secret(await readLine(io, `${question}: `, 'hidden'));
  const text = file === undefined || file === '-' ? await readText(io.stdin) : await readFile(file, 'utf8');
  const password = text.replace(/\r?\n$/u, '');
  if (password === '' || /[\r\n]/u.test(password))
    throw usage(`the password must be one line, received ${password === '' ? 'nothing' : 'several'}`);
  return new Secret(password);
}

/** True where a person at the keyboard typed yes. */
export async function confirm(io: Io, question: string): Promise<boolean> {
  return isTerminal(io) && /^(?:y|yes)$/iu.test((await readLine(io, `${question} [y/N] `, 'shown')).trim());
}
