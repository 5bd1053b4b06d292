import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Parts } from '../../services/orchestrator/service-parts.ts';
import type { SlotView } from '../../wire/schedule-view.ts';
import { type ManualClock, manualClock } from './manual-clock.ts';
import { ended, projectWith, type Running, runService } from './service.ts';

/**
 * A pipeline whose stage waits for a file, and one that is over at once; each with the schedule
 * that is given as YAML.
 */
export const holding = (schedule: string): string =>
  `name: p\nstages:\n  - { name: wait, grace: 100ms, run: [sh, -c, "while [ ! -e go ]; do sleep 0.02; done"] }\nschedules:\n  - { ${schedule} }\n`;
export const quick = (schedule: string, script = 'true'): string =>
  `name: p\nstages:\n  - { name: work, run: [sh, -c, ${JSON.stringify(script)}] }\nschedules:\n  - { ${schedule} }\n`;

export type Scheduled = Running & {
  clock: ManualClock;
  /** Lets time pass until then, and the scheduler look. */
  at(instant: string): Promise<void>;
  slots(id?: string): Promise<SlotView[]>;
  /** `12:00 started`, the oldest first. */
  decisions(id?: string): Promise<string[]>;
  /** Events of the scheduler: word and sentence. */
  told(word: string): Promise<string[]>;
  /** Resolves when the newest run is over. */
  over(): Promise<void>;
  /** Stops the service, lets time pass, and starts the next one on the same data. */
  again(instant: string, file?: string): Promise<Scheduled>;
};

/** The whole service under a clock that only the test moves: 2027-01-15T08:00Z to begin with. */
export const scheduled = async (
  file: string,
  options: { dir?: string; clock?: ManualClock; parts?: (real: Parts) => Partial<Parts> } = {},
): Promise<Scheduled> => {
  const clock = options.clock ?? manualClock();
  const dir = options.dir ?? (await projectWith({ 'p.yaml': file }));
  const running = await runService({ dir, parts: (real) => ({ clock, ...options.parts?.(real) }) });
  const { orchestrator, service } = running;
  const slots: Scheduled['slots'] = async (id = 'p') =>
    (await orchestrator.slotsOf(id, null, 500)).items.toReversed();
  return {
    ...running,
    clock,
    slots,
    at: async (instant) => {
      clock.advance(Date.parse(instant) - clock.wallMs());
      await service.tickSchedules();
    },
    decisions: async (id) =>
      (await slots(id)).map(
        ({ slot, decision, count }) =>
          `${slot.slice(11, 16)} ${decision}${count > 1 ? ` ${count}` : ''}`,
      ),
    told: async (word) =>
      (
        await orchestrator.events({ stage: 'scheduler', event: word, after: 0, limit: 1000 })
      ).items.map(({ msg }) => msg),
    over: async () => {
      const run = (await orchestrator.runs({ limit: 1 })).items[0];
      if (run?.run_id) await ended(orchestrator, run.run_id);
    },
    again: async (instant, changed) => {
      await running.close();
      if (changed !== undefined) await writeFile(join(dir, 'pipelines', 'p.yaml'), changed);
      clock.advance(Date.parse(instant) - clock.wallMs());
      return scheduled(file, { ...options, dir, clock });
    },
  };
};
