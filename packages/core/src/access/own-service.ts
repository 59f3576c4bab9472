/** Where a part of the product itself listens, which is no machine that anybody may open (T19). */
export interface OwnService {
  /** For the refusal: `the database`. */
  readonly what: string;
  /** As it is configured: a name or an address. */
  readonly host: string;
  readonly port: number;
  /** Whether its whole address is closed, or its port alone. */
  readonly closes: 'address' | 'port';
}
