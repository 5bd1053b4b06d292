import type { PipelineDefinition, StageDefinition } from '../definition.ts';
import { stepsOf } from '../groups.ts';
import type { Backoff } from '../stage-retry.ts';

/** Files are checked for at most this long (the chart's verifyDeadline). */
const verifyMs = 60_000;

/** The wait before the n-th retry without its jitter. */
const plainWaitMs = ({ initialMs, factor, maxMs }: Backoff, n: number): number =>
  Math.min(maxMs, initialMs * factor ** (n - 1));

/** Bounds of the wait before the n-th retry, over every class of failure it may come from. */
const waitMs = ({ retry }: StageDefinition, n: number): { least: number; most: number } => {
  const backoffs = [retry, ...(retry.classes ?? []).filter(({ limit }) => limit > 0)];
  return {
    least: Math.min(...backoffs.map((one) => Math.floor(plainWaitMs(one, n) * (1 - one.jitter)))),
    most: Math.max(...backoffs.map((one) => Math.ceil(plainWaitMs(one, n) * (1 + one.jitter)))),
  };
};
const sum = (values: number[]): number => values.reduce((all, one) => all + one, 0);
const retriesOf = ({ retry }: StageDefinition): number[] =>
  Array.from({ length: retry.limit }, (_, index) => index + 1);

/** Milliseconds that all waits up to the n-th retry take at least. */
export const leastWaitMs = (stage: StageDefinition, n: number): number =>
  sum(
    retriesOf(stage)
      .slice(0, n)
      .map((one) => waitMs(stage, one).least),
  );

/**
 * Milliseconds a stage takes when every attempt works to its timeout and dies at the end of its
 * grace, with the longest waits.
 */
export const stageWorstCaseMs = (stage: StageDefinition): number => {
  // Without a deadline it waits for somebody, as a pause does.
  if (stage.program.kind === 'approval') return stage.program.deadlineMs ?? 0;
  const attempt = stage.timeoutMs + stage.graceMs + (stage.files.length > 0 ? verifyMs : 0);
  const all =
    attempt * (stage.retry.limit + 1) + sum(retriesOf(stage).map((n) => waitMs(stage, n).most));
  const total = stage.totalTimeoutMs;
  return total === null ? all : Math.min(all, total + stage.graceMs);
};

/**
 * The same for a run: nothing in it can work longer. What the service itself was away for comes on
 * top, and so does a pause.
 */
export const worstCaseMs = (definition: PipelineDefinition): number => {
  const { stages, timeoutMs, onFailure = [], finally: last = [] } = definition;
  const isAsked = ({ program }: StageDefinition): boolean => program.kind === 'approval';
  const working = stages.filter((stage) => !isAsked(stage));
  // Beside each other they take as long as the one that takes longest.
  const steps = stepsOf({ ...definition, stages: working });
  const all = sum(steps.map((step) => Math.max(...step.stages.map(stageWorstCaseMs))));
  const work =
    timeoutMs === null
      ? all
      : Math.min(all, timeoutMs + Math.max(0, ...working.map(({ graceMs }) => graceMs)));
  // The timeout of the run does not count while somebody is asked, nor for hooks.
  return work + sum([...stages.filter(isAsked), ...onFailure, ...last].map(stageWorstCaseMs));
};
