export function isApple(): boolean {
  return /mac|iphone|ipad/iu.test(navigator.userAgent);
}

/** Opens a document of its own; the opener keeps no handle on it. */
export function openTab(path: string): void {
  window.open(path, '_blank', 'noopener');
}

/** An address with its port; IPv6 in brackets (RFC 3986, 3.2.2). */
export function hostPort(place: { readonly host: string; readonly port: number }): string {
  return `${place.host.includes(':') ? `[${place.host}]` : place.host}:${place.port}`;
}

/** An open session, to use it or to look on. */
export const joinPath = (sessionId: string, mode: 'control' | 'watch'): string =>
  `/s/${sessionId}${mode === 'watch' ? '?watch=1' : ''}`;

export const sessionPath = (targetId: string, viewOnly = false): string =>
  `/s/new?target=${encodeURIComponent(targetId)}${viewOnly ? '&view-only=1' : ''}`;
