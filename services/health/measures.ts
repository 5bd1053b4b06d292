import { liveRuns } from '../../services/store/run-view.ts';
import type { Disk } from '../host/disk.ts';
import type { Effects } from '../interpreter/effects.ts';
import type { Interpreter } from '../interpreter/interpreter.ts';
import { headOnly } from '../store/journal-store.ts';
import type { Store } from '../store/store.ts';
import type { Alarms } from '../watchdog/alarms.ts';
import type { Health } from './health.ts';

/** The service in numbers, for whoever watches it from outside. */
export type Measures = {
  /** Runs that ended since the service started, and how long they took together. */
  ended: { pipeline: string; outcome: string; count: number; seconds: number }[];
  live: { pipeline: string; state: 'queued' | 'running'; count: number }[];
  eventLoop: { p99Ms: number; maxMs: number };
  journalHead: number;
  pendingAnswers: number;
  freeBytes: number | null;
  alarms: { alarm: string; count: number }[];
  checks: { check: string; isOk: boolean }[];
  notifications: { channel: string; result: string; count: number }[];
};

const counted = <T extends object>(items: readonly T[]): (T & { count: number })[] =>
  [...Map.groupBy(items, (item) => JSON.stringify(item)).values()].map((same) => ({
    ...(same[0] as T),
    count: same.length,
  }));

export const createMeasures = (deps: {
  interpreter: Pick<Interpreter, 'onCommit'>;
  store: Pick<Store, 'runs' | 'journal'>;
  effects: Pick<Effects, 'pendingAnswers'>;
  disk: Pick<Disk, 'state'>;
  alarms: Pick<Alarms, 'open'>;
  health: Pick<Health, 'report'>;
  notifications: { counts: () => Measures['notifications'] };
  lag: () => Measures['eventLoop'];
}): (() => Promise<Measures>) => {
  const { interpreter, store, effects, disk, alarms, health, lag, notifications } = deps;
  const ended = new Map<string, Measures['ended'][number]>();
  interpreter.onCommit(({ run, decision }) => {
    if (decision.next?.ended !== true) return;
    const { outcome, duration_ms } = run.projection;
    const of = { pipeline: run.pipeline, outcome: outcome ?? 'none' };
    const sum = ended.get(JSON.stringify(of)) ?? { ...of, count: 0, seconds: 0 };
    ended.set(JSON.stringify(of), {
      ...of,
      count: sum.count + 1,
      seconds: sum.seconds + (duration_ms ?? 0) / 1000,
    });
  });
  return async () => {
    const live = (await liveRuns(store)).map(({ pipeline, projection }) => ({
      pipeline,
      state: projection.state === 'QUEUED' ? ('queued' as const) : ('running' as const),
    }));
    return {
      ended: [...ended.values()],
      live: counted(live),
      eventLoop: lag(),
      journalHead: (await store.journal(headOnly)).headSeq,
      pendingAnswers: effects.pendingAnswers(),
      freeBytes: disk.state().freeBytes,
      alarms: counted(alarms.open().map(({ code }) => ({ alarm: code }))),
      checks: Object.entries(health.report().checks).map(([check, { status }]) => ({
        check,
        isOk: status === 'ok',
      })),
      notifications: notifications.counts(),
    };
  };
};
