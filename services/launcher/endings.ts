import type { Ending } from '../../stages/contract.ts';
import type { EndingOrder } from '../../stages/launcher-port.ts';
import type { Clock } from '../host/clock.ts';

/** What is done to the processes of one attempt; `look` kills whom it finds when it is to strike. */
export type Prey = {
  look(strike: boolean): { found: boolean; unsure: boolean };
  /** SIGTERM, to those the last look has found. */
  ask(): void;
};
/** What those share who end one attempt: a drain, and the runner's own sweep. */
type Open = {
  /** The shortest that was asked for before SIGTERM was sent. */
  graceMs: number;
  ending: Ending | null;
  told: Set<(ending: Ending) => void>;
  nearer: PromiseWithResolvers<void>;
};

const firstWaitMs = 5;
const longestWaitMs = 100;
/** What outlives SIGKILL for so long is held by the kernel, and may be for hours. */
const heldMs = 10_000;
const heldWaitMs = 1000;
/** Exec is over within a millisecond; this many looks in a row, with growing waits, are ample. */
const unsureLooks = 3;

/** An ending that begins now. */
export const endingFrom = (termedAt: number, graceMs: number, bootId: string): Ending => ({
  termedAt,
  killAt: termedAt + graceMs,
  bootId,
});
const notAfter = (ending: Ending, killAt: number): Ending =>
  killAt < ending.killAt ? { ...ending, killAt } : ending;
/** Later wishes only bring the deadline nearer: a grace counts from the one SIGTERM. */
export const withGrace = (ending: Ending, graceMs: number): Ending =>
  notAfter(ending, ending.termedAt + graceMs);

/**
 * The endings of attempts, by token: one SIGTERM and one deadline each, whoever asks and however
 * often. What is known of an ending stays until its processes are proven gone, also when whoever
 * asked has gone away.
 */
export const createEndings = ({
  clock,
}: {
  clock: Pick<Clock, 'sleep' | 'monotonicMs' | 'bootId'>;
}) => {
  const opens = new Map<string, Open>();

  const agree = (open: Open, ending: Ending): void => {
    if (ending === open.ending) return;
    open.ending = ending;
    for (const tell of open.told) tell(ending);
    open.nearer.resolve();
    open.nearer = Promise.withResolvers();
  };
  const ask = (open: Open, graceMs: number): void => {
    open.graceMs = Math.min(open.graceMs, graceMs);
    if (open.ending) agree(open, withGrace(open.ending, graceMs));
  };
  /** Takes over what is known from before, and what this one asks for. */
  const join = (token: string, graceMs: number, { known, joins, changed }: EndingOrder): Open => {
    const there = opens.get(token);
    const fresh = { graceMs, ending: null, told: new Set<(ending: Ending) => void>() };
    const open: Open = there ?? { ...fresh, nearer: Promise.withResolvers() };
    opens.set(token, open);
    // The clock of another boot says nothing here, and nothing that it timed is left.
    const before = known?.bootId === clock.bootId() ? known : null;
    if (before) agree(open, open.ending ? notAfter(open.ending, before.killAt) : before);
    if (changed) open.told.add(changed);
    const { ending } = open;
    if (!joins) ask(open, graceMs);
    // Somebody else sent the SIGTERM, and had nobody to tell.
    if (ending && !before && open.ending === ending) changed?.(ending);
    return open;
  };

  return {
    /** Resolves when no process is left. @throws the signal's reason when it aborts */
    end: async (
      token: string,
      prey: Prey,
      graceMs: number,
      abort: AbortSignal,
      order: EndingOrder,
    ): Promise<void> => {
      const open = join(token, graceMs, order);
      try {
        let looksUnsure = 0;
        // Sweeps until empty: what was born during a sweep is found by the next one.
        for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
          const isLate = open.ending
            ? clock.monotonicMs() >= open.ending.killAt
            : open.graceMs <= 0;
          const { found, unsure } = prey.look(isLate);
          looksUnsure = unsure && !found ? looksUnsure + 1 : 0;
          if (!found && (looksUnsure === 0 || looksUnsure > unsureLooks)) {
            if (opens.get(token) === open) opens.delete(token);
            return;
          }
          // Once, whoever else ends the attempt, then or later: a second SIGTERM would end the
          // clean-up that the first one began.
          if (found && !open.ending) {
            if (!isLate) prey.ask();
            agree(open, endingFrom(clock.monotonicMs(), open.graceMs, clock.bootId()));
          }
          // By the clock, and never by the sum of the pauses: a busy machine stretches those.
          const leftMs = open.ending ? open.ending.killAt - clock.monotonicMs() : waitMs;
          const lateMs = leftMs < -heldMs ? heldWaitMs : waitMs;
          const pauseMs = isLate ? lateMs : Math.max(0, Math.min(waitMs, leftMs));
          await Promise.race([clock.sleep(pauseMs, abort), open.nearer.promise]);
        }
      } finally {
        if (order.changed) open.told.delete(order.changed);
      }
    },
    shorten: (token: string, graceMs: number): void => {
      const open = opens.get(token);
      if (open) ask(open, graceMs);
    },
  };
};
