/**
 * How well `text` matches what was typed: the letters of each word in order, the words in any
 * order; words begun count more. Null = not at all.
 */
export const match = (typed: string, text: string): number | null => {
  const given = text.toLowerCase();
  let score = -given.length / 1000;
  for (const word of typed.toLowerCase().split(/\s+/)) {
    const found = matchWord(word, given);
    if (found === null) return null;
    score += found;
  }
  return score;
};

const matchWord = (word: string, given: string): number | null => {
  let score = 0;
  let at = 0;
  for (const letter of word) {
    const found = given.indexOf(letter, at);
    if (found < 0) return null;
    const beginsWord = found === 0 || /[^\p{L}\p{N}]/u.test(given[found - 1] ?? '');
    score += found === at && at > 0 ? 3 : beginsWord ? 2 : 0;
    at = found + 1;
  }
  return score;
};
