/**
 * Keeps the session within the part of the page that can be seen, until it is told to stop. A keyboard on the screen makes the page
 * itself smaller where the browser heeds `interactive-widget=resizes-content`; Safari lays it over the page, and only the visual viewport
 * tells. https://drafts.csswg.org/cssom-view/#visualviewport
 */
export function followVisiblePart(): () => void {
  const part = window.visualViewport;
  if (part === null) return () => undefined;
  const { style } = document.documentElement;
  const set = (above: number, below: number): void => {
    style.setProperty('--covered-above', `${Math.max(0, Math.round(above))}px`);
    style.setProperty('--covered-below', `${Math.max(0, Math.round(below))}px`);
  };
  const follow = (): void => {
    // Whoever magnifies the page sees part of it by their own wish.
    if (Math.abs(part.scale - 1) > 0.01) set(0, 0);
    else set(part.offsetTop, window.innerHeight - part.offsetTop - part.height);
  };
  const listening = new AbortController();
  for (const type of ['resize', 'scroll']) part.addEventListener(type, follow, { signal: listening.signal });
  follow();
  return () => {
    listening.abort();
    set(0, 0);
  };
}
