import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { LogDocument } from './log-document.ts';

export const lineHeight = 24;
const beyond = 20;
/**
 * Browsers stop growing an element at about 17 million px: so many lines stand in the scroller at
 * once, and move on with it.
 */
const windowLines = 400_000;

/**
 * Which lines are on screen. Only those have elements; all have the same height, so that the
 * millionth is found by division. Being at the end is the one thing that follow means.
 */
export const useLines = (
  scroller: RefObject<HTMLElement | null>,
  log: LogDocument,
  total: number,
  startAt: number | null,
) => {
  const [base, setBase] = useState(0);
  const [seen, setSeen] = useState({ from: 1, to: 0 });
  const [isAtEnd, setAtEnd] = useState(startAt === null);
  const unseenFrom = useRef(0);
  const wanted = useRef<{ top: number | 'end' } | null>({ top: 'end' });
  const rows = Math.min(total - base, windowLines);

  const look = useCallback((): void => {
    const element = scroller.current;
    // Of an empty log nothing can be said yet, least of all where its reader is.
    if (!element || total === 0) return;
    const from = base + Math.max(0, Math.floor(element.scrollTop / lineHeight) - beyond) + 1;
    const to = Math.min(
      total,
      base + Math.ceil((element.scrollTop + element.clientHeight) / lineHeight) + beyond,
    );
    setSeen((before) => (before.from === from && before.to === to ? before : { from, to }));
    const end =
      base + rows >= total && element.scrollTop + element.clientHeight >= rows * lineHeight - 4;
    setAtEnd(end);
    if (end) unseenFrom.current = total;
  }, [scroller, base, total, rows]);

  const jump = useCallback(
    (line: number): void => {
      const element = scroller.current;
      const to = Math.min(Math.max(1, line), Math.max(1, total));
      const next = Math.min(Math.max(0, to - windowLines / 2), Math.max(0, total - windowLines));
      wanted.current = {
        top: Math.max(0, (to - 1 - next) * lineHeight - (element?.clientHeight ?? 0) / 3),
      };
      setAtEnd(false);
      setBase(next);
      setSeen({ from: Math.max(1, to - beyond), to: Math.min(total, to + beyond * 2) });
    },
    [scroller, total],
  );
  const toEnd = useCallback((): void => {
    wanted.current = { top: 'end' };
    unseenFrom.current = total;
    setAtEnd(true);
    setBase(Math.max(0, total - windowLines));
    setSeen((before) => ({ ...before }));
  }, [total]);

  // A link to a line goes there once its log is known; without one, the end is where something
  // happened.
  const isPlaced = useRef(false);
  useLayoutEffect(() => {
    if (total === 0 || isPlaced.current) return;
    isPlaced.current = true;
    if (startAt === null) toEnd();
    else jump(startAt);
  }, [total, startAt, jump, toEnd]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const { current } = wanted;
    if (current) {
      wanted.current = null;
      element.scrollTop = current.top === 'end' ? element.scrollHeight : current.top;
    } else if (isAtEnd) element.scrollTop = element.scrollHeight;
    look();
  }, [total, base, seen]);
  useEffect(() => {
    if (isAtEnd) setBase(Math.max(0, total - windowLines));
  }, [isAtEnd, total]);
  useEffect(() => log.want(seen.from, seen.to));

  const onScroll = (): void => {
    const element = scroller.current;
    if (!element) return;
    const shift = windowLines / 2;
    if (element.scrollTop < lineHeight && base > 0) {
      const next = Math.max(0, base - shift);
      wanted.current = { top: element.scrollTop + (base - next) * lineHeight };
      setBase(next);
    } else if (
      base + rows < total &&
      element.scrollTop + element.clientHeight > rows * lineHeight - lineHeight
    ) {
      const next = Math.min(total - windowLines, base + shift);
      wanted.current = { top: element.scrollTop - (next - base) * lineHeight };
      setBase(next);
    }
    look();
  };
  return {
    ...seen,
    base,
    height: Math.max(rows, 0) * lineHeight,
    isAtEnd,
    unseen: isAtEnd ? 0 : Math.max(0, total - unseenFrom.current),
    jump,
    toEnd,
    onScroll,
  };
};
