import type { Glyph, Tone as LookTone } from '../ui/state-words.ts';

type ShownTimer = { text: string /** 0 to 1 */; share: number };
export type ShownState = {
  /** How the stage that this frame or title stands for is doing. */
  stage: { tone: LookTone; glyph: Glyph; word: string } | null;
  /** Stands at the right of the name, such as `3/5`. */
  note: string | null;
  /** Counts down in place of the delay's name. */
  timer: ShownTimer | null;
};
