import type { LiveNews } from '../../wire/live-news.ts';
import type { Progress } from '../../wire/status.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/logger.ts';
import { type Waits, whyUnrecorded } from '../interpreter/waits.ts';

import type { Committed, Store } from '../store/store.ts';
import type { StageMarks } from './stage-runner.ts';

/** How often the last progress of a working stage is written down. */
const saveEveryMs = 5000;

/**
 * What working stages say of how far they are: plain writes beside the transitions, told at once
 * and written down now and then.
 */
export type ProgressMarks = Pick<StageMarks, 'progress' | 'left'> & {
  /** Of the stage that works; null when it said nothing yet. */
  shown(runId: string): { stage: string; value: Progress } | null;
  /** Forgets what a step has made old. */
  settle(committed: Committed): void;
  close(): void;
};
/** Between tries to write down what an attempt left. */
const againMs = 1000;

export const createProgress = (deps: {
  store: Pick<Store, 'saveProgress'>;
  clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  note: (event: Parameters<Store['note']>[0]) => Promise<void>;
  tell: (news: LiveNews) => void;
  waits: Pick<Waits, 'begin'>;
  log: Log;
}): ProgressMarks => {
  const { store, clock, tell, log } = deps;
  let isClosed = false;
  /** The answer comes after it, and must not become a failure because the disk is full. */
  const note = async (
    event: Parameters<Store['note']>[0] & { runId: string; attempt: number },
  ): Promise<void> => {
    let over: (() => void) | null = null;
    while (!isClosed)
      try {
        await deps.note(event);
        break;
      } catch (error) {
        const { runId, stage, attempt } = event;
        log('what an attempt left could not be written down; it is tried again', {
          run_id: runId,
          error: String(error),
        });
        over ??= deps.waits.begin(runId, 'answer', whyUnrecorded({ stage, attempt }, error));
        await clock.sleep(againMs);
      }
    over?.();
  };
  const marks = new Map<string, { stage: string; value: Progress; savedAt: number }>();
  const save = (runId: string, value: Progress): void => {
    store
      .saveProgress(runId, value)
      .catch((error) => log('progress could not be saved', { error: String(error) }));
  };

  return {
    progress: ({ runId, pipeline }, stage, value) => {
      const savedAt = marks.get(runId)?.savedAt ?? Number.NEGATIVE_INFINITY;
      const isDue = clock.monotonicMs() - savedAt >= saveEveryMs;
      marks.set(runId, { stage, value, savedAt: isDue ? clock.monotonicMs() : savedAt });
      tell({
        run_id: runId,
        pipeline,
        stage,
        event: 'progress',
        data: { ...value, patch: { progress: value } },
      });
      if (isDue) save(runId, value);
    },
    left: async ({ runId, pipeline }, { input, attempt }, { progress: last, warnings }) => {
      const of = { runId, pipeline, stage: input.stage as string, attempt };
      for (const msg of warnings)
        await note({ ...of, event: 'warning', severity: 'warning', msg, data: {} });
      if (!last) return;
      const msg = `${[last.done, last.total].filter((one) => one !== undefined).join(' of ')} ${last.unit ?? ''} ${last.note ?? ''}`;
      const data = { ...last, patch: { progress: last } };
      await note({
        ...of,
        event: 'progress',
        severity: 'info',
        msg: msg.replaceAll(/ +/g, ' ').trim(),
        data,
      });
    },
    shown: (runId) => marks.get(runId) ?? null,
    settle: ({ run: { runId, endedAt }, decision }) => {
      if (decision.next?.begins) marks.delete(runId);
      if (endedAt === null) return;
      const last = marks.get(runId);
      marks.delete(runId);
      if (last) save(runId, last.value);
    },
    close: () => {
      isClosed = true;
    },
  };
};
