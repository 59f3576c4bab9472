/** For argon2id, the library's default. */
export interface HashOptions {
  /** KiB */
  readonly memoryCost: number;
  readonly timeCost: number;
  readonly parallelism: number;
}

/** What a hashing thread is asked, one at a time. */
export type HashRequest =
  | { readonly kind: 'hash'; readonly password: string; readonly options: HashOptions }
  | { readonly kind: 'verify'; readonly password: string; readonly encoded: string };

export type HashReply = { readonly result: string | boolean } | { readonly failure: string };
