interface KeyboardLock {
  lock?: () => Promise<void>;
  unlock?: () => void;
}

/** In full screen the browser's own shortcuts reach the machine where the browser can do that (Keyboard Lock). */
export async function toggleFullScreen(toggle: () => Promise<void>, fullscreen: boolean): Promise<void> {
  const keyboard = (navigator as { keyboard?: KeyboardLock }).keyboard;
  await toggle();
  if (fullscreen) keyboard?.unlock?.();
  else await keyboard?.lock?.().catch(() => undefined);
}
