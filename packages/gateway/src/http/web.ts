import { readdir, readFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { extname, join, relative, sep } from 'node:path';
import { Fault } from '@enchilada/core/fault';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type DocumentKind, documentHeaders } from './security-headers.ts';

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
};
const ENCODINGS = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;
const PLACEHOLDER = '__CSP_NONCE__';
const DOCUMENT_FILES: Readonly<Record<DocumentKind, string>> = {
  shell: 'index.html',
  session: 'session.html',
  player: 'player.html',
};

interface Asset {
  readonly mediaType: string;
  readonly bytes: Buffer;
  readonly encoded: ReadonlyMap<string, Buffer>;
}

/** The built interface, read once: documents by kind, everything else by its path. */
export interface WebFiles {
  readonly documents: Readonly<Record<DocumentKind, string>>;
  readonly assets: ReadonlyMap<string, Asset>;
}

/** Undefined where the interface was not built. */
export async function readWebFiles(folder: string): Promise<WebFiles | undefined> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = new Map<string, Buffer>();
  for (const entry of entries) {
    if (!entry.isFile() || entry.name.startsWith('.')) continue;
    const path = join(entry.parentPath, entry.name);
    files.set(`/${relative(folder, path).split(sep).join('/')}`, await readFile(path));
  }
  const shell = files.get('/index.html')?.toString('utf8');
  if (shell === undefined) return undefined;
  const document = (kind: DocumentKind): string => files.get(`/${DOCUMENT_FILES[kind]}`)?.toString('utf8') ?? shell;
  const assets = new Map<string, Asset>();
  for (const [path, bytes] of files) {
    const mediaType = MEDIA_TYPES[extname(path)];
    if (mediaType === undefined) continue;
    const encoded = ENCODINGS.flatMap(([encoding, suffix]) => {
      const packed = files.get(`${path}${suffix}`);
      return packed === undefined ? [] : [[encoding, packed] as const];
    });
    assets.set(path, { mediaType, bytes, encoded: new Map(encoded) });
  }
  return { documents: { shell: document('shell'), session: document('session'), player: document('player') }, assets };
}

function kindOf(path: string): DocumentKind {
  if (path.startsWith('/s/')) return 'session';
  return path.startsWith('/r/') ? 'player' : 'shell';
}

function sendAsset(
  request: FastifyRequest,
  reply: FastifyReply,
  { asset, path }: { readonly asset: Asset; readonly path: string },
): FastifyReply {
  // Vite puts a hash of the content into every name below /assets.
  reply
    .header(
      'cache-control',
      path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'public, max-age=3600',
    )
    .header('vary', 'accept-encoding');
  // RFC 9110 section 12.5.3: a weight of zero refuses.
  const accepted = String(request.headers['accept-encoding'] ?? '')
    .split(',')
    .map((part) => part.split(';').map((word) => word.trim()))
    .filter(([, weight = '']) => !/^q=0(?:\.0*)?$/iu.test(weight))
    .map(([name]) => name);
  const [encoding] = ENCODINGS.find(([name]) => accepted.includes(name) && asset.encoded.has(name)) ?? [];
  reply.type(asset.mediaType);
  return encoding === undefined
    ? reply.send(asset.bytes)
    : reply.header('content-encoding', encoding).send(asset.encoded.get(encoding));
}

/** Serves the interface: assets as they are, any other path as the document of its kind with a nonce of its own. */
export function serveWeb(app: FastifyInstance, files: WebFiles, isTls: boolean): void {
  app.get('/*', { config: { access: 'public', beforeBootstrap: true, fromAnywhere: true } }, (request, reply) => {
    const path = request.url.split('?')[0] ?? '/';
    const asset = files.assets.get(path);
    if (asset !== undefined) return sendAsset(request, reply, { asset, path });
    if (path.startsWith('/api/') || path.startsWith('/assets/'))
      throw new Fault('NOT_FOUND', 'nothing lives at this address');
    const kind = kindOf(path);
    const nonce = randomBytes(16).toString('base64');
    return reply
      .headers(documentHeaders({ kind, nonce, isTls }))
      .send(files.documents[kind].replaceAll(PLACEHOLDER, nonce));
  });
}
