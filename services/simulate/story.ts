import type { JournalEvent } from '../../wire/events.ts';
import { iso } from '../../wire/iso.ts';
import type { Story } from '../../wire/simulation.ts';

type Line = Story['lines'][number];
/** What the state says already, and what only a machine reads. */
const unsaid = ['why_change', 'state_change', 'heartbeat'];

/** A story of one run: what the journal says, and what happened to the service and the machine. */
export const createStoryteller = (
  clock: { elapsedMs(): number },
  wallMs: () => number,
  state: () => string,
) => {
  const lines: Line[] = [];
  const add = (line: Pick<Line, 'stage' | 'attempt' | 'event' | 'text'>): void => {
    lines.push({ at_ms: clock.elapsedMs(), at: iso(wallMs()), state: state(), ...line });
  };
  return {
    lines,
    happens: (text: string): void => add({ stage: null, attempt: null, event: 'happens', text }),
    hear: ({ stage, attempt, event, msg }: JournalEvent): void => {
      if (unsaid.includes(event)) return;
      const isOfStage = !['pipeline', 'system', 'watchdog', 'scheduler'].includes(stage);
      add({ stage: isOfStage ? stage : null, attempt: attempt ?? null, event, text: msg });
    },
  };
};
