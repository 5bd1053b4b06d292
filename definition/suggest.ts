/**
 * Steps of insert, delete, replace or swap of neighbours between two words (optimal string
 * alignment).
 */
const distance = (a: string, b: string): number => {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swaps = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = swaps ? (before[j - 2] as number) + 1 : Number.POSITIVE_INFINITY;
      next.push(Math.min((row[j] as number) + 1, (next[j - 1] as number) + 1, replaced, swapped));
    }
    before = row;
    row = next;
  }
  return row[b.length] as number;
};

/** The known name somebody most likely meant; null when none is near. */
export const suggest = (word: string, known: readonly string[]): string | null => {
  const near = known
    .map((name) => ({
      name,
      steps: distance(word.slice(0, maxWord).toLowerCase(), name.toLowerCase()),
    }))
    .filter(({ name, steps }) => steps <= Math.max(1, Math.floor(name.length / 3)))
    .sort((a, b) => a.steps - b.steps);
  return near[0]?.name ?? null;
};

/** Words are cut here, and only the first of many are looked at: both may be made to cost. */
const maxWord = 60;
const maxWords = 20;

/** `unknown key \`tmeout\`; did you mean \`timeout\`?` */
export const unknownKey = (word: string, known: readonly string[], kind = 'key'): string => {
  const nearest = suggest(word, known);
  return `unknown ${kind} \`${word.slice(0, maxWord)}\`; ${nearest ? `did you mean \`${nearest}\`?` : `known are ${known.join(', ')}`}`;
};

/** One sentence for each, and one for how many more there are. */
export const unknownKeys = (
  words: readonly string[],
  known: readonly string[],
  kind = 'key',
): string[] => [
  ...words.slice(0, maxWords).map((word) => unknownKey(word, known, kind)),
  ...(words.length > maxWords ? [`and ${words.length - maxWords} unknown more`] : []),
];
