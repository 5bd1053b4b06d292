type Size = { width: number; height: number };
export type View = { x: number; y: number; scale: number };
export type Spot = { x: number; y: number; w: number; h: number };
type Drawing = Size & { direction: 'right' | 'down' };

/**
 * The smallest text of a chart is 11.5 px; drawn at this it has the 11 px that can be read without
 * leaning in.
 */
const readable = 0.96;
const [readableUpright, readableNarrow] = [0.66, 0.6];
/** Below this width a wide chart would be a strip. */
export const narrowPx = 760;
const tallest = 820;
const tallestNarrow = 440;
/** Upright it is read by scrolling the page. */
const tallestUpright = 1100;
const lowest = 260;

/**
 * At this scale a drawing is seen at least, until somebody wants all of it: rather a part that can
 * be read.
 */
const readableScale = (width: number, { direction }: Drawing): number =>
  width < narrowPx ? readableNarrow : direction === 'right' ? readable : readableUpright;

/** How high the place for a drawing is at this width. */
export const heightFor = (drawing: Drawing, width: number): number => {
  const scale = Math.max(readableScale(width, drawing), Math.min(1, width / drawing.width));
  const most =
    width < narrowPx ? tallestNarrow : drawing.direction === 'down' ? tallestUpright : tallest;
  return Math.round(Math.min(most, Math.max(lowest, drawing.height * scale)));
};

/** What is over a stage that is looked at: the title of the run it is in. */
const overhead = 72;

const viewAt = (scale: number, drawing: Size, shown: Size, focus: Spot | null): View => {
  const place = (length: number, seen: number, at: number): number => {
    const room = seen - length * scale;
    return room >= 0 ? room / 2 : Math.min(0, Math.max(room, seen / 2 - at * scale));
  };
  // A stage begins at the top, for its ways out are below it; what is higher than the place, and a
  // single state, stands in the middle.
  const isStage =
    focus !== null &&
    focus.h * scale > shown.height / 2 &&
    focus.h * scale + overhead <= shown.height;
  const middle =
    focus === null
      ? 0
      : isStage
        ? focus.y + (shown.height / 2 - overhead) / scale
        : focus.y + focus.h / 2;
  return {
    x: place(drawing.width, shown.width, focus ? focus.x + focus.w / 2 : 0),
    y: place(drawing.height, shown.height, middle),
    scale,
  };
};

/** All of the drawing, however small. */
export const wholeView = (drawing: Size, shown: Size): View =>
  viewAt(
    Math.min(1, shown.width / drawing.width, shown.height / drawing.height),
    drawing,
    shown,
    null,
  );

/**
 * What is seen first: all of the drawing if that can be read, else what can be read of it, with
 * `focus` in the middle.
 */
export const firstView = (drawing: Drawing, shown: Size, focus: Spot | null): View => {
  const whole = wholeView(drawing, shown);
  const scale = readableScale(shown.width, drawing);
  return whole.scale >= scale ? whole : viewAt(scale, drawing, shown, focus);
};
