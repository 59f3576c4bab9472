import { readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const COMPRESSIBLE = /\.(?:js|css|svg|json|wasm)$/u;
const SMALLEST_COMPRESSED = 1024;

/**
 * Writes `x.br` and `x.gz` beside each file, so that the gateway only sends. Documents carry a nonce per request and stay as they are.
 * Vite changes chunks until they are on the disk, so the files are what is compressed.
 */
function precompress(): Plugin {
  return {
    name: 'precompress',
    apply: 'build',
    async writeBundle({ dir = '' }, bundle) {
      for (const name of Object.keys(bundle)) {
        if (!COMPRESSIBLE.test(name)) continue;
        const file = join(dir, name);
        const source = await readFile(file);
        if (source.length < SMALLEST_COMPRESSED) continue;
        await writeFile(`${file}.gz`, gzipSync(source, { level: 9 }));
        await writeFile(`${file}.br`, brotliCompressSync(source, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
      }
    },
  };
}

/** The documents that the gateway answers under paths of their own. */
const DOCUMENTS: readonly (readonly [prefix: RegExp, document: string])[] = [
  [/^\/s\//u, '/session.html'],
  [/^\/r\//u, '/player.html'],
];

function documents(): Plugin {
  const rewrite = (request: { url?: string | undefined }, _response: unknown, next: () => void): void => {
    const url = request.url ?? '/';
    const found = DOCUMENTS.find(([prefix]) => prefix.test(url));
    if (found !== undefined) request.url = found[1];
    next();
  };
  return {
    name: 'documents',
    configureServer: (server) => void server.middlewares.use(rewrite),
    configurePreviewServer: (server) => void server.middlewares.use(rewrite),
  };
}

const gateway = process.env['ENCHILADA_GATEWAY'] ?? 'http://localhost:8080';
const proxy = { '/api': { target: gateway, ws: true } };

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), documents(), precompress()],
  resolve: { conditions: ['source', 'module', 'browser', 'development|production'] },
  server: { proxy },
  preview: { proxy },
  worker: { format: 'es' },
  build: {
    target: 'es2023',
    sourcemap: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        index: resolve(import.meta.dirname, 'index.html'),
        session: resolve(import.meta.dirname, 'session.html'),
        player: resolve(import.meta.dirname, 'player.html'),
      },
    },
  },
});
