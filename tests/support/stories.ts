import type { Command } from '../../machines/commands.ts';
import { eventOfCommand } from '../../machines/commands.ts';
import { eventOfTimer } from '../../machines/timer-ids.ts';
import type { Delivery } from '../../services/interpreter/decide.ts';
import type { EffectKind, EffectRow, Loaded, TimerRow } from '../../services/store/run-rows.ts';
import type { Failure } from '../../wire/failure.ts';
import { pipeline, stage } from './definition.ts';

/** What the world says to a run, named so that it can be said under any chart. */
export type Step =
  | { answer: EffectKind; output?: unknown }
  | { fail: EffectKind; failure: Failure }
  | { timer: string }
  | { news: Delivery['event']; of: EffectKind }
  | { command: Command }
  | { tell: Delivery['event'] };

/** Everything that a stage can say of itself, so that no part of a chart is left out. */
export const everything = pipeline(
  [
    stage('one', {
      timeoutMs: 60_000,
      totalTimeoutMs: 600_000,
      warnAfterMs: 30_000,
      heartbeatMs: 20_000,
      retry: {
        ...stage('x').retry,
        limit: 2,
        classes: [
          {
            on: { codes: ['heartbeat'], exitCodes: [] },
            limit: 1,
            initialMs: 500,
            factor: 2,
            maxMs: 1000,
            jitter: 0,
          },
        ],
      },
      files: [{ path: '*.txt', min: 1 }],
    }),
    stage('two', { timeoutMs: 40_000 }),
  ],
  {
    timeoutMs: 3_600_000,
    warnAfterMs: 1_800_000,
    concurrency: {
      key: 'sample',
      limit: 1,
      onConflict: 'queue',
      queue: { max: 2, timeoutMs: 50_000 },
    },
  },
);

const ok = { outputs: { n: 1 }, metrics: { rows: 2 }, skipped: null };
const failure: Failure = { code: 'exit-code', message: 'exit code 1', retryable: true };
const fatal: Failure = { code: 'bad-input', message: 'no such column', retryable: false };
const queued = { run_id: 'r_AHEAD', pipeline: 'sample', number: 6, ahead: 0, replaces: false };
const begin: Step = { tell: { type: 'ADMITTED', run_id: 'r_MODEL' } };
const started: Step[] = [begin, { answer: 'preflight' }];
const works: Step = { answer: 'stage', output: ok };
const drained: Step = { answer: 'drain' };
const stop: Step = { command: { type: 'STOP', reason: 'enough', grace_ms: 4000 } };
const pause: Step = { command: { type: 'PAUSE', reason: 'lunch' } };
const resume: Step = { command: { type: 'RESUME' } };
const skip: Step = { command: { type: 'SKIP_STAGE', outputs: { by: 'hand' } } };
const interrupted: Step = { news: { type: 'INTERRUPTED', message: 'gone' }, of: 'stage' };
const silent: Step = { news: { type: 'HEARTBEAT_LATE', silent_ms: 20_000 }, of: 'stage' };
const fails: Step = { fail: 'stage', failure };

