/**
 * Advance widths of Inter at weight 600 in thousandths of the size, from space to `~`, as a browser
 * measures them.
 */
// biome-ignore format: a table
const inter = [
  252, 321, 523, 644, 650, 1004, 663, 326, 373, 373, 540, 673, 319, 465, 319, 379, 660, 423, 623, 636, 666, 612, 640, 576, 640, 640, 319, 329, 673, 673,
  673, 543, 999, 728, 659, 737, 722, 605, 588, 749, 746, 277, 580, 703, 565, 922, 759, 769, 645, 773, 652, 650, 660, 736, 728, 1020, 720, 713, 652, 373,
  379, 373, 481, 469, 351, 574, 624, 583, 624, 591, 389, 625, 612, 262, 262, 569, 262, 900, 612, 609, 624, 624, 397, 549, 353, 612, 587, 839, 569, 588,
  566, 455, 359, 455, 673,
];
const mono = 600;
/**
 * Other scripts: a Latin letter with an accent, and a full square for what is wide (East Asian,
 * emoji).
 */
const widthOf = (code: number): number => {
  if (code >= 32 && code < 127) return inter[code - 32] as number;
  return code < 0x1100 ? 660 : 1050;
};

/**
 * Width of a text in px, the same in a browser and without one: a drawing does not depend on which
 * fonts have loaded.
 */
export const textWidth = (text: string, sizePx: number, face: 'sans' | 'mono' = 'sans'): number => {
  let sum = 0;
  for (const character of text) {
    const code = character.codePointAt(0) as number;
    sum += face === 'mono' && code < 0x1100 ? mono : widthOf(code);
  }
  return Math.ceil((sum * sizePx) / 1000);
};
