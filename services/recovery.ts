import type { AttemptAnswer } from '../stages/contract.ts';
import { settleFromEvidence } from '../stages/evidence.ts';
import { withLocalMessage } from '../stages/local-paths.ts';
import type { Admission } from './admission.ts';
import type { Clock } from './clock.ts';
import { fenceOf } from './fence.ts';
import type { Effects, Failed } from './interpreter/effects.ts';
import type { Interpreter } from './interpreter/interpreter.ts';
import type { Timers } from './interpreter/timers.ts';
import { attemptDirOf, workspaceOf, workspaceOwner } from './paths.ts';
import { outputOf } from './runners/stage.ts';
import type { Secrets } from './secrets.ts';
import type { Cause, EffectRow, RunRow, Store } from './store.ts';

type Deps = {
  store: Store;
  interpreter: Interpreter;
  effects: Effects;
  timers: Timers;
  admission: Admission;
  clock: Clock;
  dataDir: string;
  secrets: Secrets;
  /** Ends what an ended run left behind. */
  reap: (runId: string) => void;
};

/**
 * Tells the truth about what the last service left, in the ruled order: 1 live stage effects are
 * settled, by evidence or as interrupted; then everything else that was asked for is asked for
 * again; 2 overdue timers fire, 3 whoever waits for a free place gets it. State may be answered
 * when this resolves (T5, S15).
 */
export const recover = async ({
  store,
  interpreter,
  effects,
  timers,
  admission,
  clock,
  dataDir,
  secrets,
  reap,
}: Deps): Promise<{ runs: number }> => {
  const rows = await store.effects();
  const live = new Set((await store.liveRuns()).map(({ runId }) => runId));
  await store.rearmMonotonic(clock.bootId(), clock.monotonicMs());

  const settle = createSettle({ store, interpreter, effects, dataDir, secrets });
  for (const effect of rows.filter(({ kind, state }) => kind === 'stage' && state === 'started'))
    await settle(effect, { kind: 'recovery' }, 'the service was gone while it worked');
  // Only what the last service left: what the answers above have borne is started by their commits.
  for (const effect of rows) {
    if (effect.state === 'dropping' && !live.has(effect.runId)) reap(effect.runId);
    // Committed, not started: behind the gate nothing ran, so it is simply begun (T6).
    if (effect.state !== 'born') continue;
    const found = await store.run(effect.runId);
    if (found) effects.start(effect, found.run);
  }
  await timers.tick();
  await admission.settleAll();
  return { runs: live.size };
};

/**
 * An attempt that nobody follows any more: its answer is the evidence it left, or that it was
 * interrupted.
 */
export const createSettle =
  ({
    store,
    interpreter,
    effects,
    dataDir,
    secrets,
  }: Pick<Deps, 'store' | 'interpreter' | 'effects' | 'dataDir' | 'secrets'>) =>
  async (effect: EffectRow, cause: Cause, message: string): Promise<void> => {
    const found = await store.run(effect.runId);
    const answer =
      found &&
      (await settleFromEvidence(
        attemptDirOf(dataDir, effect.runId, effect.input.stage as string, effect.attempt),
        secrets.maskOf(found.run.definition),
      ));
    if (answer && found) await effects.answer(effect, resultOf(answer, found.run, dataDir));
    else await interrupt(interpreter, effect, message, cause);
  };

export const interrupt = async (
  interpreter: Interpreter,
  effect: EffectRow,
  message: string,
  cause: Cause = { kind: 'recovery' },
): Promise<void> => {
  await interpreter.deliver(effect.runId, {
    event: { type: 'INTERRUPTED', message },
    fence: fenceOf(effect),
    cause,
  });
};

const resultOf = (answer: AttemptAnswer, run: RunRow, dataDir: string) => {
  try {
    return { output: outputOf(answer) };
  } catch (error) {
    const workspace = workspaceOf(dataDir, workspaceOwner(run));
    const { failure } = error as Failed;
    return { error: withLocalMessage(failure, { projectDir: run.projectDir, workspace }) };
  }
};
