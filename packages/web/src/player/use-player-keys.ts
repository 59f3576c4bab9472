import { useEffect } from 'react';
import type { Played } from './use-playback.ts';

/** The keys of the whole document: those of a field, a button or the time line stay theirs. */
export function usePlayerKeys(
  { playback, state }: Played,
  acts: { readonly toggle: () => void; readonly search: (() => void) | undefined },
): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const within = (roles: string): boolean =>
        event.target instanceof HTMLElement && event.target.closest(roles) !== null;
      if (event.ctrlKey || event.metaKey || event.altKey || within('input, [role=option]')) return;
      const arrow = event.key === 'ArrowRight' ? 5000 : event.key === 'ArrowLeft' ? -5000 : 0;
      if (event.key === ' ' && !within('button, a')) {
        event.preventDefault();
        acts.toggle();
      } else if (arrow !== 0 && !within('[role=slider]')) playback?.seek(state.positionMs + arrow);
      else if (event.key === '/' && acts.search !== undefined) {
        event.preventDefault();
        acts.search();
      }
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  });
}
