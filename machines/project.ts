import { shownRole } from '../definition/definition.ts';
import { durationText } from '../definition/duration.ts';
import type { CommandType } from '../wire/command-table.ts';
import type { Failure } from '../wire/failure.ts';
import { iso } from '../wire/iso.ts';
import type { StageStatus, Status } from '../wire/status.ts';
import type { RunContext, StageFacts } from './context.ts';
import { groupOf, stuckOf } from './facts.ts';

/** What the chart alone says of a run; the store adds identity, numbers and instants of its row. */
export type Projection = Pick<
  Status,
  | 'state'
  | 'canonical'
  | 'stage'
  | 'attempt'
  | 'max_attempts'
  | 'outcome'
  | 'why'
  | 'allowed'
  | 'pause_requested'
  | 'retry_count'
  | 'error'
  | 'stages'
> &
  Pick<Status, 'started_at' | 'ended_at' | 'duration_ms'>;

type Value = string | { [key: string]: Value };
/** One stage, and what it does. */
type Place = { stage: string; phase: string };
/** `group` where the places are those of stages beside each other. */
type Position = { top: string; group: string | null; places: Place[] };

const placesOf = (value: { [stage: string]: Value }): Place[] =>
  Object.entries(value).map(([stage, phase]) => ({
    stage,
    phase: typeof phase === 'string' ? phase : '',
  }));
/** Where a run stands: top-level state, stages, and what each of them does. */
const positionOf = (value: Value): Position => {
  if (typeof value === 'string') return { top: value, group: null, places: [] };
  const [top, inner] = Object.entries(value)[0] ?? ['idle', ''];
  if (typeof inner === 'string') return { top, group: null, places: [{ stage: inner, phase: '' }] };
  const [name = '', within] = Object.entries(inner)[0] ?? [];
  return typeof within === 'object'
    ? { top, group: name, places: placesOf(within) }
    : { top, group: null, places: placesOf(inner) };
};
/** Of stages beside each other those that are not over. */
const isLive = ({ phase }: Place): boolean => phase !== 'over';

/** `RUNNING_` + this: upper case, `-` → `_`. */
const stateWord = (stage: string): string => stage.toUpperCase().replaceAll('-', '_');

/** Where it is shown: stages beside each other go by the name of their group. */
const shownStage = (context: RunContext): string | null =>
  groupOf(context, context.stage)?.name ?? context.stage;

/** The public word of a position. */
const publicState = ({ top, group, places }: Position, context: RunContext): string => {
  if (top === 'idle') return 'QUEUED';
  if (top === 'closing' || top === 'sealing') {
    if (context.conclusion?.as === 'stopped') return 'STOPPING';
    const phase = places[0]?.phase;
    return phase === 'backingOff' ? 'RETRYING' : `RUNNING_${stateWord(context.stage ?? '')}`;
  }
  if (top === 'running') {
    const phases = places.filter(isLive).map(({ phase }) => phase);
    if (phases.includes('awaiting')) return 'AWAITING_APPROVAL';
    if (phases.some((phase) => phase !== 'backingOff' && phase !== 'paused'))
      return `RUNNING_${stateWord(group ?? places[0]?.stage ?? '')}`;
    return phases.includes('backingOff') ? 'RETRYING' : 'PAUSED';
  }
  // A failing run is where it failed until its processes are gone; STOPPING would say that somebody
  // asked for it.
  if (top === 'failing') {
    const shown = shownStage(context);
    return shown ? `RUNNING_${stateWord(shown)}` : 'STARTING';
  }
  return top.toUpperCase();
};

const canonicalOf = (state: string): Status['canonical'] => {
  if (state === 'IDLE' || state === 'QUEUED') return 'idle';
  if (state === 'DONE') return 'done';
  if (state === 'FAILED') return 'error';
  return state === 'STOPPED' ? 'stopped' : 'running';
};

const maxAttempts = (context: RunContext, stage: string) =>
  (context.policy[stage]?.retries ?? 0) + 1 + (context.stages[stage]?.interruptions ?? 0);

const groupField = (context: RunContext, name: string): Pick<StageStatus, 'group'> => {
  const group = groupOf(context, name);
  return group ? { group: group.name } : {};
};

