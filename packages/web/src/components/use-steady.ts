import { useCallback, useLayoutEffect, useRef } from 'react';

/** The same function in each rendering, which does what the latest says: what is given it need not be drawn again because of it. */
export function useSteady<Args extends readonly unknown[]>(act: (...args: Args) => void): (...args: Args) => void {
  const latest = useRef(act);
  useLayoutEffect(() => {
    latest.current = act;
  });
  return useCallback((...args: Args) => latest.current(...args), []);
}
