import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/logger.ts';
import type { StartOutcome, StartRequest } from '../start/start-request.ts';
import { headOnly } from '../store/journal-store.ts';
import type { Pause } from '../store/slot-store.ts';
import type { Store } from '../store/store.ts';
import { createClockWatch, setBackMeanwhile } from './clock-watch.ts';
import { createDeadlines } from './deadlines.ts';
import { createDecisions } from './decisions.ts';
import type { Schedule, ScheduleRegistry } from './schedule-registry.ts';
import { rewound } from './slot-words.ts';
import type { Waker } from './waker.ts';

type Deps = {
  store: Store;
  registry: ScheduleRegistry;
  clock: Clock;
  start: (request: StartRequest) => Promise<StartOutcome>;
  waker: Waker;
  /** Tells the readers of the journal that something was written. */
  wake: () => void;
  log: Log;
};
export type Scheduler = {
  /** Asks when the last service wrote last; before anybody of this one writes. */
  recall(): Promise<void>;
  /** Decides what was missed, then wakes each second. */
  open(): Promise<void>;
  /** Decides every slot that is due; also called by the waker. */
  tick(): Promise<void>;
  /** A definition has changed, or slots wait that did not before. */
  changed(id?: string): Promise<void>;
  paused(): Promise<Pause | null>;
  /** What it says of itself in the health of the service. */
  health(): { ok: true; detail: string } | { ok: false; code: string; detail: string };
  close(): Promise<void>;
};
export const pauseKey = 'schedules_paused';

/**
 * A clock that was set back by more than this was wrong before: its mark would hold up slots for
 * too long.
 */
const maxBackMs = 24 * 3_600_000;
/** Another process may have made slots wait. */
const lookAgainMs = 60_000;
const pruneEveryMs = 3_600_000;
const keptSlots = 2000;
/** Without a tick for so many turns of the waker somebody should look. */
const stalledTurns = 30;
const maxBackoffMs = 30_000;

