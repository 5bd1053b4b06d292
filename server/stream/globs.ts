/** What `only` of an event socket may say; beyond it the refusal names these figures. */
export const maxGlobs = 20;
const maxStars = 2;

/** Both halves of `stage/event`; a run of stars counts as one. */
export type Glob = { stage: string; event: string };

const half = (text: string): string => text.replaceAll(/\*+/g, '*');
const starsOf = (text: string): number => text.split('*').length - 1;

/**
 * Does a text fit a pattern of letters and stars? Two pointers and no backtracking but to the
 * newest star: at most `pattern × text` looks, whatever a client writes. No RegExp is made of what
 * somebody sends.
 */
export const fits = (pattern: string, text: ArrayLike<string>): boolean => {
  let at = 0;
  let star = -1;
  let resumeAt = 0;
  for (let index = 0; index < text.length; ) {
    if (pattern[at] === '*') {
      star = at;
      at += 1;
      resumeAt = index;
    } else if (at < pattern.length && pattern[at] === text[index]) {
      at += 1;
      index += 1;
    } else if (star >= 0) {
      // The newest star takes one character more; an older one could not do better.
      at = star + 1;
      resumeAt += 1;
      index = resumeAt;
    } else return false;
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
};

export const globFits = (glob: Glob, stage: string, event: string): boolean =>
  fits(glob.stage, stage) && fits(glob.event, event);

const globPattern = /^[a-z*][a-z0-9*-]*\/[a-z*][a-z_*]*$/;

/** @returns what is wrong with the text of `only`, null when it is valid */
export const faultOfGlobs = (text: string): string | null => {
  const globs = text.split(',');
  if (globs.length > maxGlobs) return `expected at most ${maxGlobs} globs`;
  for (const glob of globs) {
    if (!globPattern.test(glob))
      return 'expected globs over stage/event such as pipeline/*,*/failed';
    if (glob.split('/').some((part) => starsOf(half(part)) > maxStars))
      return `expected at most ${maxStars} stars on each side of the slash`;
  }
  return null;
};

/** @param text one that `faultOfGlobs` finds nothing wrong with */
export const globsOf = (text: string): Glob[] =>
  text.split(',').map((glob) => {
    const [stage = '', event = ''] = glob.split('/');
    return { stage: half(stage), event: half(event) };
  });
