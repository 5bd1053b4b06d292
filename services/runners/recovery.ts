import type { SentEvent } from '../../machines/context.ts';
import { liveRuns } from '../../services/store/run-view.ts';
import type { Failed } from '../../stages/attempt-failed.ts';
import type { AttemptAnswer } from '../../stages/contract.ts';
import { hasEvidence, saidIn, settleFromEvidence } from '../../stages/evidence.ts';
import type { ProcessTable } from '../../stages/launcher-port.ts';
import { withLocalMessage } from '../../stages/local-paths.ts';
import type { Cause } from '../../wire/run-answers.ts';
import type { Clock } from '../host/clock.ts';
import { attemptDirOf, workspaceOf, workspaceOwner } from '../host/paths.ts';
import { rearmAll } from '../interpreter/due-timers.ts';
import type { Effects } from '../interpreter/effects.ts';
import type { Interpreter } from '../interpreter/interpreter.ts';
import type { Timers } from '../interpreter/timers.ts';
import type { Secrets } from '../secrets/secrets.ts';
import type { Admission } from '../start/admission.ts';
import { fenceOf } from '../store/fence.ts';
import type { EffectRow, RunRow } from '../store/run-rows.ts';
import type { Store } from '../store/store.ts';
import { graceOf } from './drain.ts';
import { outputOf, type StageMarks } from './stage-runner.ts';

type Said = Pick<AttemptAnswer, 'progress' | 'warnings'>;
/** What attempts left behind that nobody followed to their end. */
export type Evidence = {
  /** Whether there is an answer; cheap. */
  isThere(effect: EffectRow): Promise<boolean>;
  answer(effect: EffectRow, run: RunRow): Promise<AttemptAnswer | null>;
  said(effect: EffectRow, run: RunRow): Promise<Said | null>;
};
/** The evidence that lies in the folders of attempts. */
export const evidenceIn = ({
  dataDir,
  secrets,
}: {
  dataDir: string;
  secrets: Secrets;
}): Evidence => ({
  isThere: (effect) => hasEvidence(dirOf(dataDir, effect)),
  answer: (effect, run) => settleFromEvidence(dirOf(dataDir, effect), secrets.maskOf(run)),
  said: (effect, run) => saidIn(dirOf(dataDir, effect), secrets.maskOf(run)),
});

type Deps = {
  store: Pick<Store, 'run' | 'runs' | 'effects' | 'timers' | 'amend' | 'journal'>;
  interpreter: Interpreter;
  effects: Effects;
  timers: Pick<Timers, 'tick'>;
  admission: Pick<Admission, 'settleAll'>;
  clock: Clock;
  dataDir: string;
  evidence: Evidence;
  processes: Pick<ProcessTable, 'isAlive' | 'end'>;
  /** Called when SIGTERM was sent, and each time the deadline came nearer. */
  ending: StageMarks['ending'];
  /** Tells the journal what an attempt said last. */
  left: StageMarks['left'];
  /** Ends what an ended run left behind. */
  reap: (runId: string) => void;
};

/**
 * Tells the truth about what the last service left, in the ruled order: 1 live stage effects are
 * settled, by evidence or as interrupted; then everything else that was asked for is asked for
 * again; 2 overdue timers fire, 3 whoever waits for a free place gets it. State may be answered
 * when this resolves (T5, S15).
 */
