import type { LocalFile } from '../../files/dropped.ts';

/** A file that somebody on the machine has copied. */
export interface CopiedFile {
  readonly index: number;
  /** Untrusted, as `folder` is. */
  readonly name: string;
  /** Where it lies in what was copied, behind slashes. */
  readonly folder: string;
  /** 0 also where the machine does not say. */
  readonly size: number;
}

/** A clipboard that can hold files. */
export interface ClipboardFiles {
  /** Puts files on the machine's clipboard, in place of what is there. Answers those that it cannot hold. */
  offer(files: readonly LocalFile[]): readonly LocalFile[];
  /** What was offered is not given any more. */
  withdraw(): void;
  /** The bytes of a file that was copied on the machine, in order. @throws ClipboardFault */
  contents(file: CopiedFile, signal: AbortSignal): AsyncGenerator<Uint8Array, void>;
}

/** `changed`: the file is another one, `gone`: the clipboard or the connection is. */
export type ClipboardTrouble = 'refused' | 'changed' | 'silent' | 'gone' | 'disk';

export class ClipboardFault extends Error {
  readonly trouble: ClipboardTrouble;

  constructor(trouble: ClipboardTrouble) {
    super(trouble);
    this.trouble = trouble;
  }
}
