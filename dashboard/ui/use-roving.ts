import { type KeyboardEvent, useRef, useState } from 'react';

/**
 * Many small things as one stop of the Tab key: arrows, Home and End move along the links inside
 * `ref`. The last one is the stop until another was focused.
 */
export const useRoving = <T extends HTMLElement>(count: number) => {
  const ref = useRef<T>(null);
  const [at, setAt] = useState<number | null>(null);
  const current = Math.min(at ?? count - 1, count - 1);
  return {
    ref,
    tabIndexOf: (index: number): 0 | -1 => (index === current ? 0 : -1),
    onFocusOf: (index: number) => () => setAt(index),
    onKeyDown: (event: KeyboardEvent): void => {
      const to = { ArrowLeft: current - 1, ArrowRight: current + 1, Home: 0, End: count - 1 }[
        event.key
      ];
      if (to === undefined) return;
      event.preventDefault();
      ref.current?.querySelectorAll('a')[Math.min(count - 1, Math.max(0, to))]?.focus();
    },
  };
};
