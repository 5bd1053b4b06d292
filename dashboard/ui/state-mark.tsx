import type { ReactNode } from 'react';
import type { Glyph, StateLook } from './state-words.ts';

/** Told apart by their outline alone: circle, half a circle, octagon, square, clock, dashed ring. */
const shapes: Record<Glyph, ReactNode> = {
  running: (
    <>
      <circle cx="8" cy="8" r="6" className="glyph-orbit" />
      <circle cx="8" cy="8" r="2.75" className="glyph-fill" />
    </>
  ),
  done: (
    <>
      <circle cx="8" cy="8" r="7" className="glyph-fill" />
      <path d="M4.75 8.25 7 10.5l4.25-5" className="glyph-cut" />
    </>
  ),
  failed: (
    <>
      <path d="M5.1 1h5.8L15 5.1v5.8L10.9 15H5.1L1 10.9V5.1z" className="glyph-fill" />
      <path d="m5.5 5.5 5 5m0-5-5 5" className="glyph-cut" />
    </>
  ),
  stopped: <rect x="2" y="2" width="12" height="12" rx="2.5" className="glyph-fill" />,
  waiting: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="M8 4.5V8l2.25 1.75" />
    </>
  ),
  pending: <circle cx="8" cy="8" r="6" strokeDasharray="2.4 2.3" />,
  skipped: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="M5 8h6" />
    </>
  ),
  partial: (
    <>
      <circle cx="8" cy="8" r="6.25" />
      <path d="M8 1.75a6.25 6.25 0 0 1 0 12.5z" className="glyph-fill" />
    </>
  ),
  paused: <path d="M5.5 3.5v9m5-9v9" strokeWidth="2.5" />,
  asking: (
    <>
      <path d="M8 1.2 14.8 8 8 14.8 1.2 8z" />
      <path d="M8 5v3.5m0 2v.5" />
    </>
  ),
};

export const StateGlyph = ({ look, size = 16 }: { look: StateLook; size?: number }) => (
  <svg
    className="glyph"
    data-tone={look.tone}
    data-glyph={look.glyph}
    width={size}
    height={size}
    viewBox="0 0 16 16"
    aria-hidden="true"
  >
    {shapes[look.glyph]}
  </svg>
);

/** A state as glyph and word, in its colour. */
export const StateMark = ({ look, size = 16 }: { look: StateLook; size?: number }) => (
  <span className="state" data-tone={look.tone}>
    <StateGlyph look={look} size={size} />
    {look.word}
  </span>
);
