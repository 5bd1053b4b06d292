import { type RefObject, useCallback, useLayoutEffect, useRef, useState } from 'react';

const beyond = 12;

/**
 * Which rows of a long list are on screen, all of the same height: only those have elements.
 * @param shown the row that must be seen, and is scrolled to when it changes; -1 is none
 */
export const useWindow = (
  scroller: RefObject<HTMLElement | null>,
  total: number,
  rowHeight: number,
  shown: number,
) => {
  const [seen, setSeen] = useState({ from: 0, to: 0 });
  const look = useCallback((): void => {
    const element = scroller.current;
    if (!element) return;
    const from = Math.max(0, Math.floor(element.scrollTop / rowHeight) - beyond);
    const to = Math.min(
      total,
      Math.ceil((element.scrollTop + element.clientHeight) / rowHeight) + beyond,
    );
    setSeen((before) => (before.from === from && before.to === to ? before : { from, to }));
  }, [scroller, total, rowHeight]);
  const looked = useRef(look);
  looked.current = look;

  const bring = useCallback((): void => {
    const element = scroller.current;
    if (!element || shown < 0) return;
    const top = shown * rowHeight;
    const room = element.clientHeight - rowHeight;
    // Rows under the list's own head are not seen.
    if (top < element.scrollTop) element.scrollTop = Math.max(0, top - rowHeight);
    else if (top > element.scrollTop + room - rowHeight) element.scrollTop = top - room + rowHeight;
  }, [scroller, shown, rowHeight]);
  const brought = useRef(bring);
  brought.current = bring;

  useLayoutEffect(look, [look]);
  // Not when more comes: whoever has scrolled away reads there.
  useLayoutEffect(() => {
    bring();
    looked.current();
  }, [bring]);
  // A list that becomes smaller would leave the row outside.
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      brought.current();
      looked.current();
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [scroller]);

  return { ...seen, height: total * rowHeight, onScroll: look };
};
