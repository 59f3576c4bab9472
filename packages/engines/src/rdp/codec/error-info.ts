/** errorInfo of a Set Error Info PDU. [MS-RDPBCGR] 2.2.5.1.1 */
const WORDS: Readonly<Record<number, string>> = {
  0x1: 'an administrator disconnected the session',
  0x2: 'an administrator signed the session out',
  0x3: 'the session was idle for too long',
  0x4: 'the session reached its longest time',
  0x5: 'the same account connected from elsewhere',
  0x6: 'the machine is out of memory',
  0x7: 'the machine denied the connection',
  0x9: 'the account lacks the right to sign in from afar',
  0xa: 'the machine wants the password anew',
  0xb: 'the session was disconnected on the machine',
  0xc: 'the session was signed out on the machine',
  0x10: 'the display driver of the machine stopped',
  0x17: 'the desktop manager of the machine stopped',
  0x18: 'the sign-in process of the machine stopped',
  0x19: 'a process of the session stopped',
  0x100: 'licensing failed on the machine',
  0x101: 'the machine finds no licence server',
  0x102: 'the machine has no licence left',
  0x400: 'the broker knows no machine for this account',
  0x408: 'the broker found no machine that is ready',
};
/** Ends that a person or an administrator of the machine chose. */
const CHOSEN = new Set([0x1, 0x2, 0xb, 0xc]);

export interface ErrorInfo {
  readonly code: number;
  readonly words: string;
  readonly isChosen: boolean;
}

export function errorInfo(code: number): ErrorInfo | undefined {
  if (code === 0) return undefined;
  return { code, words: WORDS[code] ?? `it says 0x${code.toString(16)}`, isChosen: CHOSEN.has(code) };
}
