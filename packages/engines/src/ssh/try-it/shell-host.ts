export interface ShellOptions {
  readonly terminalType: string;
  readonly columns: number;
  readonly rows: number;
  /** Runs instead of an interactive shell. */
  readonly command?: string;
}

/** A shell and its terminal. */
export interface ShellProcess {
  onData(listener: (bytes: Uint8Array) => void): void;
  onExit(listener: (exit: { readonly exitCode: number; readonly signal?: number }) => void): void;
  write(bytes: Uint8Array): void;
  resize(columns: number, rows: number): void;
  pause(): void;
  resume(): void;
  hangUp(): void;
}

/** Where the throw-away machine gets its shells from. */
export interface ShellHost extends AsyncDisposable {
  /** Why a shell of this host harms nobody; for the log and the greeting. */
  readonly confinement: string;
  readonly isImitation: boolean;
  openShell(options: ShellOptions): ShellProcess;
}
