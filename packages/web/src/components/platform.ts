export function isApple(): boolean {
  return /mac|iphone|ipad/iu.test(navigator.userAgent);
}

/** Opens a document of its own; the opener keeps no handle on it. */
export function openTab(path: string): void {
  window.open(path, '_blank', 'noopener');
}

export const sessionPath = (targetId: string): string => `/s/new?target=${encodeURIComponent(targetId)}`;