const stageStatus = (context: RunContext, name: string): StageStatus => {
  const facts = context.stages[name] as StageFacts;
  return {
    name,
    ...groupField(context, name),
    ...shownRole(context.policy[name]?.role),
    state: facts.state,
    attempt: facts.attempt,
    max_attempts: maxAttempts(context, name),
    started_at: iso(facts.startedAt),
    ended_at: iso(facts.endedAt),
    duration_ms:
      facts.startedAt !== null && facts.endedAt !== null ? facts.endedAt - facts.startedAt : null,
    // Life is not in the chart: who shows a run adds the marks of its working attempts.
    heartbeat_at: null,
    outputs: facts.outputs,
    metrics: facts.metrics,
    reason: facts.reason,
  };
};

/** What a person must know while a run waits for a process that nobody can end. */
const stuckWhy = (stuck: { pids: number[] } | null): string => {
  if (!stuck) return 'waits until no process is left';
  const [first, ...more] = stuck.pids;
  const who = more.length > 0 ? `processes ${stuck.pids.join(', ')} do` : `process ${first} does`;
  return `${who} not end, not even by SIGKILL; reset with force and a reason releases the run`;
};

const outcomeOf = (top: string, context: RunContext): Status['outcome'] => {
  if (top === 'stopped') return 'stopped';
  if (top === 'failed') return context.rejected ? 'rejected' : 'failed';
  if (top !== 'done') return null;
  if (partsOf(context).length > 0) return 'partial';
  const isNothing = stagesOf(context).every((name) => context.stages[name]?.state === 'skipped');
  return isNothing ? 'noop' : 'success';
};

const queuedWhy = ({ queued }: RunContext): string => {
  if (!queued) return 'waits for its turn';
  const { number, pipeline, run_id, ahead, replaces } = queued;
  if (replaces)
    return `waits until run ${number} of ${pipeline} (${run_id}), which it replaces, has stopped`;
  return `waits for run ${number} of ${pipeline} (${run_id}) to end${ahead > 0 ? `, and for ${ahead} more before it` : ''}`;
};
const pausedWhere = ({ stages }: RunContext, paused: string[]): string => {
  const isAgain = paused.every((stage) => (stages[stage]?.attempt ?? 0) > 0);
  const verb = paused.length > 1 ? 'are' : 'is';
  return `before ${paused.join(', ')}${isAgain ? ` ${verb} tried again` : ''}`;
};
const pausedWhy = (context: RunContext, places: Place[]): string => {
  const { pause } = context;
  const where = pausedWhere(
    context,
    places.filter(({ phase }) => phase === 'paused').map(({ stage }) => stage),
  );
  return `paused ${where} by ${pause?.by ?? 'somebody'}${pause?.reason ? `: ${pause.reason}` : ''}; keeps its lock until RESUME or STOP`;
};

const stagesOf = ({ order, policy }: RunContext): string[] =>
  order.filter((name) => policy[name]?.role === undefined);
const partsOf = (context: RunContext): string[] =>
  stagesOf(context).filter((name) => {
    const facts = context.stages[name];
    // In a run that is done, a stage that failed was allowed to.
    return facts?.state === 'failed' || (facts?.state === 'succeeded' && facts.partial === true);
  });
const doneWhy = (context: RunContext): string => {
  const outcome = outcomeOf('done', context);
  if (outcome === 'noop') return 'nothing to do: every stage was skipped';
  if (outcome === 'success') return 'every stage finished';
  return `done in part: ${partsOf(context)
    .map((name) => `${name}: ${context.stages[name]?.reason ?? ''}`)
    .join('; ')}`;
};

/** What one stage waits for, and until when. */
const placeWhy = (context: RunContext, { stage, phase }: Place): string => {
  const facts = context.stages[stage];
  const of = `attempt ${facts?.attempt ?? 0} of ${maxAttempts(context, stage)}`;
  if (phase === 'paused') return `${stage} is paused`;
  if (phase === 'awaiting') return approvalWhy(context, stage);
  if (phase === 'deciding') return `decides whether ${stage} runs`;
  if (phase === 'backingOff')
    return `${stage} is tried again at ${iso(facts?.retryAt ?? null)} after: ${facts?.reason ?? ''}`;
  if (phase === 'verifying') return `checks the files of ${stage}, ${of}`;
  if (phase === 'ending')
    return `ends ${of} of ${stage} (${facts?.ending?.failure.message ?? ''}); ${stuckWhy(facts?.stuck ?? context.stuck ?? null)}`;
  return `${stage} is running, ${of}, at most ${durationText(context.policy[stage]?.timeoutMs ?? 0)}`;
};

