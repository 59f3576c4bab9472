import { randomInt } from 'node:crypto';

const [LOWEST, HIGHEST] = [1_000, 50_000];

/**
 * A display that no other server has. INVARIANT: not the lowest that is free, for a server that ends removes the socket of its
 * number, also where another has taken the number meanwhile.
 */
export function ownDisplay(): string {
  return `:${randomInt(LOWEST, HIGHEST)}`;
}
