// Bundles the Lambda form of discovery's event processor into one folder to be zipped: node tools/bundle-lambda.mjs [FOLDER]
import { join, resolve } from 'node:path';
import { build } from 'vite';

const root = join(import.meta.dirname, '..');

/** @param outDir takes index.mjs, whose `handler` the function names: `index.handler`. */
export async function bundleLambda(outDir) {
  await build({
    configFile: false,
    root,
    logLevel: 'warn',
    // Drivers of Node's own parts load each other by names that only Node knows; everything else goes in.
    ssr: {
      noExternal: true,
      target: 'node',
      resolve: { conditions: ['source', 'node', 'module', 'import', 'default'] },
    },
    resolve: { conditions: ['source'] },
    build: {
      ssr: join(root, 'packages/gateway/src/lambda.ts'),
      outDir,
      emptyOutDir: false,
      minify: false,
      target: 'node24',
      rolldownOptions: {
        external: ['pg-native', 'cloudflare:sockets'],
        output: { entryFileNames: 'index.mjs', chunkFileNames: '[name]-[hash].mjs' },
      },
    },
  });
}

if (process.argv[1] === import.meta.filename) {
  const folder = resolve(process.argv[2] ?? 'lambda');
  await bundleLambda(folder);
  console.log(`Zip what is in ${folder}; the handler is index.handler, the runtime nodejs24.x.`);
}
