/** What `enchilada` answers to the shell. `enchilada verify` and `recordings verify` have codes of their own, from 10 on. */
export const EXIT_CODES = {
  0: 'done',
  1: 'the command could not be carried out; the reason is on standard error',
  2: 'the command line is wrong',
  3: 'not signed in, or the sign-in was refused',
  4: 'the server cannot be reached',
  5: 'the command ran and found something wrong (doctor, config check, audit verify)',
} as const;
export type ExitCode = keyof typeof EXIT_CODES;

/** A failure that the person can act on; anything else thrown is a defect. */
export class CommandFailure extends Error {
  readonly exitCode: ExitCode;

  constructor(exitCode: ExitCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CommandFailure';
    this.exitCode = exitCode;
  }
}

export function usage(message: string): CommandFailure {
  return new CommandFailure(2, message);
}
