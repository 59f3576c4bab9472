/** The packages and what each may import beside itself: the one table that feeds the checker and ARCHITECTURE.md. */
export const LAYERS = {
  core: [],
  contract: ['core'],
  engines: ['core'],
  adapters: ['core'],
  web: ['core', 'contract'],
  cli: ['core', 'contract'],
  gateway: ['core', 'contract', 'engines', 'adapters'],
};

/** A floor under what the checker must see: a checker that sees no edges reports no violations. */
export const FEWEST_EDGES = 200;
