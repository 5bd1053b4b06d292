export type Random = {
  /** Uniform in [0, 1). */
  next(): number;
  /** Standard normal. */
  normal(): number;
};

/**
 * The same numbers for the same words, on every machine: mulberry32 seeded with FNV-1a of the words
 * (both in the public domain).
 */
export function createRandom(...words: (string | number)[]): Random {
  let state = 0x811c9dc5;
  for (const char of words.join('\u0000'))
    state = Math.imul(state ^ char.codePointAt(0)!, 0x01000193);
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    // Twelve uniform numbers less six: near enough to a bell, and without a function whose last
    // digit a platform may choose.
    normal: () => {
      let sum = -6;
      for (let index = 0; index < 12; index += 1) sum += next();
      return sum;
    },
  };
}
