import type { ChartState } from './graph.ts';
import { nameHeight, type Size } from './plane.ts';
import { textWidth } from './text-metrics.ts';

export const stateMetrics = {
  name: 14,
  title: 13,
  detail: 11.5,
  detailHeight: 19,
  keyWidth: 44,
  padX: 10,
} as const;

/** What stands under the name of a state, as key and value. */
export const detailsOf = ({
  invokes,
  delays,
  reacts,
}: ChartState): { key: string; text: string }[] => [
  ...invokes.map((text) => ({ key: 'invoke', text })),
  ...delays.map((text) => ({ key: 'after', text })),
  ...(reacts.length > 0 ? [{ key: 'on', text: reacts.join(', ') }] : []),
];

/** A choice is a diamond without a name. */
export const choiceSize: Size = { w: 30, h: nameHeight };

/** The name has room for a dot before it and for `3 of 5` or `×12` after it. */
export const sizeOfState = (state: ChartState): Size => {
  const { name, detail, detailHeight, keyWidth, padX } = stateMetrics;
  const details = detailsOf(state);
  const isFinal = state.kind === 'final';
  return {
    w: Math.max(
      textWidth(state.name, name) + (isFinal ? 50 : state.parent === null ? 44 : 70),
      ...details.map(({ text }) => keyWidth + textWidth(text, detail, 'mono') + padX * 2),
      84,
    ),
    h: nameHeight + (details.length > 0 ? details.length * detailHeight + 9 : 0),
  };
};

/** A stage that shows only its title: room for its number, and for how it stands. */
export const sizeOfTitle = ({ title, name }: ChartState): Size => ({
  w: Math.max(textWidth(title ?? name, stateMetrics.title) + 94, 114),
  h: nameHeight,
});
