import { type RefObject, useEffect, useRef } from 'react';

/**
 * For a field whose options are replaced while one of them is active: the field goes on naming that one (`aria-activedescendant`), which is there no
 * more, and a screen reader has nothing to say. The next key that makes an option active names it anew.
 */
export function useActiveOption(): RefObject<HTMLInputElement | null> {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const active = field.current?.getAttribute('aria-activedescendant');
    if (typeof active === 'string' && document.getElementById(active) === null)
      field.current?.removeAttribute('aria-activedescendant');
  });
  return field;
}
