import type { Clock } from '../clock.ts';
import type { Look } from '../look.ts';
import type { RunRow, Store } from '../store.ts';
import { type Book, type Schedule, writtenIn } from './book.ts';
import { checkedAlone, checkedIn, withoutNulls } from './checked.ts';
import { overridesOf } from './edits.ts';
import { planOf } from './planner.ts';
import { type LiveRun, medianOf, predict, warningsOf } from './preview.ts';
import type { Scheduler } from './scheduler.ts';
import type { Schedules } from './schedules-port.ts';

type Deps = { store: Store; book: Book; scheduler: Scheduler; clock: Clock; look: Look };
/** How many runs say what is usual. */
const usualOf = 20;

/** What will be, as far as the planner and the usual duration of runs can say. */
export const createOutlook = (
  { store, book, scheduler, clock, look }: Deps,
  found: (id: string) => Schedule,
) => {
  /** The run of the pipeline that is live now, and when runs like it are over. */
  const liveOf = async (pipeline: string, usualMs: number | null): Promise<LiveRun | null> => {
    const { run } = await store.latest(pipeline);
    const likely = ({ createdAt }: RunRow): number | null =>
      usualMs === null ? null : Math.max(createdAt + usualMs, clock.wallMs());
    return run && run.endedAt === null
      ? { number: run.number, state: run.projection.state, likelyEnd: likely(run) }
      : null;
  };
  const usual = async (pipeline: string): Promise<number | null> =>
    medianOf(await store.durations(pipeline, usualOf));

  const previewSchedule: Schedules['previewSchedule'] = async ({
    id,
    pipeline: named,
    written,
    from,
    count,
  }) => {
    const stored = id === null ? null : found(id);
    const pipeline = stored?.row.pipeline ?? named;
    const fields = stored
      ? writtenIn({
          file: stored.row.file,
          overrides: { ...stored.row.overrides, ...overridesOf(written, '', 0) },
        })
      : withoutNulls(written);
    const { definition, days } =
      pipeline === null ? checkedAlone(fields) : await checkedIn(look, pipeline, fields);
    const slots = planOf(id ?? pipeline ?? 'preview', definition, days).between(
      from ?? clock.wallMs(),
      Number.POSITIVE_INFINITY,
      count,
    );
    const usualMs = pipeline === null ? null : await usual(pipeline);
    const live = pipeline === null || from !== null ? null : await liveOf(pipeline, usualMs);
    return {
      timezone: definition.timezone,
      usual_duration_ms: usualMs,
      slots: predict(slots, definition.overlap, usualMs, live),
      warnings: warningsOf(slots, usualMs),
    };
  };

  const upcoming = async (limit: number) => {
    look.truthful();
    const isPaused = (await scheduler.paused()) !== null;
    const lists = await Promise.all(
      book.all().map(async ({ row, definition, plan }) => {
        if (!plan || !definition.enabled || isPaused) return [];
        const usualMs = await usual(row.pipeline);
        const slots = plan.between(
          Math.max(clock.wallMs(), row.decidedTo),
          Number.POSITIVE_INFINITY,
          limit,
        );
        const coming = predict(
          slots,
          definition.overlap,
          usualMs,
          await liveOf(row.pipeline, usualMs),
        );
        return coming.map((one) => ({ schedule: row.id, pipeline: row.pipeline, ...one }));
      }),
    );
    const items = lists.flat().sort((a, b) => (a.fires_at < b.fires_at ? -1 : 1));
    return items.slice(0, limit);
  };

  return { previewSchedule, upcoming };
};
