import { allStages } from '../../definition/definition.ts';
import { endOf, outputSeen } from '../../stages/evidence.ts';
import type { Clock } from '../host/clock.ts';
import { attemptDirOf } from '../host/paths.ts';
import { isBoundBy } from '../store/amendments.ts';
import type { EffectRow, RunRow } from '../store/run-rows.ts';
import type { Store } from '../store/store.ts';

/** After the grace of what a program left behind: SIGKILL, and the files are read to their end. */
const answerMs = 5000;

const stageOf = (run: RunRow, effect: EffectRow) =>
  allStages(run.definition).find(({ name }) => name === effect.input.stage);

/**
 * Whether an attempt of the run, or of this stage of it, has ended and its answer is on its way.
 * @returns how long that may take; null when nothing has ended
 */
export const createAnswerWithin =
  ({ store, dataDir }: { store: Pick<Store, 'run'>; dataDir: string }) =>
  async (runId: string, of: string | null): Promise<number | null> => {
    const { run, effects = [] } = (await store.run(runId)) ?? {};
    const waits: number[] = [];
    for (const working of effects) {
      const stage = run && stageOf(run, working);
      if (working.kind !== 'stage' || working.state !== 'started' || !stage) continue;
      if (of !== null && of !== stage.name) continue;
      const end = await endOf(attemptDirOf(dataDir, runId, stage.name, working.attempt));
      if (end) waits.push(stage.graceMs + answerMs);
    }
    return waits.length > 0 ? Math.max(...waits) : null;
  };

/** What the world shows of an attempt, whoever was away meanwhile. */
export const createAsk =
  (dataDir: string) =>
  async ({ runId, input, attempt }: EffectRow) => {
    const dir = attemptDirOf(dataDir, runId, input.stage as string, attempt);
    const [end, output] = await Promise.all([endOf(dir), outputSeen(dir)]);
    return { hasEnded: end !== null, output };
  };

/**
 * Says so when an attempt ended after its limit and counts as it ended, because nobody was there to
 * end it.
 */
export const createLateExit =
  (deps: {
    store: Pick<Store, 'run'>;
    clock: Pick<Clock, 'wallMs' | 'monotonicMs' | 'bootId'>;
    dataDir: string;
    note: (event: Parameters<Store['note']>[0]) => Promise<void>;
  }) =>
  async (run: RunRow, effect: EffectRow): Promise<void> => {
    const { store, clock, dataDir, note } = deps;
    const stage = stageOf(run, effect);
    if (!stage || clock.wallMs() - effect.createdAt <= stage.timeoutMs) return;
    const { effects = [], timers = [] } = (await store.run(run.runId)) ?? {};
    // One that was ended is not late.
    const { id, stamp } = effect;
    if (!effects.some((row) => row.stamp === stamp && row.id === id && row.state === 'started'))
      return;
    const end = await endOf(attemptDirOf(dataDir, run.runId, stage.name, effect.attempt));
    if (!end) return;
    const timer = timers.find(
      (row) => isBoundBy(effect, row) && row.id.includes('.attemptTimeout.'),
    );
    const dueAt =
      timer?.bootId === clock.bootId()
        ? clock.wallMs() - clock.monotonicMs() + timer.dueAt
        : effect.createdAt + stage.timeoutMs;
    const ms = Math.round(Date.parse(end.ended_at) - dueAt);
    if (ms <= 0) return;
    const { runId, pipeline } = run;
    const [late, limit] = [ms, stage.timeoutMs].map((one) => `${(one / 1000).toFixed(1)} s`);
    await note({
      runId,
      pipeline,
      stage: stage.name,
      attempt: effect.attempt,
      event: 'warning',
      severity: 'warning',
      msg: `${stage.name} ended ${late} after its timeout of ${limit}, while the service was away: the result counts`,
      data: { kind: 'late-exit', ms, limit_ms: stage.timeoutMs },
    });
  };
