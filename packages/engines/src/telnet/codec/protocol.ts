/** Commands and options by the names of their specifications ([RFC 854](https://www.rfc-editor.org/rfc/rfc854) and those named beside the options). */
export const NUL = 0;
export const LF = 10;
export const CR = 13;

export const SE = 240;
export const SB = 250;
export const IAC = 255;

export const VERBS = { WILL: 251, WONT: 252, DO: 253, DONT: 254 } as const;
export type Verb = keyof typeof VERBS;

export const OPTION = {
  /** [RFC 856](https://www.rfc-editor.org/rfc/rfc856) */
  BINARY: 0,
  /** [RFC 857](https://www.rfc-editor.org/rfc/rfc857) */
  ECHO: 1,
  /** Suppress go-ahead, [RFC 858](https://www.rfc-editor.org/rfc/rfc858) */
  SGA: 3,
  /** Terminal type, [RFC 1091](https://www.rfc-editor.org/rfc/rfc1091) */
  TTYPE: 24,
  /** Window size, [RFC 1073](https://www.rfc-editor.org/rfc/rfc1073) */
  NAWS: 31,
  /** [RFC 1572](https://www.rfc-editor.org/rfc/rfc1572) */
  NEW_ENVIRON: 39,
} as const;

/** First byte of a subnegotiation of TTYPE and NEW-ENVIRON. */
export const IS = 0;
export const SEND = 1;

export function isVerb(byte: number): Verb | undefined {
  switch (byte) {
    case VERBS.WILL:
      return 'WILL';
    case VERBS.WONT:
      return 'WONT';
    case VERBS.DO:
      return 'DO';
    case VERBS.DONT:
      return 'DONT';
    default:
      return undefined;
  }
}
