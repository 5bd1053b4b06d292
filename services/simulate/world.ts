import type { PipelineDefinition } from '../../definition/definition.ts';
import type { Happening } from '../../wire/simulation.ts';
import { type Charts, createCharts, type PinnedChart } from '../interpreter/charts.ts';
import type { Lifecycle } from '../interpreter/lifecycle.ts';
import { loadedFrom, type MemoryPlace, newMemoryPlace } from '../memory-store/memory-place.ts';
import type { RunRow } from '../store/run-rows.ts';
import { createChecks } from './invariants.ts';
import { createSimHost, type SimHost } from './sim-host.ts';
import type { SimService } from './sim-service.ts';
import { createStoryteller } from './story.ts';
import { createVirtualClock, type Life, type VirtualClock } from './virtual-clock.ts';

/** A definition with the chart that it compiles to, apart from any store. */
export const standAlone = (
  definition: PipelineDefinition,
  lifecycle: Lifecycle,
): Pick<Simulated, 'definition' | 'charts' | 'chart'> => {
  const charts = createCharts({ chart: async () => null }, lifecycle);
  return { definition, charts, chart: charts.pin(definition) };
};

export type Simulated = {
  definition: PipelineDefinition;
  charts: Charts;
  /** Of this definition; made once for many runs. */
  chart: PinnedChart;
  script: readonly Happening[];
  /** Called at each instant. @throws to end it */
  goesOn: () => void;
};

/** All there is around one simulated run. */
export type World = Simulated & {
  runId: string;
  clock: VirtualClock;
  host: SimHost;
  /** What was committed: it outlives services and machines. */
  place: MemoryPlace;
  /** What happens whatever becomes of service and machine. */
  fate: Life;
  checks: ReturnType<typeof createChecks>;
  story: ReturnType<typeof createStoryteller>;
  /** Null while it is away. */
  service: SimService | null;
  /** To the store so far. */
  writes: number;
  /** Of the journal that the story has told. */
  heard: number;
  /** What was set going and has not come yet. */
  coming: number;
  /** When the run had ended. */
  endedMs: number | null;
};

/** Always the same, and so is the jitter of waits: a script tells one story. */
const runId = `r_${'0'.repeat(25)}1`;
const startedAt = Date.UTC(2026, 0, 5, 6);

export const rowOf = ({ place, runId }: Pick<World, 'place' | 'runId'>): RunRow | undefined =>
  loadedFrom(place, runId)?.run;

export const createWorld = (asked: Simulated): World => {
  const clock = createVirtualClock(startedAt);
  const host = createSimHost(clock);
  const place = newMemoryPlace();
  const fate = clock.live();
  const { lifecycle } = asked.charts;
  const state = () => place.runs.get(runId)?.run.projection.state ?? 'IDLE';
  return {
    ...asked,
    runId,
    clock,
    host,
    place,
    fate,
    checks: createChecks({ place, host, lifecycle, runId }),
    story: createStoryteller(clock, fate.wallMs, state),
    service: null,
    writes: 0,
    heard: 0,
    coming: 0,
    endedMs: null,
  };
};

/** The story goes on to where the journal is. */
export const hear = (world: World): void => {
  for (const event of world.place.journal.slice(world.heard)) world.story.hear(event);
  world.heard = world.place.journal.length;
};

export const later = (world: World, ms: number, happen: () => void): void => {
  world.coming += 1;
  world.fate.after(ms, () => {
    world.coming -= 1;
    happen();
  });
};
