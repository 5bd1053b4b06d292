import type { FailurePolicy } from '../../definition/definition.ts';
import type { Projection } from '../../machines/project.ts';
import type { NewEvent } from '../../wire/events.ts';
import { iso } from '../../wire/iso.ts';
import type { Trigger } from '../../wire/status.ts';
import type { Streak } from '../store/streak.ts';
import { noStreak } from '../store/streak.ts';

/** What a run that ended tells about its pipeline. */
type Ended = {
  runId: string;
  number: number;
  pipeline: string;
  onlyStage: string | null;
  projection: Projection;
};
/**
 * Failures that say nothing about whether the pipeline works: the service was gone, or a person
 * said no.
 */
const notItsFault = ['interrupted', 'rejected', 'approval-timeout'];

type Meaning = 'failure' | 'success' | 'nothing';
const meaningOf = ({ onlyStage, projection: { outcome, error } }: Ended): Meaning => {
  if (onlyStage !== null) return 'nothing';
  if (outcome === 'failed' && !notItsFault.includes(error?.code ?? '')) return 'failure';
  // A run that had nothing to do has proven nothing.
  return outcome === 'success' || outcome === 'partial' ? 'success' : 'nothing';
};

const runs = (count: number): string => `${count} failed ${count === 1 ? 'run' : 'runs'} in a row`;

/**
 * The streak after one more run has ended, and what there is to say about it. Pure; written in the
 * transaction that ends the run.
 */
export const afterRun = (
  before: Streak,
  ended: Ended,
  policy: FailurePolicy | null,
  at: number,
): { streak: Streak; event: NewEvent | null } => {
  const isProbe = before.probeRun === ended.runId;
  const streak = isProbe ? { ...before, probeRun: null } : before;
  const meaning = meaningOf(ended);
  if (meaning === 'nothing') return { streak, event: null };
  if (meaning === 'success') {
    const healed = { ...noStreak, acknowledged: streak.acknowledged };
    if (streak.blockedAt === null) return { streak: healed, event: null };
    const msg = `run ${ended.number} of ${ended.pipeline} succeeded: automatic runs go on`;
    const data = { failures: streak.failures, by_run: ended.runId, probe: isProbe };
    return {
      streak: healed,
      event: { stage: 'pipeline', event: 'recovered', severity: 'info', msg, data },
    };
  }
  const reason = `run ${ended.number}: ${ended.projection.why}`;
  const failures = streak.failures + 1;
  const counted = { ...streak, failures, reason };
  if (!policy || failures < policy.pauseAfter) return { streak: counted, event: null };
  const probeAt = policy.probeAfterMs === null ? null : at + policy.probeAfterMs;
  const blocked = { ...counted, blockedAt: streak.blockedAt ?? at, probeAt };
  // A run by hand that fails while all is paused already changes only the count.
  if (streak.blockedAt !== null && !isProbe)
    return { streak: { ...blocked, probeAt: streak.probeAt }, event: null };
  const what = isProbe
    ? 'the probe failed too, automatic runs stay paused'
    : `${policy.blocks === 'all' ? 'all' : 'automatic'} runs are paused`;
  const msg = `${what} after ${runs(failures)} (${reason}); ${wayOut(ended.pipeline, probeAt)}`;
  const data = {
    failures,
    reason,
    blocks: policy.blocks,
    probe_at: iso(probeAt),
    run_id: ended.runId,
  };
  return {
    streak: blocked,
    event: { stage: 'pipeline', event: 'blocked', severity: 'error', msg, data },
  };
};

const wayOut = (pipeline: string, probeAt: number | null): string =>
  `acknowledge it with \`stagewright acknowledge ${pipeline} --reason …\`, or start it by hand${probeAt === null ? '' : `; a probe is let through from ${iso(probeAt)}`}`;

const automatic: readonly Trigger[] = ['schedule', 'backfill'];

/**
 * May this run start? `probe`: yes, and what becomes of it decides; `warned`: yes, by hand (Q31).
 */
export const judgeStart = (
  { blockedAt, probeAt, probeRun }: Streak,
  policy: FailurePolicy | null,
  trigger: Trigger,
  at: number,
): 'free' | 'probe' | 'warned' | 'blocked' => {
  if (!policy || blockedAt === null) return 'free';
  if (!automatic.includes(trigger)) return policy.blocks === 'all' ? 'blocked' : 'warned';
  // One probe at a time: half open is not open.
  return probeAt !== null && at >= probeAt && probeRun === null ? 'probe' : 'blocked';
};

/** Why a start was refused, and what to do. */
export const whyBlocked = (streak: Streak, pipeline: string, policy: FailurePolicy): string =>
  `${policy.blocks === 'all' ? 'runs' : 'automatic runs'} of ${pipeline} are paused since ${iso(streak.blockedAt)} after ${runs(streak.failures)} (${streak.reason}); ${
    streak.probeRun === null
      ? wayOut(pipeline, streak.probeAt)
      : `run ${streak.probeRun} is the probe`
  }`;

export const warnedEvent = (streak: Streak, pipeline: string): NewEvent => ({
  stage: 'pipeline',
  event: 'warning',
  severity: 'warning',
  msg: `started by hand while automatic runs of ${pipeline} are paused since ${iso(streak.blockedAt)} after ${runs(streak.failures)}`,
  data: { failures: streak.failures, since: iso(streak.blockedAt), reason: streak.reason },
});

/** What GET /api/pipelines says; null when the pipeline has no policy. */
export const policyView = (streak: Streak, policy: FailurePolicy | null) =>
  policy && {
    pause_after: policy.pauseAfter,
    blocks: policy.blocks,
    failures: streak.failures,
    blocked: streak.blockedAt !== null,
    since: iso(streak.blockedAt),
    reason: streak.reason,
    probe_at: iso(streak.probeAt),
    probe_run: streak.probeRun,
    acknowledged: streak.acknowledged && {
      ...streak.acknowledged,
      at: iso(streak.acknowledged.at) as string,
    },
  };
export type PolicyView = NonNullable<ReturnType<typeof policyView>>;
