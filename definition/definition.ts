import type { StageProgram } from './kinds/stage-kinds.ts';
import type { NotifyRule } from './notify.ts';
import type { StageFields } from './stage-fields.ts';

/** A stage as the service works with it: every default filled in, durations in milliseconds. */
export type StageDefinition = {
  name: string;
  title: string | null;
  program: StageProgram;
} & StageFields;

/** Stages that work at the same time, beside each other. */
export type StageGroup = {
  name: string;
  title: string | null;
  /** Their names; in `stages` of the pipeline they follow one another. */
  stages: string[];
  /** The first failure ends the others; without it they work to their end. */
  failFast: boolean;
};

/** What a start does that meets a live run of its key. */
export const conflictWords = ['refuse', 'queue', 'cancel_running'] as const;
export type OnConflict = (typeof conflictWords)[number];

export type ParamDefinition = {
  type: 'string' | 'number' | 'integer' | 'boolean' | 'array' | 'object';
  format?: string;
  title?: string;
  description?: string;
  enum?: unknown[];
  items?: { type: 'string' | 'number' | 'integer' | 'boolean' };
  /** Characters of a text, entries of a list. */
  max_length?: number;
  min?: number;
  max?: number;
  default?: unknown;
};

/** When a pipeline fails again and again: pause what would start it by itself, or everything. */
export type FailurePolicy = {
  /** Failed runs in a row. */
  pauseAfter: number;
  blocks: 'automatic' | 'all';
  /** Then one automatic run is let through to see; null = never. */
  probeAfterMs: number | null;
};

export type PipelineDefinition = {
  name: string;
  title: string;
  timezone: string;
  params: Record<string, ParamDefinition>;
  concurrency: {
    key: string;
    limit: number;
    onConflict: OnConflict;
    /** How many runs of the key may wait, and how long one waits before it fails. */
    queue?: { max: number; timeoutMs: number | null };
  };
  timeoutMs: number | null;
  /** A run that works longer is a warning, and goes on. */
  warnAfterMs?: number | null;
  env: Record<string, string>;
  /**
   * Names of variables of the service that stages get and nobody sees. Absent in definitions that
   * were stored before.
   */
  secrets?: string[];
  /** Words of people for it, to filter by. Absent = none. */
  labels?: string[];
  /** Absent = none. */
  onFailures?: FailurePolicy;
  /** Absent = the rules of the service alone; empty = none at all. */
  notify?: NotifyRule[];
  /** In the order of the file, those of a group one after the other. */
  stages: StageDefinition[];
  /** Absent = none. */
  groups?: StageGroup[];
  /** Run once when the run has failed or was rejected, before `finally`. Absent = none. */
  onFailure?: StageDefinition[];
  /** Run at the end of every run that began, whatever came of it. Absent = none. */
  finally?: StageDefinition[];
};

type Parts = { stages: unknown[]; onFailure?: unknown[]; finally?: unknown[] };
type StageOf<Whole extends Parts> = Whole['stages'][number];
/** Its stages and hooks, in the order in which they run. */
export const allStages = <Whole extends Parts>({
  stages,
  onFailure = [],
  finally: last = [],
}: Whole): StageOf<Whole>[] => [...stages, ...onFailure, ...last];

/** For a status: stages have no role. */
export const shownRole = (role: 'hook' | 'finally' | null | undefined) => (role ? { role } : {});

/** What runs at the end of a run and is none of its stages; null = a stage. */
export const roleOf = (
  { onFailure = [], finally: last = [] }: Pick<PipelineDefinition, 'onFailure' | 'finally'>,
  name: string,
): 'hook' | 'finally' | null => {
  if (onFailure.some((one) => one.name === name)) return 'hook';
  return last.some((one) => one.name === name) ? 'finally' : null;
};