export const recover = async (deps: Deps): Promise<{ runs: number }> => {
  const { store, effects, timers, admission, clock, reap } = deps;
  const rows = await store.effects();
  const live = new Set((await liveRuns(store)).map(({ runId }) => runId));
  const settle = createSettle(deps);
  const stages = rows.filter(({ kind }) => kind === 'stage');
  // At once: the graces of what they left do not add up.
  await Promise.all(
    stages
      .filter(({ state }) => state === 'started')
      .map((one) => settle(one, { kind: 'recovery' }, 'the service was gone while it was running')),
  );
  for (const effect of stages) {
    // It was being ended: its drain is begun again, but nobody is left to say what it said last.
    const isEnding = effect.state === 'dropping' && live.has(effect.runId);
    const found = isEnding && (await store.run(effect.runId));
    if (found) await tellLast(deps, effect, found.run, null);
  }
  // However long nobody was there: what is begun now has its full time, from now on. A grace is
  // none of these: an ending has one deadline.
  const [wallMs, monotonicMs] = [clock.wallMs(), clock.monotonicMs()];
  await rearmAll(store, { wallMs, monotonicMs, bootId: clock.bootId() });
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

/** SIGKILL is at once; whom the kernel holds is not waited for. */
const killMs = 5000;

/**
 * An attempt that nobody follows any more: its answer is the evidence it left, or that it was
 * interrupted. As from its own runner, nobody hears that it ended while a process of it is left.
 */
export const createSettle = (
  deps: Omit<Deps, 'timers' | 'admission' | 'reap'>,
): ((effect: EffectRow, cause: Cause, message: string) => Promise<void>) => {
  const { store, interpreter, effects, clock, dataDir, evidence, processes, ending } = deps;
  const answered = async (effect: EffectRow, run: RunRow): Promise<boolean> => {
    const { process, token } = effect;
    // Whoever lives has not ended, whatever stands in its folder.
    if (process && processes.isAlive(process)) return false;
    if (!(await evidence.isThere(effect))) return false;
    await processes.end(process, token, graceOf(run, effect), new AbortController().signal, {
      known: effect.ending,
      joins: true,
      changed: (one) => ending(effect, one),
    });
    const answer = await evidence.answer(effect, run);
    if (!answer) return false;
    await tellLast(deps, effect, run, answer);
    await effects.answer(effect, resultOf(answer, run, dataDir));
    return true;
  };
  return async (effect, cause, message) => {
    const found = await store.run(effect.runId);
    if (!found) return;
    const { run } = found;
    const late = Promise.withResolvers<true>();
    // Its answer comes once the kernel lets go.
    const cancel = clock.after(graceOf(run, effect) + killMs, () => late.resolve(true));
    const isAnswered = await Promise.race([answered(effect, run), late.promise]).finally(cancel);
    if (isAnswered) return;
    await tellLast(deps, effect, run, null);
    await interrupt(interpreter, effect, message, cause);
  };
};

/** Nobody else will: its runner is gone, and what it said last stands in the status. */
const tellLast = async (
  { store, evidence, left }: Pick<Deps, 'store' | 'evidence' | 'left'>,
  effect: EffectRow,
  run: RunRow,
  answer: Said | null,
): Promise<void> => {
  // What cannot be read is not said, and holds up no start.
  const said = answer ?? (await evidence.said(effect, run).catch(() => null));
  if (said) await left(run, effect, await unsaid(store, effect, said));
};

const dirOf = (dataDir: string, { runId, input, attempt }: EffectRow): string =>
  attemptDirOf(dataDir, runId, input.stage as string, attempt);

/** Without what the journal has already: a service that died here has said some of it. */
const unsaid = async (
  store: Pick<Store, 'journal'>,
  { runId, input, attempt }: EffectRow,
  { progress, warnings }: Said,
): Promise<Said> => {
  const stage = input.stage as string;
  const known = (await store.journal({ runId, stage, limit: 1000 })).events.filter(
    (event) => event.attempt === attempt,
  );
  const isSaid = (msg: string): boolean =>
    known.some((event) => event.event === 'warning' && event.msg === msg);
  return {
    progress: known.some(({ event }) => event === 'progress') ? null : progress,
    warnings: warnings.filter((msg) => !isSaid(msg)),
  };
};

/** Beside others, a stage hears only what names it. */
const ofStage = ({ input: { stage } }: EffectRow) => (stage === undefined ? {} : { stage });

export const interrupt = async (
  interpreter: Interpreter,
  effect: EffectRow,
  message: string,
  cause: Cause = { kind: 'recovery' },
): Promise<void> => {
  await interpreter.deliver(effect.runId, {
    event: { type: 'INTERRUPTED', message, ...ofStage(effect) } satisfies SentEvent,
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
