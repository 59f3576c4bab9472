/** Which document of the interface a path opens. */
export type DocumentKind = 'shell' | 'session' | 'player';

const COMMON: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), bluetooth=(), hid=()',
};
const HSTS = { 'strict-transport-security': 'max-age=31536000' };

/** For everything that is no document: nothing may be loaded by it, nothing may frame it. */
export function plainHeaders(isTls: boolean): Readonly<Record<string, string>> {
  return { ...COMMON, ...(isTls ? HSTS : {}), 'content-security-policy': "default-src 'none'; frame-ancestors 'none'" };
}

/** Decoders of desktops are WebAssembly, served as files; the pages of the interface have none. */
const COMPILES_WASM: ReadonlySet<DocumentKind> = new Set(['session', 'player']);

export function contentSecurityPolicy(nonce: string, kind: DocumentKind): string {
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'${COMPILES_WASM.has(kind) ? " 'wasm-unsafe-eval'" : ''}`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self'",
    "manifest-src 'self'",
    "media-src 'self' blob:",
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types default',
  ].join('; ');
}

export interface DocumentFacts {
  readonly kind: DocumentKind;
  readonly nonce: string;
  readonly isTls: boolean;
}

export function documentHeaders({ kind, nonce, isTls }: DocumentFacts): Readonly<Record<string, string>> {
  const permissions = `${COMMON['permissions-policy'] ?? ''}, clipboard-read=(self), clipboard-write=(self), fullscreen=(self), keyboard-map=(self)`;
  return {
    ...COMMON,
    ...(isTls ? HSTS : {}),
    'permissions-policy': permissions,
    'content-security-policy': contentSecurityPolicy(nonce, kind),
    'cache-control': 'no-store',
    'content-type': 'text/html; charset=utf-8',
  };
}
