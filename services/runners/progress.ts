import { groupOf } from '../../definition/groups.ts';
import type { NewEvent } from '../../wire/events.ts';
import type { LiveNews } from '../../wire/live-news.ts';
import type { StatusPatch } from '../../wire/patch.ts';
import type { Progress, StageStatus } from '../../wire/status.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/logger.ts';
import { type Waits, whyUnrecorded } from '../interpreter/waits.ts';

import { progressed } from '../store/amendments.ts';
import type { Committed, RunRow } from '../store/run-rows.ts';
import type { Store } from '../store/store.ts';
import type { StageMarks } from './stage-runner.ts';

/** How often the last progress of a working stage is written down. */
const saveEveryMs = 5000;

/**
 * What working stages say of how far they are: plain writes beside the transitions, told at once
 * and written down now and then.
 */
export type ProgressMarks = Pick<StageMarks, 'progress' | 'left'> & {
  /** Of the stages that work and said anything. */
  shown(runId: string): Record<string, Progress>;
  /** Forgets what a step has made old. */
  settle(committed: Committed): void;
  close(): void;
};
const isWorkingBeside = (stages: StageStatus[], stage: string): boolean =>
  stages.some(
    ({ name, group, state }) => name === stage && group !== undefined && state === 'running',
  );
/** Beside others it is told of the stage, and not of the run; nor is it kept with the run. */
const patchOf = ({ definition }: RunRow, stage: string, progress: Progress): StatusPatch =>
  groupOf(definition, stage) ? { stages: [{ name: stage, progress }] } : { progress };
const wordsOf = ({ done, total, unit = '', note = '' }: Progress): string => {
  const count = [done, total].filter((one) => one !== undefined).join(' of ');
  return `${count} ${unit} ${note}`.replaceAll(/ +/g, ' ').trim();
};
type Mark = { value: Progress; savedAt: number };
/** Between tries to write down what an attempt left. */
const againMs = 1000;

export const createProgress = (deps: {
  store: Pick<Store, 'amend'>;
  clock: Pick<Clock, 'monotonicMs' | 'sleep' | 'wallMs'>;
  wake: () => void;
  tell: (news: LiveNews) => void;
  waits: Pick<Waits, 'begin'>;
  log: Log;
}): ProgressMarks => {
  const { store, clock, tell, log } = deps;
  let isClosed = false;
  /** The answer comes after it, and must not become a failure because the disk is full. */
  const note = async (
    { runId, ...event }: NewEvent & { runId: string; attempt: number },
    progress?: Progress,
  ): Promise<void> => {
    // What a client folds from the event is what the next snapshot shows.
    const change = () => ({ event, ...(progress && { progress }) });
    let over: (() => void) | null = null;
    while (!isClosed)
      try {
        await store.amend([{ runId, change, isUrgent: true }], clock.wallMs());
        deps.wake();
        break;
      } catch (error) {
        const { stage, attempt } = event;
        const meta = { run_id: runId, error: String(error) };
        log('what an attempt left could not be written down; it is tried again', meta);
        over ??= deps.waits.begin(runId, 'answer', whyUnrecorded({ stage, attempt }, error));
        await clock.sleep(againMs);
      }
    over?.();
  };
  const marks = new Map<string, Map<string, Mark>>();
  const save = (runId: string, value: Progress): void => {
    store
      .amend([{ runId, change: progressed(value) }], clock.wallMs())
      .catch((error) => log('progress could not be saved', { error: String(error) }));
  };

  return {
    progress: (run, stage, value) => {
      const { runId, pipeline } = run;
      const mine = marks.get(runId) ?? new Map();
      const savedAt = mine.get(stage)?.savedAt ?? Number.NEGATIVE_INFINITY;
      const isDue =
        groupOf(run.definition, stage) === null && clock.monotonicMs() - savedAt >= saveEveryMs;
      mine.set(stage, { value, savedAt: isDue ? clock.monotonicMs() : savedAt });
      marks.set(runId, mine);
      tell({
        run_id: runId,
        pipeline,
        stage,
        event: 'progress',
        data: { ...value, patch: patchOf(run, stage, value) },
      });
      if (isDue) save(runId, value);
    },
    left: async (run, { input, attempt }, { progress: last, warnings }) => {
      const stage = input.stage as string;
      const of = { runId: run.runId, stage, attempt };
      const warning = { ...of, event: 'warning', severity: 'warning', data: {} } as const;
      for (const msg of warnings) await note({ ...warning, msg });
      if (!last) return;
      const data = { ...last, patch: patchOf(run, stage, last) };
      const kept = groupOf(run.definition, stage) ? undefined : last;
      await note({ ...of, event: 'progress', severity: 'info', msg: wordsOf(last), data }, kept);
    },
    shown: (runId) =>
      Object.fromEntries([...(marks.get(runId) ?? [])].map(([stage, { value }]) => [stage, value])),
    settle: ({ run, decision }) => {
      const { runId, endedAt, projection, definition } = run;
      const mine = marks.get(runId);
      // A stage beside others goes on with what it said when another one begins.
      if (decision.next?.begins)
        for (const stage of mine?.keys() ?? [])
          if (!isWorkingBeside(projection.stages, stage)) mine?.delete(stage);
      if (endedAt === null) return;
      marks.delete(runId);
      for (const [stage, { value }] of mine ?? [])
        if (!groupOf(definition, stage)) save(runId, value);
    },
    close: () => {
      isClosed = true;
    },
  };
};
