import { stageOfTimer } from '../../machines/timer-ids.ts';
import type { Ending, ProcessIdentity } from '../../stages/contract.ts';
import type { Progress } from '../../wire/status.ts';
import type { EffectRow, Fence, Loaded, RunRow, TimerRow } from './run-rows.ts';
import type { Amendment, Change } from './run-store.ts';

// What is written of a run between its steps, each as a pure function of what is there.
type Plan = Change['change'];

const effectOf = ({ effects }: Loaded, { id, stamp }: Fence): EffectRow | undefined =>
  effects.find((one) => one.id === id && one.stamp === stamp);
const changed = (effect: EffectRow | undefined, to: Partial<EffectRow>): Amendment | null =>
  effect ? { effects: [{ ...effect, ...to }] } : null;

/**
 * Who works, before the gate opens; a `process` of null works in the service itself. Nothing when the
 * effect does not wait for it any more.
 */
export const processRecorded =
  (fence: Fence, process: ProcessIdentity | null): Plan =>
  (loaded) => {
    const effect = effectOf(loaded, fence);
    return effect?.state === 'born' ? changed(effect, { state: 'started', process }) : null;
  };

/** The deadline of an ending; a mark that was delayed does not overwrite a nearer one. */
export const endingRecorded =
  (fence: Fence, ending: Ending): Plan =>
  (loaded) => {
    const effect = effectOf(loaded, fence);
    const known = effect?.ending;
    const isNearer = known?.bootId === ending.bootId && known.killAt <= ending.killAt;
    return isNearer ? null : changed(effect, { ending });
  };

/** The last sign of life. */
export const heard =
  (fence: Fence, heartbeatAt: number): Plan =>
  (loaded) =>
    changed(effectOf(loaded, fence), { heartbeatAt });

export const progressed =
  (progress: Progress): Plan =>
  () => ({ progress });

/** Something else is said of a run whose chart stands still, while this effect lives. */
export const whyChanged =
  (fence: Fence, next: (why: string, run: RunRow) => string | null): Plan =>
  (loaded) => {
    const effect = effectOf(loaded, fence);
    if (!effect || effect.state === 'dropping') return null;
    const { state, canonical, why: before } = loaded.run.projection;
    const why = next(before, loaded.run);
    if (why === null) return null;
    const { version } = loaded.run;
    const data = {
      from: state,
      to: state,
      canonical,
      version,
      cause: { kind: 'effect' },
      patch: { why },
    };
    const said = { stage: 'pipeline', event: 'why_change', severity: 'debug' } as const;
    return { why, event: { ...said, msg: why, data } };
  };

/**
 * The drain's proof: these dropped attempts have no process any more. The last one of an ended run
 * gives its lock back, and says so.
 */
export const drained =
  (fences: readonly Fence[]): Plan =>
  (loaded) => {
    const { run, effects } = loaded;
    const remove = fences.filter((fence) => effectOf(loaded, fence)?.state === 'dropping');
    const left = effects.filter(
      ({ kind, id, stamp }) =>
        kind === 'stage' && !remove.some((gone) => gone.id === id && gone.stamp === stamp),
    );
    if (run.endedAt === null || run.lock === null || left.length > 0) return { remove };
    return {
      remove,
      freesLock: true,
      event: {
        stage: 'system',
        event: 'recovered',
        severity: 'info',
        msg: 'no process of the run is left; its lock is free again',
        data: { patch: { lock: null } },
      },
    };
  };

type BoundEffect = Pick<EffectRow, 'stamp' | 'input'>;
/**
 * A limit and the effect that it bounds are of one step, so they carry one stamp; stages beside each
 * other begin in the same one.
 */
export const isBoundBy = (
  { stamp, input }: BoundEffect,
  timer: Pick<TimerRow, 'id' | 'stamp'>,
): boolean => stamp === timer.stamp && (stageOfTimer(timer.id) ?? undefined) === input.stage;

/** An effect begins only now: what was armed with it, on this boot's clock, counts from here. */
export const limitsRestarted =
  (effect: BoundEffect, monotonicMs: number): Plan =>
  ({ timers }) => ({
    timers: timers
      .filter((timer) => timer.clock === 'monotonic' && isBoundBy(effect, timer))
      .map((timer) => ({ ...timer, dueAt: monotonicMs + timer.delayMs })),
  });

/**
 * Gives their full time again to limits of an earlier boot, and to those on what is not begun or is
 * begun anew: checks, files to be verified, an attempt whose program does not run yet.
 */
export const rearmed =
  (bootId: string, monotonicMs: number): Plan =>
  ({ effects, timers }) => {
    const again = timers.filter(
      (timer) =>
        timer.clock === 'monotonic' &&
        (timer.bootId !== bootId ||
          effects.some((effect) => effect.state === 'born' && isBoundBy(effect, timer))),
    );
    if (again.length === 0) return null;
    return {
      timers: again.map((timer) => ({ ...timer, dueAt: monotonicMs + timer.delayMs, bootId })),
    };
  };
