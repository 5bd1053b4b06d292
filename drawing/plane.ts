/**
 * The flow runs along `u`, what leaves it goes along `v`: one layout serves a wide drawing and a
 * tall one.
 */
export type Direction = 'right' | 'down';
export type Size = { w: number; h: number };
export type Point = readonly [u: number, v: number];
export type Rect = { u: number; v: number; lu: number; lv: number };

export type Plane = {
  direction: Direction;
  lu(size: Size): number;
  lv(size: Size): number;
  /** Room for the title of a frame, which is at its top in both directions. */
  head: { u: number; v: number };
  /** Where the flow passes through a state, from its edge along `v`. */
  axisOf(size: Size): number;
};

/** Height of the first line of a state, where its name stands. */
export const nameHeight = 37;
export const headHeight = 36;

export const planeOf = (direction: Direction): Plane =>
  direction === 'right'
    ? {
        direction,
        lu: ({ w }) => w,
        lv: ({ h }) => h,
        head: { u: 0, v: headHeight },
        axisOf: () => nameHeight / 2,
      }
    : {
        direction,
        lu: ({ h }) => h,
        lv: ({ w }) => w,
        head: { u: headHeight, v: 0 },
        axisOf: ({ w }) => w / 2,
      };

export const end = ({ u, lu }: Rect): number => u + lu;
export const far = ({ v, lv }: Rect): number => v + lv;
export const middle = ({ u, lu }: Rect): number => u + lu / 2;
