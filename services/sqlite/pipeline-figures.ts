import type { FiguresStore } from '../store/figures-store.ts';
import type { Database } from './database.ts';

/** The newest slot of each pipeline that was to bring a run; those left out on purpose are none. */
const lastSlots = (db: Database): Map<string, number> =>
  new Map(
    db
      .all(
        `SELECT pipeline, max((SELECT slot_to FROM slots WHERE slots.schedule_id = schedules.schedule_id AND backfill = ''
           AND decision NOT IN ('skipped', 'cancelled') ORDER BY slot DESC LIMIT 1)) AS at FROM schedules GROUP BY pipeline`,
      )
      .flatMap(({ pipeline, at }) => (at === null ? [] : [[pipeline as string, at as number]])),
  );

/** What is asked from outside, over and over. */
export const createFiguresStore = (db: Database): FiguresStore => ({
  figures: async () =>
    db.transaction('DEFERRED', () => {
      const slots = lastSlots(db);
      const known = db.all(
        `SELECT name, last_run_at, last_success_at, failures, blocked_at FROM pipelines
         LEFT JOIN failure_streaks ON failure_streaks.pipeline = pipelines.name`,
      );
      const pipelines = known.map((row) => ({
        pipeline: row.name as string,
        lastRunAt: row.last_run_at as number | null,
        lastSuccessAt: row.last_success_at as number | null,
        lastSlotAt: slots.get(row.name as string) ?? null,
        failures: (row.failures as number | null) ?? 0,
        isBlocked: row.blocked_at !== null,
      }));
      // A slot may have come without a run ever since.
      const names = new Set(pipelines.map(({ pipeline }) => pipeline));
      for (const [pipeline, lastSlotAt] of slots)
        if (!names.has(pipeline))
          pipelines.push({
            pipeline,
            lastRunAt: null,
            lastSuccessAt: null,
            lastSlotAt,
            failures: 0,
            isBlocked: false,
          });
      const live = db
        .all(
          `SELECT pipeline, state = 'QUEUED' AS is_queued, count(*) AS n FROM runs WHERE ended_at IS NULL
           GROUP BY pipeline, is_queued`,
        )
        .map((row) => ({
          pipeline: row.pipeline as string,
          state: row.is_queued === 1 ? ('queued' as const) : ('running' as const),
          count: row.n as number,
        }));
      return { pipelines, live };
    }),
});
