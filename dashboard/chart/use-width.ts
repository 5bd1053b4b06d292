import { type RefObject, useLayoutEffect, useState } from 'react';

/** How wide the frame of a chart is; 0 until that is known, and the last width while it is hidden. */
export const useWidth = (frame: RefObject<HTMLElement | null>): number => {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    const measure = (): void => void (element.clientWidth > 0 && setWidth(element.clientWidth));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [frame]);
  return width;
};
