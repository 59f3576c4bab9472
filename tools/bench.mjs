// The figures of e2e/bench, with what they need of Debian.
import { bringPackages } from './packages.mjs';

if (!process.argv.includes('--help') && !bringPackages()) process.exit(1);
await import('../e2e/bench/main.ts');
