import { attemptEvents } from '../../wire/fold-attempt.ts';
import { runIdFloor } from '../host/run-id.ts';
import type { FiguresStore } from '../store/figures-store.ts';
import type { JournalFilter, JournalStore } from '../store/journal-store.ts';
import type { RunRow } from '../store/run-rows.ts';
import type { RunFilter, RunStore } from '../store/run-store.ts';
import type { Store } from '../store/store.ts';
import { memoryFigures } from './memory-figures.ts';
import { appendTo, loadedFrom, type MemoryPlace, queueIn, streakOf } from './memory-place.ts';
import { memorySlots } from './memory-slots.ts';
import { memoryWrites } from './memory-writes.ts';

/** What the memory keeps of a store: everything that a run needs, and nothing that outlives it. */
export type MemoryStore = RunStore &
  JournalStore &
  FiguresStore &
  ReturnType<typeof memorySlots> &
  Pick<Store, 'epoch' | 'close'>;

const allRuns = (place: MemoryPlace): RunRow[] =>
  [...place.runs.keys()]
    .sort()
    .reverse()
    .flatMap((runId) => loadedFrom(place, runId)?.run ?? []);

const isMeant =
  ({ pipeline, state, trigger, isLive, isWhole, fromMs, toMs, q, before }: RunFilter) =>
  (run: RunRow): boolean => {
    const { runId, reason, number, projection } = run;
    const texts = [runId, reason, projection.error?.message, String(number)];
    return (
      (pipeline === undefined || run.pipeline === pipeline) &&
      (state === undefined || projection.state === state) &&
      (trigger === undefined || run.trigger === trigger) &&
      (isLive === undefined || run.endedAt === null) &&
      (isWhole === undefined || run.onlyStage === null) &&
      (fromMs === undefined || runId >= runIdFloor(fromMs)) &&
      (toMs === undefined || runId < runIdFloor(toMs)) &&
      (before === undefined || runId < before) &&
      (q === undefined || texts.some((text) => text?.toLowerCase().includes(q.toLowerCase())))
    );
  };

const isWanted =
  ({ runId, pipeline, stage, event, after = 0 }: Omit<JournalFilter, 'limit'>) =>
  (row: MemoryPlace['journal'][number]): boolean =>
    row.seq > after &&
    (runId === undefined || row.run_id === runId) &&
    (pipeline === undefined || row.pipeline === pipeline) &&
    (stage === undefined || row.stage === stage) &&
    (event === undefined || row.event === event);

/** Every live run of a pipeline, and its latest. */
const shownIn = (place: MemoryPlace, pipeline: string): RunRow[] => {
  const mine = allRuns(place).filter((run) => run.pipeline === pipeline);
  const latest = mine.toSorted((a, b) => b.number - a.number)[0];
  return mine.reverse().filter((run) => run.endedAt === null || run === latest);
};

/** The store in memory: for what need not be kept, under the same contract as every other. */
export const openMemoryStore = (place: MemoryPlace): MemoryStore => {
  const headSeq = (): number => place.journal.length;
  const living = () => [...place.runs.values()];
  return {
    ...memoryWrites(place),
    ...memorySlots(place),
    ...memoryFigures(place),
    epoch: 'memory',
    run: async (runId) => {
      const loaded = loadedFrom(place, runId);
      if (!loaded) return null;
      const { run, effects, timers } = loaded;
      return { run, effects, timers, headSeq: headSeq() };
    },
    runs: async (filter) => {
      const found = allRuns(place).filter(isMeant(filter));
      const items = found.slice(0, filter.limit).map((run) => {
        if (filter.patterns === undefined) return run;
        const seen = place.inputs.get(run.runId)?.find((one) => one.patterns === filter.patterns);
        return { ...run, inputsFound: seen?.marks ?? null };
      });
      const next = found.length > filter.limit ? (items.at(-1)?.runId ?? null) : null;
      return { items, next, headSeq: headSeq() };
    },
    latest: async (pipeline) => ({
      runs: shownIn(place, pipeline),
      reset: place.pipelines.get(pipeline)?.reset,
      streak: streakOf(place, pipeline),
      headSeq: headSeq(),
    }),
    effects: async () =>
      living()
        .flatMap(({ effects }) => effects)
        .toSorted((a, b) => a.createdAt - b.createdAt),
    timers: async () => living().flatMap(({ timers }) => timers),
    queue: async (key) => queueIn(place, key),
    chart: async (hash) => place.charts.get(hash) ?? null,
    note: async (event, at) => void appendTo(place, event, at),
    journal: async (filter) => {
      const found = place.journal.filter(isWanted(filter));
      const events =
        filter.after === undefined
          ? found.slice(Math.max(0, found.length - filter.limit))
          : found.slice(0, filter.limit);
      return { events, oldestSeq: 1, headSeq: headSeq() };
    },
    ledger: async (runId, of) => {
      const rows = place.ledger.get(runId) ?? [];
      if ('version' in of)
        return rows.filter((row) => row.version === of.version && row.verdict === 'accepted');
      const later = rows.filter(({ n }) => n > of.after).slice(0, of.limit);
      return later.map(({ snapshot: _, ...row }) => row);
    },
    snapshotRead: async (scope, recent) => {
      const { runId, pipeline } = scope;
      const loaded = runId === undefined ? null : loadedFrom(place, runId);
      const names = pipeline === undefined ? [...place.pipelines.keys()].sort() : [pipeline];
      const resets = names.flatMap((name): [string, string | null][] => {
        const reset = place.pipelines.get(name)?.reset;
        return reset === undefined ? [] : [[name, reset]];
      });
      const events = place.journal.filter(isWanted(scope));
      const words: readonly string[] = attemptEvents;
      return {
        headSeq: headSeq(),
        runs: loaded ? [loaded.run] : runId ? [] : names.flatMap((name) => shownIn(place, name)),
        resets: runId ? {} : Object.fromEntries(resets),
        recent: events.slice(Math.max(0, events.length - recent)),
        attemptEvents: runId
          ? events.filter((row) => words.includes(row.event) && row.attempt !== undefined)
          : [],
        timers: loaded?.timers ?? [],
      };
    },
    meta: async (key) => place.meta.get(key) ?? null,
    setMeta: async (key, value) => void place.meta.set(key, value),
    close: async () => {},
  };
};
