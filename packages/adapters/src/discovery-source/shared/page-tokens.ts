import { Fault } from '@enchilada/core/fault';

/** The tokens of a listing's pages, as they are answered. INVARIANT: a service that repeats itself ends the listing with a fault, not never. */
export class PageTokens {
  readonly #service: string;
  readonly #passed = new Set<string>();

  constructor(service: string) {
    this.#service = service;
  }

  /** Undefined behind the last page. @throws Fault DISCOVERY_FAILED */
  next(token: string | undefined): string | undefined {
    if (token === undefined || token === '') return undefined;
    if (this.#passed.has(token))
      throw new Fault('DISCOVERY_FAILED', `${this.#service} answered the same page token twice`);
    this.#passed.add(token);
    return token;
  }
}
