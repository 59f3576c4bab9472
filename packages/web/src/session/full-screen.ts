interface KeyboardLock {
  lock?: () => Promise<void>;
  unlock?: () => void;
}

/**
 * In full screen the browser's own shortcuts reach the machine where the browser can do that, all of them: `lock` without codes. What ends
 * full screen, a button or the browser's own way out, gives them back. https://wicg.github.io/keyboard-lock/
 */
export async function toggleFullScreen(toggle: () => Promise<void>, fullscreen: boolean): Promise<void> {
  await toggle();
  const keyboard = (navigator as { keyboard?: KeyboardLock }).keyboard;
  if (fullscreen || keyboard === undefined || document.fullscreenElement === null) return;
  const giveBack = (): void => {
    if (document.fullscreenElement !== null) return;
    document.removeEventListener('fullscreenchange', giveBack);
    keyboard.unlock?.();
  };
  document.addEventListener('fullscreenchange', giveBack);
  await keyboard.lock?.().catch(() => undefined);
}
