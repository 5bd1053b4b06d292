import type { Possible, WhatIf } from './use-what-if.ts';

const isIn = (path: string, state: string): boolean =>
  path === state || path.startsWith(`${state}.`);

/** The events that lead into a state of the chart that the run would not be in yet. */
export const leadingInto = ({ events, now }: WhatIf, state: string): Possible[] =>
  events.filter(({ leads_to }) => leads_to && isIn(leads_to.path, state) && !isIn(now.path, state));

/** The events that take a line to one of these states. */
export const takingWay = ({ events }: WhatIf, targets: readonly string[]): Possible[] =>
  events.filter(
    ({ allowed, ways }) =>
      allowed && ways.some(({ is_taken, to }) => is_taken && targets.includes(to)),
  );
