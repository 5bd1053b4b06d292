/**
 * How well `text` matches what was typed: all letters in order; words begun count more. Null = not
 * at all.
 */
export const match = (typed: string, text: string): number | null => {
  const wanted = typed.toLowerCase().replaceAll(' ', '');
  const given = text.toLowerCase();
  let score = 0;
  let at = 0;
  for (const letter of wanted) {
    const found = given.indexOf(letter, at);
    if (found < 0) return null;
    const beginsWord = found === 0 || /[^\p{L}\p{N}]/u.test(given[found - 1] ?? '');
    score += found === at && at > 0 ? 3 : beginsWord ? 2 : 0;
    at = found + 1;
  }
  return score - given.length / 1000;
};
