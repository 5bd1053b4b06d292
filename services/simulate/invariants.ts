import { applyPatch, type RunView, type StatusPatch } from '../../wire/patch.ts';
import type { Lifecycle } from '../interpreter/lifecycle.ts';
import { loadedFrom, type MemoryPlace } from '../memory-store/memory-place.ts';
import { isBoundBy } from '../store/amendments.ts';
import type { EffectRow, Loaded } from '../store/run-rows.ts';
import { viewOf } from '../store/run-view.ts';
import type { SimHost } from './sim-host.ts';

/** An invariant of docs/invariants.md that does not hold. */
export type Broken = { invariant: string; detail: string };

const waitsForSomebody = ['PAUSED', 'QUEUED', 'AWAITING_APPROVAL'];
const isDropping = ({ state }: EffectRow): boolean => state === 'dropping';

/** What holds of the rows of a run, wherever it stands. */
const ofRows = (
  { run, effects, timers }: Loaded,
  { timers: { limitOf } }: Pick<Lifecycle, 'timers'>,
): Broken | null => {
  const { state, why, stages } = run.projection;
  const live = effects.filter((row) => !isDropping(row));
  if (run.endedAt === null && !waitsForSomebody.includes(state)) {
    if (live.length + timers.length === 0)
      return { invariant: 'I2', detail: `${state} has no effect and no timer that will move it` };
    const isLimited = (row: EffectRow): boolean =>
      timers.some((timer) => isBoundBy(row, timer) && limitOf(timer.id) === 'attempt');
    const endless = live.find((row) => row.kind === 'stage' && !isLimited(row));
    if (endless) return { invariant: 'I2', detail: `${endless.id} works without a deadline` };
  }
  if (why === '') return { invariant: 'I2', detail: `${state} does not say what it waits for` };
  const over = stages.find(({ attempt, max_attempts }) => attempt > max_attempts);
  if (over) {
    const { name, attempt, max_attempts } = over;
    return {
      invariant: 'I9',
      detail: `${name} is at attempt ${attempt} of at most ${max_attempts}`,
    };
  }
  return null;
};

type Unless = (holds: boolean, invariant: string, detail: () => string) => void;

/** Reads the journal as a client does: gapless, and its fold is what the row shows. */
const follower = (place: MemoryPlace, runId: string, unless: Unless) => {
  let seen = 0;
  let runSeq = 0;
  let view: RunView | null = null;
  return ({ run }: Loaded): void => {
    for (const event of place.journal.slice(seen)) {
      unless(event.seq === seen + 1, 'I7', () => `seq ${event.seq} follows ${seen}`);
      seen += 1;
      if (event.run_id !== runId) continue;
      unless(
        event.run_seq === runSeq + 1,
        'I7',
        () => `run_seq ${event.run_seq} follows ${runSeq}`,
      );
      runSeq += 1;
      const { patch } = event.data;
      if (patch) view = applyPatch(view, patch as StatusPatch);
    }
    unless(runSeq === run.runSeq, 'I7', () => `${runSeq} events, and run_seq ${run.runSeq}`);
    const shown = JSON.stringify(view);
    const stored = JSON.stringify(viewOf(run));
    unless(shown === stored, 'I11', () => `the stream says ${shown}, the row ${stored}`);
  };
};

/** Looks at everything after each write, and remembers what was there before. */
export const createChecks = ({
  place,
  host,
  lifecycle,
  runId,
}: {
  place: MemoryPlace;
  host: SimHost;
  lifecycle: Pick<Lifecycle, 'timers'>;
  runId: string;
}) => {
  let broken: Broken | null = null;
  let before: Loaded | null = null;
  const breaks = (found: Broken | null): void => {
    broken ??= found;
  };
  const unless: Unless = (holds, invariant, detail) => {
    if (!holds) breaks({ invariant, detail: detail() });
  };
  const follow = follower(place, runId, unless);

  const look = (): void => {
    const now = loadedFrom(place, runId);
    if (!now || broken) return;
    const { run, effects } = now;
    const { state } = run.projection;
    if (before && before.run.endedAt !== null)
      unless(run.version === before.run.version, 'I1', () => `${state} was left`);
    breaks(ofRows(now, lifecycle));
    const { key, limit } = run.definition.concurrency;
    const holders = place.holders.filter((one) => one.key === key).length;
    unless(holders <= limit, 'I3', () => `${holders} runs hold ${key}, which has ${limit} places`);
    if (before) unless(run.chart === before.run.chart, 'I12', () => 'the chart was changed');
    const left = host.living(runId).map(({ effect }) => effect.id);
    const still = () => `${state}, and ${left.join(', ')} still works`;
    if (state === 'STOPPED') unless(left.length === 0, 'I8', still);
    if (run.endedAt !== null && run.lock === null) {
      unless(left.length === 0, 'I13', still);
      const rows = effects.map(({ id }) => id);
      unless(
        rows.length === 0,
        'I13',
        () => `${state}, and its rows of ${rows.join(', ')} are left`,
      );
    }
    follow(now);
    before = now;
  };

  return {
    look,
    breaks,
    broken: (): Broken | null => broken,
    /** A program is about to begin. */
    begins: (effect: EffectRow): void => {
      const rows = loadedFrom(place, runId)?.effects ?? [];
      unless(
        rows.some(({ id, stamp }) => id === effect.id && stamp === effect.stamp),
        'I5',
        () => `${effect.id} begins, and no committed row asks for it`,
      );
      const other = host
        .living(runId)
        .find((one) => one.effect.input.stage === effect.input.stage && one.effect !== effect);
      unless(
        !other,
        'I13',
        () =>
          `attempt ${effect.attempt} of ${effect.input.stage} begins beside attempt ${other?.effect.attempt}`,
      );
    },
  };
};
