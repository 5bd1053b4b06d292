import type { LiveNews } from '../../wire/live-news.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/logger.ts';

import { fenceOf } from '../store/fence.ts';
import type { Committed, EffectRow, Fence, RunRow, Store } from '../store/store.ts';

type Mark = {
  run: RunRow;
  effect: EffectRow;
  stage: string;
  limitMs: number | null;
  /** Monotonic: silence is counted on a clock that never jumps. */
  heardMs: number;
  /** Wall time, for people; null until something was heard. */
  heardAt: number | null;
  shownAt: number | null;
  /** The longest silence since the journal heard of it last. */
  brokenMs: number;
  saidMs: number;
  /**
   * A verdict stays: a sign of life that comes afterwards changes nothing about the attempt (S61).
   */
  isLate: boolean;
  isDropped: boolean;
  /** How much its logs held when they were asked last. */
  bytes: number;
  /** Not judged before: it has ended, and its answer comes. */
  notBeforeMs: number;
};
type LateMark = Pick<Mark, 'run' | 'effect' | 'stage'> & { limitMs: number; silentMs: number };

/** The signs of life of every attempt that works here: marks in memory, no transition (T13). */
export type Heartbeats = {
  /** `alive` with an instant: what was heard is older than the look that found it. */
  watch(
    run: RunRow,
    effect: EffectRow,
    limitMs: number | null,
  ): { alive(writtenAt?: number): void; end(): void };
  /** Those that gave no sign of life, also not one that only the world knows of. */
  late(): Promise<LateMark[]>;
  /** Milliseconds until the next attempt would be late; null when none has a limit. */
  nextDueIn(): number | null;
  /** Called when a limit begins to count, with the milliseconds until it is over. */
  onLimit(listener: (limitMs: number) => void): void;
  /** What the status shows, by stage. */
  shown(runId: string): Record<string, number>;
  /** Shows again what the last service had written down. */
  restore(rows: EffectRow[]): void;
  /** Forgets what is shown of attempts that a step has ended. */
  settle(committed: Committed): void;
  /**
   * Shows, writes down and now and then journals what was heard; also called every five seconds
   * while anything is.
   */
  flush(): Promise<void>;
  close(): void;
};

/** T13: at most this old on disk and in the status. */
const flushMs = 5000;
/**
 * A sign of life of a long attempt is journalled six times an hour at most: a day of work is 144
 * small rows.
 */
const sayEveryMs = 600_000;
/** How soon an attempt that has ended, and did not answer yet, is looked at again. */
const askAgainMs = 200;

