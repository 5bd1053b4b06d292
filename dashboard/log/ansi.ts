/** A piece of a line, and the classes that its escape sequences ask for. */
export type Piece = { text: string; classes: string };

const names = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;
type Style = { ink: string; ground: string; marks: Set<string> };
const plain = (): Style => ({ ink: '', ground: '', marks: new Set() });
const marks: Record<number, string> = {
  1: 'bold',
  2: 'faint',
  3: 'italic',
  4: 'underline',
  7: 'inverse',
  9: 'strike',
};
const unmarks: Record<number, string[]> = {
  22: ['bold', 'faint'],
  23: ['italic'],
  24: ['underline'],
  27: ['inverse'],
  29: ['strike'],
};

/** The nearest of the eight colours that the page has for both themes. */
const nearest = (r: number, g: number, b: number): string => {
  const [most, least] = [Math.max(r, g, b), Math.min(r, g, b)];
  if (most - least < 40) return most > 140 ? 'white' : 'black';
  const over = (value: number): number => (value > least + (most - least) / 2 ? 1 : 0);
  return names[over(r) + over(g) * 2 + over(b) * 4] as string;
};
const levels = [0, 95, 135, 175, 215, 255];
const ofPalette = (index: number): string => {
  if (index < 16) return names[index % 8] as string;
  if (index > 231) return index > 243 ? 'white' : 'black';
  const at = index - 16;
  return nearest(
    levels[Math.floor(at / 36)] ?? 0,
    levels[Math.floor(at / 6) % 6] ?? 0,
    levels[at % 6] ?? 0,
  );
};

const apply = (style: Style, codes: number[]): Style => {
  let { ink, ground } = style;
  let set = new Set(style.marks);
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] as number;
    if (code === 0) [ink, ground, set] = ['', '', new Set()];
    else if (marks[code]) set.add(marks[code]);
    else if (unmarks[code]) for (const mark of unmarks[code]) set.delete(mark);
    else if ((code >= 30 && code < 38) || (code >= 90 && code < 98))
      ink = names[code % 10] as string;
    else if ((code >= 40 && code < 48) || (code >= 100 && code < 108))
      ground = names[code % 10] as string;
    else if (code === 39) ink = '';
    else if (code === 49) ground = '';
    else if (code === 38 || code === 48) {
      const isPalette = codes[at + 1] === 5;
      const [r = 0, g = 0, b = 0] = codes.slice(at + 2, at + 5);
      const color = isPalette ? ofPalette(codes[at + 2] ?? 0) : nearest(r, g, b);
      if (code === 38) ink = color;
      else ground = color;
      at += isPalette ? 2 : 4;
    }
  }
  return { ink, ground, marks: set };
};
const classesOf = ({ ink, ground, marks: set }: Style): string =>
  [
    ...(ink ? [`ansi-${ink}`] : []),
    ...(ground ? [`ansi-on-${ground}`] : []),
    ...[...set].map((mark) => `ansi-${mark}`),
  ].join(' ');

const sequence =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  /\u001b(?:\[([0-9;:]*)([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[ -/]+[0-~]|[@-Z\\-_])|[\u0000-\u0008\u000b-\u001f\u007f]/g;

/**
 * The colours of a text as classes, never as markup or inline styles: those of a stage's output
 * would be refused by the page's own content policy. What moves a cursor is left out.
 */
export const piecesOf = (text: string): Piece[] => {
  const pieces: Piece[] = [];
  let style = plain();
  let from = 0;
  const push = (to: number): void => {
    if (to > from) pieces.push({ text: text.slice(from, to), classes: classesOf(style) });
  };
  for (const match of text.matchAll(sequence)) {
    push(match.index);
    from = match.index + match[0].length;
    if (match[2] === 'm') style = apply(style, (match[1] || '0').split(/[;:]/).map(Number));
  }
  push(text.length);
  return pieces;
};
