import { statSync } from 'node:fs';
import type { LaunchRequest, LimitCode } from '../../stages/launcher-port.ts';
import { residentBytes, sharedOutBytes } from './proc.ts';

/** An attempt that works: what it may use, where it prints, and who belongs to it now. */
type Watched = Pick<LaunchRequest, 'limits' | 'stdoutPath' | 'stderrPath'> & {
  members: () => number[];
};
export type Excess = { code: LimitCode; allowed_bytes: number; seen_bytes: number };

const sum = (values: number[]): number => values.reduce((all, one) => all + one, 0);
const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

const excessOf = ({
  limits: { memoryBytes, outputBytes },
  stdoutPath,
  stderrPath,
  members,
}: Watched): Excess | null => {
  const printed = sizeOf(stdoutPath) + sizeOf(stderrPath);
  if (printed > outputBytes)
    return { code: 'too-much-output', allowed_bytes: outputBytes, seen_bytes: printed };
  if (memoryBytes === null) return null;
  const pids = members();
  // What processes share is counted once for each at first. Only who is over by that is measured
  // exactly, which costs more.
  if (sum(pids.map(residentBytes)) <= memoryBytes) return null;
  const used = sum(pids.map(sharedOutBytes));
  return used > memoryBytes
    ? { code: 'out-of-memory', allowed_bytes: memoryBytes, seen_bytes: used }
    : null;
};

/**
 * Holds working attempts to their limits by looking at them. A program can be over one for as long
 * as a look is away; what it prints goes straight into its files, so a look can end it but not hold
 * it up.
 */
export const createLimitWatch = (exceeded: (id: number, excess: Excess) => void) => {
  const watched = new Map<number, Watched>();
  return {
    watch: (id: number, attempt: Watched): void => void watched.set(id, attempt),
    forget: (id: number): void => void watched.delete(id),
    /**
     * Looks at all once; who is over a limit is told, and forgotten. @returns whether anybody is
     * left to look at
     */
    look: (): boolean => {
      for (const [id, attempt] of watched) {
        const excess = excessOf(attempt);
        if (!excess) continue;
        watched.delete(id);
        exceeded(id, excess);
      }
      return watched.size > 0;
    },
  };
};