/** Fires what the planner says is due, and records one decision for each slot. */
export const createScheduler = (deps: Deps): Scheduler => {
  const { store, registry, clock, log } = deps;
  const watch = createClockWatch(clock);
  const deadlines = createDeadlines(deps);
  /** When a schedule is to be looked at next; absent = now. */
  const lookAt = new Map<string, number>();
  const faults = new Map<string, { message: string; times: number; again: number }>();
  let waitingLookAt = Number.NEGATIVE_INFINITY;
  let recordedAt: number | null = null;
  let prunedAt = Number.NEGATIVE_INFINITY;
  let tickedAt: number | null = null;
  let ticking: Promise<void> | null = null;
  let closed = false;
  let isOpen = false;
  let waking: ReturnType<Waker> | null = null;

  const paused: Scheduler['paused'] = async () => {
    const stored = await store.meta(pauseKey);
    return stored ? (JSON.parse(stored) as Pause | null) : null;
  };

  const decisions = createDecisions({
    store,
    registry,
    clock,
    start: deps.start,
    paused,
    wake: deps.wake,
  });

  /**
   * One failure must not keep the others from running; it is tried again, later each time, and
   * shown.
   */
  const guarded = async (id: string, work: () => Promise<void>): Promise<void> => {
    const before = faults.get(id);
    if (before && clock.monotonicMs() < before.again) return;
    try {
      await work();
      if (before) log('the scheduler has recovered', { schedule: id });
      faults.delete(id);
    } catch (error) {
      const times = (before?.times ?? 0) + 1;
      if (times === 1)
        log('the scheduler failed and tries again', { schedule: id, error: String(error) });
      faults.set(id, {
        message: String(error),
        times,
        again: clock.monotonicMs() + Math.min(1000 * 2 ** (times - 1), maxBackoffMs),
      });
    }
  };

  /**
   * A mark far in the future was set by a clock that was wrong: without this its schedule would
   * stand still until then.
   */
  const rewindMarks = async (): Promise<void> => {
    for (const { row } of registry.all()) {
      const now = clock.wallMs();
      if (row.decidedTo <= now + maxBackMs) continue;
      await store.decideSlots([], () => rewound(row, now));
      row.decidedTo = now;
    }
  };
  const noticeClock = async (): Promise<void> => {
    const seen = watch();
    const odd = recordedAt === null ? seen : setBackMeanwhile(recordedAt, clock.wallMs());
    recordedAt = null;
    if (!odd) return;
    log(odd.msg, { ms: odd.ms });
    lookAt.clear();
    if (odd.kind === 'back') await rewindMarks();
    const event = {
      stage: 'scheduler',
      event: 'warning' as const,
      severity: 'warning' as const,
      msg: odd.msg,
      data: { kind: odd.kind, ms: odd.ms },
    };
    await store.note({ runId: null, pipeline: null, ...event }, clock.wallMs());
    deps.wake();
  };

  const turn = async (): Promise<void> => {
    if (!isOpen)
      await guarded('files', async () => {
        await registry.open();
        await rewindMarks();
        isOpen = true;
      });
    await guarded('clock', noticeClock);
    const isDue = ({ row }: Schedule): boolean => clock.wallMs() >= (lookAt.get(row.id) ?? 0);
    const due = registry.all().filter(isDue);
    // Whose turn it is begins before what is due only now.
    if (due.length > 0 && clock.wallMs() >= waitingLookAt && !closed)
      await guarded('turns', async () => void (await decisions.decideWaiting('turns')));
    for (const schedule of due) {
      const { id } = schedule.row;
      if (closed) return;
      await guarded(id, async () => {
        const { nextAt, isWaiting } = await decisions.decideDue(schedule);
        // A change that came meanwhile has another next slot, and is looked at anew.
        if (registry.find(id) === schedule) lookAt.set(id, nextAt);
        if (isWaiting) waitingLookAt = Number.NEGATIVE_INFINITY;
      });
    }
    if (clock.wallMs() >= waitingLookAt && !closed)
      await guarded('waiting', async () => {
        waitingLookAt = (await decisions.decideWaiting())
          ? Number.NEGATIVE_INFINITY
          : clock.wallMs() + lookAgainMs;
      });
    if (!closed) await guarded('deadlines', deadlines.look);
    if (clock.monotonicMs() - prunedAt >= pruneEveryMs) {
      prunedAt = clock.monotonicMs();
      await guarded('retention', async () => void (await store.prune({ slotsBeyond: keptSlots })));
    }
    tickedAt = clock.monotonicMs();
  };
  const tick: Scheduler['tick'] = () => {
    if (closed) return Promise.resolve();
    ticking ??= turn().finally(() => {
      ticking = null;
    });
    return ticking;
  };

  return {
    tick,
    paused,
    recall: async () => {
      const { headSeq } = await store.journal(headOnly);
      const [last] = (await store.journal({ after: headSeq - 1, limit: 1 })).events;
      recordedAt = last ? Date.parse(last.timestamp) : null;
    },
    open: async () => {
      await tick();
      waking = deps.waker(() => void tick());
    },
    changed: async (id) => {
      await registry.refresh(id);
      if (id === undefined) lookAt.clear();
      else {
        lookAt.delete(id);
        faults.delete(id);
      }
      waitingLookAt = Number.NEGATIVE_INFINITY;
    },
    health: () => {
      const broken = registry
        .all()
        .flatMap(({ row, problem }) =>
          problem === null ? [] : [`schedule ${row.id}: ${problem}`],
        );
      const failing = [...faults].map(
        ([id, { message, times }]) => `${id}: ${message} (failed ${times} times, is tried again)`,
      );
      const silentMs = tickedAt === null ? 0 : clock.monotonicMs() - tickedAt;
      if (waking !== null && silentMs > stalledTurns * waking.everyMs)
        return {
          ok: false,
          code: 'not-woken',
          detail: `nothing has woken the scheduler for ${Math.round(silentMs / 1000)} s`,
        };
      if (failing.length > 0)
        return { ok: false, code: 'slots-undecided', detail: failing.join('; ') };
      if (broken.length > 0) return { ok: false, code: 'bad-schedule', detail: broken.join('; ') };
      const enabled = registry.all().filter(({ definition }) => definition.enabled).length;
      return { ok: true, detail: `${enabled} of ${registry.all().length} schedules are enabled` };
    },
    close: async () => {
      closed = true;
      waking?.stop();
      await ticking;
    },
  };
};
