import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { resolve } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

const COMPRESSIBLE = /\.(?:js|css|svg|html|json|wasm)$/u;

/** Writes `x.br` and `x.gz` beside each file, so that the gateway only sends. Documents carry a nonce per request and stay as they are. */
function precompress(): Plugin {
  return {
    name: 'precompress',
    apply: 'build',
    enforce: 'post',
    generateBundle(_options, bundle) {
      for (const [name, output] of Object.entries(bundle)) {
        if (!COMPRESSIBLE.test(name) || name.endsWith('.html')) continue;
        const source = Buffer.from(output.type === 'chunk' ? output.code : output.source);
        if (source.length < 1024) continue;
        this.emitFile({ type: 'asset', fileName: `${name}.gz`, source: gzipSync(source, { level: 9 }) });
        this.emitFile({
          type: 'asset',
          fileName: `${name}.br`,
          source: brotliCompressSync(source, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
        });
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
      input: { index: resolve(import.meta.dirname, 'index.html'), session: resolve(import.meta.dirname, 'session.html'), player: resolve(import.meta.dirname, 'player.html') },
    },
  },
});
