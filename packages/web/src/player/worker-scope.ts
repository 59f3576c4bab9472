/** The headless terminal (@xterm/headless 6.0.0) asks `window` for idle callbacks; in a worker the global scope has the other name. */
Object.assign(globalThis, { window: globalThis });
