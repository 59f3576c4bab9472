/** What the database's thread is asked; one answer for each, in any order. */
export type DatabaseRequest = { readonly id: number } & (
  | { readonly kind: 'open'; readonly file: string }
  | { readonly kind: 'execute'; readonly sql: string; readonly parameters: readonly unknown[] }
  | { readonly kind: 'copy'; readonly file: string }
  | { readonly kind: 'close' }
);

export interface Executed {
  readonly rows: readonly Record<string, unknown>[];
  readonly changes?: number;
  readonly lastInsertRowid?: number | bigint;
}

/** An error loses its code when it is cloned, so that its parts travel. */
export interface DatabaseFailure {
  readonly name: string;
  readonly message: string;
  readonly code: string | undefined;
}

export type DatabaseReply = { readonly id: number; readonly inTransaction: boolean } & (
  { readonly result: Executed | undefined } | { readonly failure: DatabaseFailure }
);