/** Of stages beside each other no more than these are told one by one. */
const mostTold = 6;
const besideWhy = (context: RunContext, live: Place[], places: Place[]): string => {
  const more = live.length - mostTold;
  const over = places.filter((place) => !isLive(place)).map(({ stage }) => stage);
  const failed = over.filter((stage) => context.stages[stage]?.state === 'failed');
  const well = over.filter((stage) => !failed.includes(stage));
  return [
    ...live.slice(0, mostTold).map((place) => placeWhy(context, place)),
    ...(more > 0 ? [`and ${more} more of them`] : []),
    ...failed
      .slice(0, mostTold)
      .map((stage) => `${stage} failed: ${context.stages[stage]?.reason ?? ''}`),
    ...(well.length > 0 ? [`${well.join(', ')} ${well.length > 1 ? 'are' : 'is'} over`] : []),
    ...(context.pause ? ['pauses when they are over, or before one is tried again'] : []),
  ].join('; ');
};
const approvalWhy = ({ policy, stages, pause }: RunContext, stage: string): string => {
  const { message = '', otherwise } = policy[stage]?.approval ?? {};
  const decidedAt = stages[stage]?.decidedAt ?? null;
  const limit =
    decidedAt === null
      ? 'for as long as it takes'
      : `until ${iso(decidedAt)}, then ${otherwise === 'approve' ? 'it counts as approved' : 'it is rejected'}`;
  return `${stage} waits for approval, ${limit}: ${message}${pause ? `; pauses after ${stage}` : ''}`;
};
/** A run that works on although all is decided says what came of it. */
const concludedWhy = ({ conclusion, error, stop }: RunContext): string => {
  if (!conclusion) return '';
  if (conclusion.as === 'failed') return `failed with "${error?.message ?? 'failed'}"; `;
  return conclusion.as === 'stopped'
    ? `stopped by ${stop?.by ?? 'somebody'}; `
    : 'all stages are over; ';
};

/** One sentence: what the run waits for and until when, or how it ended. */
const whyOf = (position: Position, context: RunContext): string => {
  const { top, group, places } = position;
  const failure = (error: Failure | null) => error?.message ?? 'failed';
  switch (top) {
    case 'idle':
    case 'queued':
      return queuedWhy(context);
    case 'starting':
      return 'checks parameters, programs and workspace before the first stage (at most 30s)';
    case 'failing':
      return `fails with "${failure(context.error)}"; ${stuckWhy(stuckOf(context))}`;
    case 'stopping':
      return `stops on request of ${context.stop?.by ?? 'somebody'}; ${stuckWhy(stuckOf(context))}`;
    case 'sealing':
      return `ends ${context.stage} and what would follow it; ${stuckWhy(stuckOf(context))}`;
    case 'done':
      return doneWhy(context);
    case 'failed':
      return `${context.error?.stage ? `${context.error.stage} failed: ` : ''}${failure(context.error)}`;
    case 'stopped':
      return context.stop?.reason
        ? `stopped: ${context.stop.reason}`
        : `stopped by ${context.stop?.by ?? 'somebody'}`;
  }
  if (publicState(position, context) === 'PAUSED') return pausedWhy(context, places);
  const live = places.filter(isLive);
  if (group !== null) return besideWhy(context, live, places);
  const [{ stage, phase }] = live as [Place];
  const why = placeWhy(context, { stage, phase });
  if (phase !== 'attempting') return why;
  const pauses = context.pause ? `; pauses after ${stage}, or before it is tried again` : '';
  return `${concludedWhy(context)}${why}${pauses}`;
};

/** The status that a snapshot shows. Pure: equal snapshots give equal answers (I11). */
export const project = (
  snapshot: { value: unknown; context: unknown },
  allowed: CommandType[],
): Projection => {
  const context = snapshot.context as RunContext;
  const position = positionOf(snapshot.value as Value);
  const state = publicState(position, context);
  const isBeside = groupOf(context, context.stage) !== null;
  const attempt = context.stage ? (context.stages[context.stage]?.attempt ?? 0) : 0;
  return {
    state,
    canonical: canonicalOf(state),
    stage: shownStage(context),
    // Each of several stages has its own.
    attempt: isBeside ? null : attempt,
    max_attempts: context.stage && !isBeside ? maxAttempts(context, context.stage) : null,
    outcome: outcomeOf(position.top, context),
    why: whyOf(position, context),
    allowed,
    pause_requested:
      (context.pause ?? null) !== null && state !== 'PAUSED' && context.endedAt === null,
    retry_count: context.retryCount,
    error: context.error,
    stages: context.order.map((name) => stageStatus(context, name)),
    started_at: iso(context.startedAt),
    ended_at: iso(context.endedAt),
    duration_ms:
      context.startedAt !== null && context.endedAt !== null
        ? context.endedAt - context.startedAt
        : null,
  };
};