export const createHeartbeats = (deps: {
  store: Pick<Store, 'saveHeartbeats'>;
  clock: Pick<Clock, 'wallMs' | 'monotonicMs' | 'after'>;
  note: (event: Parameters<Store['note']>[0]) => Promise<void>;
  tell: (news: LiveNews) => void;
  /**
   * What the world shows of an attempt, whoever was away meanwhile: whether it has ended, and how
   * much it has written until when.
   */
  ask: (
    effect: EffectRow,
  ) => Promise<{ hasEnded: boolean; output: { bytes: number; writtenAt: number } | null }>;
  log: Log;
}): Heartbeats => {
  const { store, clock, note, tell, log } = deps;
  const marks = new Set<Mark>();
  const limitListeners: ((limitMs: number) => void)[] = [];
  const shown = new Map<string, Record<string, number>>();
  let cancel: (() => void) | null = null;

  const hear = (mark: Mark, writtenAt = clock.wallMs()): void => {
    const agoMs = Math.max(0, clock.wallMs() - writtenAt);
    const heardMs = Math.max(mark.heardMs, clock.monotonicMs() - agoMs);
    mark.brokenMs = Math.max(mark.brokenMs, heardMs - mark.heardMs);
    mark.heardMs = heardMs;
    mark.heardAt = Math.max(mark.heardAt ?? 0, clock.wallMs() - agoMs);
    cancel ??= clock.after(flushMs, () => {
      cancel = null;
      flush().catch((error) =>
        log('signs of life could not be written down', { error: String(error) }),
      );
    });
  };

  /** Silence is what the logs say, not when we looked: before the verdict the world is asked. */
  const judge = async (mark: Mark): Promise<void> => {
    const { limitMs, effect } = mark;
    const isSilent = () => clock.monotonicMs() - mark.heardMs >= (limitMs ?? 0);
    const isOpen = () => marks.has(mark) && !mark.isDropped && !mark.isLate;
    if (limitMs === null || !isOpen() || !isSilent()) return;
    const { hasEnded, output } = await deps.ask(effect);
    if (hasEnded) {
      mark.notBeforeMs = clock.monotonicMs() + askAgainMs;
      return;
    }
    // Only what is new: the age of a file may be told by another clock than ours.
    if (output && output.bytes !== mark.bytes) hear(mark, output.writtenAt);
    mark.bytes = output?.bytes ?? 0;
    mark.isLate = isOpen() && isSilent();
  };

  const isWorthSaying = ({ saidMs }: Mark): boolean => clock.monotonicMs() - saidMs >= sayEveryMs;

  const say = async (mark: Mark): Promise<void> => {
    const { run, effect, stage, brokenMs, shownAt } = mark;
    const heartbeat_at = new Date(shownAt as number).toISOString();
    const msg = `${stage} is alive; it was silent for at most ${Math.round(brokenMs / 1000)} s`;
    mark.saidMs = clock.monotonicMs();
    mark.brokenMs = 0;
    await note({
      runId: run.runId,
      pipeline: run.pipeline,
      stage,
      attempt: effect.attempt,
      event: 'heartbeat',
      severity: 'debug',
      msg,
      data: { silent_ms: brokenMs, patch: { stages: [{ name: stage, heartbeat_at }] } },
    });
  };

  const flush = async (): Promise<void> => {
    const heard = [...marks].filter(
      ({ isDropped, heardAt, shownAt }) => !isDropped && heardAt !== null && heardAt !== shownAt,
    );
    const rows: { runId: string; fence: Fence; at: number }[] = [];
    for (const mark of heard) {
      const { run, effect, stage, heardAt } = mark;
      const at = heardAt as number;
      mark.shownAt = at;
      shown.set(run.runId, { ...shown.get(run.runId), [stage]: at });
      rows.push({ runId: run.runId, fence: fenceOf(effect), at });
      const patch = { stages: [{ name: stage, heartbeat_at: new Date(at).toISOString() }] };
      tell({
        run_id: run.runId,
        pipeline: run.pipeline,
        stage,
        event: 'heartbeat',
        data: { patch },
      });
    }
    if (rows.length > 0) await store.saveHeartbeats(rows);
    for (const mark of heard) if (isWorthSaying(mark)) await say(mark);
  };

  return {
    watch: (run, effect, limitMs) => {
      const nowMs = clock.monotonicMs();
      const mark: Mark = {
        run,
        effect,
        stage: effect.input.stage as string,
        limitMs,
        heardMs: nowMs,
        heardAt: null,
        shownAt: null,
        brokenMs: 0,
        saidMs: nowMs,
        isLate: false,
        isDropped: false,
        bytes: 0,
        notBeforeMs: nowMs,
      };
      marks.add(mark);
      if (limitMs !== null) for (const listener of limitListeners) listener(limitMs);
      return {
        alive: (writtenAt) => hear(mark, writtenAt),
        end: () => void marks.delete(mark),
      };
    },
    late: async () => {
      for (const mark of [...marks]) await judge(mark);
      return [...marks].flatMap(({ run, effect, stage, limitMs, heardMs, isLate }) =>
        isLate && limitMs !== null
          ? [{ run, effect, stage, limitMs, silentMs: clock.monotonicMs() - heardMs }]
          : [],
      );
    },
    nextDueIn: () => {
      const waits = [...marks].flatMap(({ limitMs, heardMs, notBeforeMs, isLate, isDropped }) =>
        limitMs === null || isLate || isDropped
          ? []
          : [Math.max(heardMs + limitMs, notBeforeMs) - clock.monotonicMs()],
      );
      return waits.length > 0 ? Math.min(...waits) : null;
    },
    onLimit: (listener) => void limitListeners.push(listener),
    shown: (runId) => shown.get(runId) ?? {},
    restore: (rows) => {
      for (const { runId, input, heartbeatAt } of rows)
        if (input.stage && heartbeatAt !== null)
          shown.set(runId, { ...shown.get(runId), [input.stage]: heartbeatAt });
    },
    settle: ({ run, decision }) => {
      const over = [...decision.remove, ...decision.drop];
      for (const mark of marks)
        if (
          mark.run.runId === run.runId &&
          over.some(({ id, stamp }) => id === mark.effect.id && stamp === mark.effect.stamp)
        )
          mark.isDropped = true;
      const before = shown.get(run.runId);
      if (!before) return;
      const working = new Set(
        run.projection.stages.filter(({ state }) => state === 'running').map(({ name }) => name),
      );
      const left = Object.entries(before).filter(([stage]) => working.has(stage));
      if (left.length > 0) shown.set(run.runId, Object.fromEntries(left));
      else shown.delete(run.runId);
    },
    flush,
    close: () => cancel?.(),
  };
};