/** Whole lives of a run; `since` is the compiler whose charts first know all that happens in it. */
export const stories: Record<string, { since: 1 | 2; steps: Step[] }> = {
  'straight through': { since: 1, steps: [...started, works, { answer: 'verify' }, works] },
  'retried after a failure, a missing file and a timeout, until none is left': {
    since: 2,
    steps: [
      ...started,
      fails,
      { timer: 'backoff' },
      works,
      { fail: 'verify', failure },
      { timer: 'backoff' },
      { timer: 'attemptTimeout' },
      drained,
      drained,
    ],
  },
  'timed out, retried at once by hand, and done': {
    since: 2,
    steps: [
      ...started,
      { timer: 'attemptTimeout' },
      drained,
      { command: { type: 'RETRY_NOW' } },
      works,
      { answer: 'verify' },
      works,
    ],
  },
  'interrupted twice: at once, then after a wait': {
    since: 1,
    steps: [
      ...started,
      interrupted,
      drained,
      { timer: 'backoff' },
      { fail: 'stage', failure: { code: 'interrupted', message: 'lost', retryable: true } },
      drained,
      { timer: 'backoff' },
      works,
      { answer: 'verify' },
      interrupted,
      drained,
      { timer: 'backoff' },
      works,
    ],
  },
  'silent, by a class of its own with one retry': {
    since: 2,
    steps: [...started, silent, drained, { timer: 'backoff' }, silent, drained, drained],
  },
  'the check of its files takes too long': {
    since: 1,
    steps: [
      ...started,
      works,
      { timer: 'verifyDeadline' },
      drained,
      { timer: 'backoff' },
      works,
      { answer: 'verify' },
      works,
    ],
  },
  'a failure that trying again cannot mend': {
    since: 1,
    steps: [...started, { fail: 'stage', failure: fatal }, drained],
  },
  'the stage skips itself': {
    since: 1,
    steps: [
      ...started,
      { answer: 'stage', output: { outputs: {}, metrics: {}, skipped: 'no news' } },
      works,
    ],
  },
  'stopped before anything works': { since: 1, steps: [begin, stop, drained] },
  'stopped while it works, twice': {
    since: 1,
    steps: [...started, stop, { command: { type: 'STOP', grace_ms: 10 } }, drained],
  },
  'stopped while it checks files': { since: 1, steps: [...started, works, stop, drained] },
  'stopped while it ends': {
    since: 1,
    steps: [...started, { timer: 'attemptTimeout' }, stop, drained],
  },
  'stopped while it waits': { since: 1, steps: [...started, fails, stop, drained] },
  'stopped while it waits for its turn': {
    since: 2,
    steps: [{ tell: { type: 'ENQUEUED', run_id: 'r_MODEL', queued } }, stop],
  },
  'waits for its turn too long': {
    since: 2,
    steps: [
      { tell: { type: 'ENQUEUED', run_id: 'r_MODEL', queued } },
      { tell: { type: 'ENQUEUED', run_id: 'r_MODEL', queued: { ...queued, ahead: 1 } } },
      { timer: 'queueTimeout' },
    ],
  },
  'stopped while it is paused': {
    since: 2,
    steps: [...started, pause, fails, stop, drained],
  },
  'paused instead of a next attempt, resumed, paused before the second stage, resumed': {
    since: 2,
    steps: [
      ...started,
      pause,
      resume,
      pause,
      fails,
      resume,
      works,
      pause,
      { answer: 'verify' },
      resume,
      works,
    ],
  },
  'paused in a backoff and skipped while paused': {
    since: 2,
    steps: [...started, fails, pause, skip, resume, works],
  },
  'skipped while it works': { since: 2, steps: [...started, skip, drained, works] },
  'skipped in a backoff after a timeout': {
    since: 2,
    steps: [...started, { timer: 'attemptTimeout' }, drained, skip, skip, drained],
  },
  'paused while it is ended to be skipped': {
    since: 2,
    steps: [...started, skip, pause, drained, resume, works],
  },
  'both warnings, and the limit of the stage': {
    since: 2,
    steps: [
      ...started,
      { timer: 'attemptWarning' },
      { timer: 'runWarning' },
      { timer: 'STAGE_TIMEOUT' },
      drained,
    ],
  },
  'the limit of the run in a backoff': {
    since: 2,
    steps: [...started, fails, { timer: 'RUN_TIMEOUT' }, drained],
  },
  'the limit of the stage while it ends': {
    since: 2,
    steps: [...started, { timer: 'attemptTimeout' }, { timer: 'STAGE_TIMEOUT' }, drained],
  },
  'a limit after a pause has what was left of it': {
    since: 2,
    steps: [...started, pause, fails, resume, fails, { timer: 'STAGE_TIMEOUT' }, drained],
  },
  'a process outlives SIGKILL and is released': {
    since: 2,
    steps: [
      ...started,
      { timer: 'attemptTimeout' },
      { news: { type: 'DRAIN_LATE', pids: [7] }, of: 'drain' },
      { tell: { type: 'RELEASE', reason: 'dead disk', by: 'ada' } },
      drained,
    ],
  },
  'its checks fail': { since: 1, steps: [begin, { fail: 'preflight', failure: fatal }, drained] },
  'its checks take too long': { since: 1, steps: [begin, { timer: 'preflightDeadline' }, drained] },
  'a fault of the chart': {
    since: 1,
    steps: [
      ...started,
      { tell: { type: 'FAULT', code: 'chart-fault', message: 'broken', during: 'test' } },
      drained,
    ],
  },
};

const liveOf = (effects: EffectRow[], kind: EffectKind): EffectRow => {
  const row = effects.find((effect) => effect.kind === kind && effect.state !== 'dropping');
  if (!row) throw new Error(`no ${kind} is live`);
  return row;
};
const timerOf = (timers: TimerRow[], name: string): TimerRow => {
  const row = timers.find(({ id }) => id.split('.').includes(name));
  if (!row) throw new Error(`no timer ${name} is armed`);
  return row;
};
const fence = (kind: 'effect' | 'timer', { id, stamp }: { id: string; stamp: number }) =>
  ({ kind, id, stamp }) as const;

/** The step as it reaches the run, and the run as it is then: a drain answers once all is gone. */
export const delivered = (
  { run, effects, timers }: Loaded,
  step: Step,
): { loaded: Loaded; delivery: Delivery } => {
  const loaded = { run, effects, timers };
  if ('tell' in step)
    return { loaded, delivery: { event: step.tell, fence: null, cause: { kind: 'queue' } } };
  if ('command' in step) {
    const event = eventOfCommand(step.command, 'ada');
    return { loaded, delivery: { event, fence: null, cause: { kind: 'command', actor: 'ada' } } };
  }
  if ('timer' in step) {
    const row = timerOf(timers, step.timer);
    const event = eventOfTimer(row.id);
    return { loaded, delivery: { event, fence: fence('timer', row), cause: { kind: 'timer' } } };
  }
  if ('news' in step) {
    const of = fence('effect', liveOf(effects, step.of));
    return { loaded, delivery: { event: step.news, fence: of, cause: { kind: 'watchdog' } } };
  }
  const row = liveOf(effects, 'answer' in step ? step.answer : step.fail);
  const event: Delivery['event'] =
    'fail' in step
      ? { type: `xstate.error.actor.${row.id}`, error: step.failure, actorId: row.id }
      : { type: `xstate.done.actor.${row.id}`, output: step.output ?? {}, actorId: row.id };
  const left = row.kind === 'drain' ? effects.filter((one) => one.state !== 'dropping') : effects;
  return {
    loaded: { run, effects: left, timers },
    delivery: { event, fence: fence('effect', row), cause: { kind: 'effect' } },
  };
};
