import type { ChartConfig } from '../../machines/chart-config.ts';
import type { NewEvent } from '../../wire/events.ts';
import type { Progress, Status, Trigger } from '../../wire/status.ts';
import type {
  Begun,
  Committed,
  Decision,
  EffectRow,
  Fence,
  Loaded,
  RunRow,
  StepFacts,
  TimerRow,
} from './run-rows.ts';
import type {
  AdmitFacts,
  QueueFacts,
  StartFacts,
  StartPlan,
  StartQuestion,
} from './start-facts.ts';
import type { Streak } from './streak.ts';

/** What is written of a run without a step: its chart stands still, and its version too. */
export type Amendment = {
  /** Effects that are forgotten. */
  remove?: Fence[];
  /** Effects and timers as they are now. */
  effects?: EffectRow[];
  timers?: TimerRow[];
  progress?: Progress;
  why?: string;
  /** The size of its files. */
  bytes?: number;
  /** No process of the ended run is left. */
  freesLock?: boolean;
  event?: NewEvent;
};
export type Change = {
  runId: string;
  /** Pure; null = nothing is written. */
  change: (loaded: Loaded) => Amendment | null;
  /** An answer or the end of a process hangs on it: on a full disk it gets the reserve. */
  isUrgent?: boolean;
};

/** What is known of one pipeline at one instant. */
export type PipelineFacts = {
  /** Every live run, oldest first, and the latest. */
  runs: RunRow[];
  /** The run that a reset hides; undefined = there was no reset since the latest start. */
  reset: string | null | undefined;
  streak: Streak;
  headSeq: number;
};
export type PipelineAmendment = {
  streak?: Streak;
  /** From now on it shows IDLE, as long as this is its latest run. */
  reset?: string | null;
  event: NewEvent;
};

/**
 * Newest first. `fromMs` and `toMs` bound the start of a run; `before` is a run id; `q` is looked
 * for in ids, reasons and errors.
 */
export type RunFilter = {
  pipeline?: string;
  /** Any of these. */
  pipelines?: readonly string[];
  state?: Status['state'];
  trigger?: Trigger;
  isLive?: true;
  /** Not one stage alone. */
  isWhole?: true;
  fromMs?: number;
  toMs?: number;
  q?: string;
  before?: string;
  /** Also what each found of these files when it began (`inputsFound`). */
  patterns?: string;
  limit: number;
};
/** `inputsFound` null = not remembered. */
type RunItem = RunRow & { inputsFound?: string | null };

/**
 * Runs and what lives of them. Each method is one transaction of its own: there is no begin/commit
 * to leave open (T2). What is planned inside one is pure and synchronous, and may be planned twice.
 */
export type RunStore = {
  /** Reads what the start asks, and writes what is planned upon it. */
  begin(question: StartQuestion, plan: (facts: StartFacts) => StartPlan): Promise<Begun>;
  /** Gives a waiting run its permit. @returns null when it does not wait, or the plan says no */
  admit(
    runId: string,
    plan: (facts: AdmitFacts & StepFacts) => { place: number; decision: Decision } | null,
  ): Promise<Committed | null>;
  /** @returns null when the run does not exist */
  step(runId: string, decide: (facts: StepFacts) => Decision): Promise<Committed | null>;
  /** All in one transaction. @returns for each whether there was something to write */
  amend(changes: readonly Change[], at: number): Promise<boolean[]>;
  /** @returns the seq of the event, null when the plan says no */
  amendPipeline(
    pipeline: string,
    plan: (streak: Streak) => PipelineAmendment | null,
    at: number,
  ): Promise<number | null>;

  run(runId: string): Promise<(Loaded & { headSeq: number }) | null>;
  /**
   * A page may hold fewer than `limit` and still have a `next`: one page looks at a bounded number
   * of rows.
   */
  runs(filter: RunFilter): Promise<{ items: RunItem[]; next: string | null; headSeq: number }>;
  latest(pipeline: string): Promise<PipelineFacts>;
  /** Of all runs, the oldest first. */
  effects(): Promise<EffectRow[]>;
  timers(): Promise<TimerRow[]>;
  /** Who has a permit of this lock, and who waits for one. */
  queue(key: string): Promise<QueueFacts>;
  chart(hash: string): Promise<{ config: ChartConfig; compilerVersion: number } | null>;
};
