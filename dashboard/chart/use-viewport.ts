import { type KeyboardEvent, type PointerEvent, type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';

type Size = { width: number; height: number };
type View = { x: number; y: number; scale: number };
export type Spot = { x: number; y: number; w: number; h: number };

const least = 0.25;
const most = 2;
/** Below this a name cannot be read: rather a part of the chart than all of it. */
export const readableScale = (width: number): number => (width < 760 ? 0.6 : 0.48);
const step = 1.25;

/** What of the drawing is seen. It fits until somebody moves it; then it stays, until `fit`. */
export const useViewport = (frame: RefObject<HTMLElement | null>, content: Size, focus: Spot | null) => {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  const [moved, setMoved] = useState<View | null>(null);
  const grip = useRef<{ x: number; y: number; view: View } | null>(null);
  useLayoutEffect(() => {
    const element = frame.current;
    if (!element) return;
    const measure = (): void => {
      if (element.clientWidth > 0) setSize({ width: element.clientWidth, height: element.clientHeight });
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [frame]);

  const whole = Math.min(1, size.width / content.width, size.height / content.height);
  const readable = readableScale(size.width);
  const isWhole = whole >= readable;
  const scale = isWhole ? whole : Math.min(1, Math.max(readable, size.height / content.height));
  const place = (length: number, shown: number, at: number): number => {
    const room = shown - length * scale;
    return room >= 0 ? room / 2 : Math.min(0, Math.max(room, shown / 2 - at * scale));
  };
  const fitted: View = {
    x: place(content.width, size.width, focus ? focus.x + focus.w / 2 : 0),
    y: place(content.height, size.height, focus ? focus.y + focus.h / 2 : 0),
    scale,
  };
  const view = moved ?? fitted;
  const fit = useCallback(() => setMoved(null), []);
  // Another drawing, or another size of it: what was moved means nothing there.
  useEffect(fit, [fit, content.width, content.height]);

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
      zoomed.current(Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [frame]);

  const pan = (x: number, y: number): void => setMoved({ ...view, x: view.x + x, y: view.y + y });
  return {
    ...{ view, isMoved: moved !== null, fit, zoom, pan },
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
        const keys: Record<string, () => void> = { '+': () => zoom(step), '=': () => zoom(step), '-': () => zoom(1 / step), '0': fit };
        const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
        if (!act) return;
        event.preventDefault();
        act();
      },
    },
  };
};
