import type { FiguresStore, PipelineFigures } from '../store/figures-store.ts';
import { type MemoryPlace, streakOf } from './memory-place.ts';

const latest = (instants: readonly number[]): number | null =>
  instants.length > 0 ? Math.max(...instants) : null;

/** The newest slot of a pipeline that was to bring a run; those left out on purpose are none. */
const lastSlotOf = (place: MemoryPlace, pipeline: string): number | null =>
  latest(
    [...place.slots.values()]
      .filter(
        ({ scheduleId, backfill, decision }) =>
          place.schedules.get(scheduleId)?.pipeline === pipeline &&
          backfill === '' &&
          !['skipped', 'cancelled'].includes(decision),
      )
      .map(({ slotTo }) => slotTo),
  );

const figuresOf = (place: MemoryPlace, pipeline: string): PipelineFigures => {
  const ended = [...place.runs.values()].flatMap(({ run }) =>
    run.pipeline === pipeline && run.onlyStage === null && run.endedAt !== null
      ? [{ at: run.endedAt, outcome: run.projection.outcome ?? '' }]
      : [],
  );
  const well = ended.filter(({ outcome }) => ['success', 'noop'].includes(outcome));
  const { failures, blockedAt } = streakOf(place, pipeline);
  return {
    pipeline,
    lastRunAt: latest(ended.map(({ at }) => at)),
    lastSuccessAt: latest(well.map(({ at }) => at)),
    lastSlotAt: lastSlotOf(place, pipeline),
    failures,
    isBlocked: blockedAt !== null,
  };
};

export const memoryFigures = (place: MemoryPlace): FiguresStore => ({
  figures: async () => {
    const scheduled = [...place.schedules.values()].map(({ pipeline }) => pipeline);
    const names = new Set([...place.pipelines.keys(), ...scheduled]);
    const running = [...place.runs.values()].filter(({ run }) => run.endedAt === null);
    const counts = Map.groupBy(running, ({ run: { pipeline, projection } }) =>
      JSON.stringify([pipeline, projection.state === 'QUEUED' ? 'queued' : 'running']),
    );
    return {
      pipelines: [...names].map((name) => figuresOf(place, name)),
      live: [...counts].map(([key, some]) => {
        const [pipeline, state] = JSON.parse(key) as [string, 'queued' | 'running'];
        return { pipeline, state, count: some.length };
      }),
    };
  },
});
