import { compile, compilerVersion } from '../../machines/compile.ts';
import type { Queued, Reused, RunContext, SentEvent } from '../../machines/context.ts';
import { machineOf } from '../../machines/machine.ts';
import { type OlderContext, upToDate } from '../../machines/older-contexts.ts';
import { project } from '../../machines/project.ts';
import {
  backoffOf,
  clockOf,
  eventOfTimer,
  limitOf,
  stageOfTimer,
} from '../../machines/timer-ids.ts';
import type { Lifecycle } from '../interpreter/lifecycle.ts';
import type { EffectRow } from '../store/run-rows.ts';
import { condemned } from './condemned.ts';
import { allowedIn, judgeOfRun, misdirected, whyNot } from './legal.ts';
import { runJournal } from './run-journal.ts';

const first = (run_id: string, queued: Queued | null, reused?: Reused): SentEvent => {
  const more = reused ? { reused } : {};
  return queued
    ? { type: 'ENQUEUED', run_id, queued, ...more }
    : { type: 'ADMITTED', run_id, ...more };
};
const fault = (message: string, during: string): SentEvent => ({
  type: 'FAULT',
  code: 'chart-fault',
  message,
  during,
});

const recordOf = ({ kind, input, attempt }: EffectRow): string => {
  const stage = input.stage ?? 'the run';
  return {
    stage: `how attempt ${attempt} of ${stage} ended`,
    verify: `what the files of ${stage} are`,
    preflight: input.stage ? `whether ${stage} runs` : 'what its checks found',
    drain: 'that no process of it is left',
  }[kind];
};

/** The runs of pipelines, as the interpreter has to know them. */
export const runLifecycle: Lifecycle = {
  compilerVersion,
  compile,
  machineOf,
  contextOf: (stored) => upToDate(stored as RunContext | OlderContext),
  judge: judgeOfRun,
  viewOf: (snapshot) => project(snapshot, allowedIn(snapshot)),
  isUnclear: ({ context }, event) => misdirected(event, context as RunContext) !== null,
  whyNot,
  condemned,
  events: {
    first: (runId, queued, reused) =>
      first(runId, queued as Queued | null, reused as Reused | undefined),
    fault,
    forgets: ({ type }, of, { input }) => {
      const { stuck, stages } = of as RunContext;
      return type === 'RELEASE' && Boolean(stuck ?? stages[input.stage ?? '']?.stuck);
    },
  },
  timers: { eventOf: eventOfTimer, clockOf, limitOf, stageOf: stageOfTimer, backoffOf },
  effects: {
    attemptOf: (context, { stage }) =>
      stage === undefined ? 0 : ((context as RunContext).stages[stage]?.attempt ?? 0),
    // Processes do (T1).
    outlives: (kind) => kind === 'stage',
    isTriedUntilDone: (kind) => kind === 'drain',
    writes: (kind) => kind === 'stage' || kind === 'preflight',
    recordOf,
    beginningOf: ({ kind, input, attempt }) =>
      kind === 'stage'
        ? `attempt ${attempt} of ${input.stage} begins`
        : input.stage
          ? `it is decided whether ${input.stage} runs`
          : 'its checks begin',
  },
  journal: runJournal,
};
