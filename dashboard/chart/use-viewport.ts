import {
  type KeyboardEvent,
  type PointerEvent,
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import { firstView, type Spot, type View, wholeView } from './view.ts';

type Size = { width: number; height: number };
type Drawing = Size & { direction: 'right' | 'down' };

const least = 0.25;
const most = 2;
const step = 1.25;

/**
 * What of the drawing is seen: what can be read of it, until somebody moves it or wants all of it.
 */
export const useViewport = (
  frame: RefObject<HTMLElement | null>,
  content: Drawing,
  focus: Spot | null,
) => {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  const [moved, setMoved] = useState<View | 'whole' | null>(null);
  const grip = useRef<{ x: number; y: number; view: View } | null>(null);
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    const measure = (): void => {
      if (element.clientWidth > 0)
        setSize({ width: element.clientWidth, height: element.clientHeight });
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [frame]);

  const first = firstView(content, size, focus);
  const whole = wholeView(content, size);
  const view = moved === 'whole' ? whole : (moved ?? first);
  const isWhole = view.scale === whole.scale && (moved === 'whole' || moved === null);
  const toFirst = useCallback(() => setMoved(null), []);
  const fit = (): void => setMoved(first.scale === whole.scale ? null : 'whole');
  // Another drawing, or another size of it: what was moved means nothing there.
  useEffect(toFirst, [toFirst, content.width, content.height]);

  const zoom = (by: number, x = size.width / 2, y = size.height / 2): void => {
    const to = Math.min(most, Math.max(least, view.scale * by));
    const ratio = to / view.scale;
    setMoved({ x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio, scale: to });
  };
  const zoomed = useRef(zoom);
  zoomed.current = zoom;
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    // The wheel scrolls the page; with the command key, and for a pinch on a trackpad, it zooms.
    const onWheel = (event: WheelEvent): void => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const box = element.getBoundingClientRect();
      zoomed.current(
        Math.exp(-event.deltaY / 300),
        event.clientX - box.left,
        event.clientY - box.top,
      );
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [frame]);

  const pan = (x: number, y: number): void => setMoved({ ...view, x: view.x + x, y: view.y + y });
  return {
    view,
    isWhole,
    isFirst: moved === null,
    fit,
    toFirst,
    zoom,
    pan,
    zoomIn: () => zoom(step),
    zoomOut: () => zoom(1 / step),
    /** Dragging moves it; a press that does not move stays a click. */
    handlers: {
      onPointerDown: (event: PointerEvent) => {
        if (event.button === 0) grip.current = { x: event.clientX, y: event.clientY, view };
      },
      onPointerMove: (event: PointerEvent) => {
        const held = grip.current;
        if (!held || event.buttons === 0) return;
        const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
        if (Math.hypot(dx, dy) < 4 && !frame.current?.hasPointerCapture(event.pointerId)) return;
        frame.current?.setPointerCapture(event.pointerId);
        setMoved({ ...held.view, x: held.view.x + dx, y: held.view.y + dy });
      },
      onPointerUp: () => {
        grip.current = null;
      },
      onKeyDown: (event: KeyboardEvent) => {
        const keys: Record<string, () => void> = {
          '+': () => zoom(step),
          '=': () => zoom(step),
          '-': () => zoom(1 / step),
          '0': isWhole ? toFirst : fit,
        };
        const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
        if (!act) return;
        event.preventDefault();
        act();
      },
    },
  };
};
