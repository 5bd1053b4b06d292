import type { OutboxFacts, Said } from '../store/outbox-store.ts';
import type { RunRow } from '../store/run-rows.ts';
import { type Message, messageOf } from './message.ts';

/** What an event means for whoever is told. */
export type Cause = {
  message: Message;
  /** The trouble it belongs to: opened by it, or over with it. */
  trouble: string | null;
  isOver: boolean;
};

export const troubleOfPipeline = (pipeline: string): string => `pipeline:${pipeline}`;
const troubleOfCheck = (check: string): string => `check:${check}`;

const iso = (at: number): string => new Date(at).toISOString();
const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const quoted = (text: string): string => (/^[\w./-]+$/.test(text) ? text : JSON.stringify(text));

/** Where the dashboard shows the end of what a stage wrote. */
const pathOfRun = (runId: string, stage: string | null, attempt: number | null): string => {
  const query = new URLSearchParams({
    ...(stage !== null && { stage }),
    ...(attempt !== null && attempt > 0 && { attempt: String(attempt) }),
    ...(stage !== null && { stream: 'stderr' }),
  });
  return `/runs/${runId}${query.size > 0 ? `?${query}` : ''}`;
};

/** Why nothing more is done about a failed run by itself. */
const notAgain = ({ projection: { error, stages } }: RunRow): string => {
  const tried = stages.find(({ name }) => name === error?.stage);
  if (error?.retryable === false) return `trying again cannot help (${error.code})`;
  if (!tried || tried.attempt === 0) return 'the run ended before a stage could be tried again';
  if (tried.attempt < tried.max_attempts)
    return `the run ended at attempt ${tried.attempt} of ${tried.max_attempts}`;
  return tried.max_attempts === 1
    ? 'the stage has no retries'
    : `attempt ${tried.attempt} of ${tried.max_attempts} was the last`;
};

const ofRun = (run: RunRow, event: Said) => ({
  at: iso(event.at),
  pipeline: run.pipeline,
  run_id: run.runId,
  number: run.number,
  path: pathOfRun(run.runId, null, null),
});
const lastSuccess = ({ lastDone }: Pick<OutboxFacts, 'lastDone'>): Message['last_success'] => {
  const done = lastDone();
  return done && { run_id: done.runId, number: done.number, at: iso(done.endedAt) };
};

type Reading = (facts: OutboxFacts) => Cause | null;

/** A run of one stage alone says nothing about its pipeline: somebody tries something, and looks. */
const wholeRun = ({ run }: OutboxFacts): RunRow | null => {
  const found = run();
  return found?.onlyStage === null ? found : null;
};

const failed: Reading = (facts) => {
  const run = wholeRun(facts);
  if (!run) return null;
  const { error } = run.projection;
  const failures = Math.max(1, facts.streak().failures);
  const since = facts.failingSince();
  const message = messageOf({
    ...ofRun(run, facts.event),
    cause: 'failed',
    subject: `${run.pipeline} failed: ${error?.stage ?? 'the run'} (${error?.code ?? 'failed'})`,
    text: `Run ${run.number} of ${run.pipeline} failed. ${run.projection.why}`,
    stage: error?.stage ?? null,
    code: error?.code ?? null,
    stderr_tail: error?.stderr_tail ?? null,
    not_again: notAgain(run),
    failures,
    since: since === null ? iso(facts.event.at) : iso(since),
    last_success: lastSuccess(facts),
    path: pathOfRun(run.runId, error?.stage ?? null, error?.attempt ?? null),
    command: `stagewright retry ${run.runId}`,
  });
  return { message, trouble: troubleOfPipeline(run.pipeline), isOver: false };
};

const succeeded: Reading = (facts) => {
  const run = wholeRun(facts);
  if (!run) return null;
  const { outcome, why } = run.projection;
  const of = ofRun(run, facts.event);
  const trouble = troubleOfPipeline(run.pipeline);
  if (outcome === 'partial')
    return {
      message: messageOf({
        ...of,
        cause: 'partial',
        subject: `${run.pipeline} is done in part`,
        text: `Run ${run.number} of ${run.pipeline} is ${why}`,
        last_success: lastSuccess(facts),
        command: `stagewright retry ${run.runId}`,
      }),
      trouble,
      isOver: true,
    };
  const message = messageOf({
    ...of,
    cause: 'success',
    subject: `${run.pipeline} succeeded`,
    text: `Run ${run.number} of ${run.pipeline} succeeded: ${why}`,
  });
  // A run that had nothing to do has proven nothing.
  return { message, trouble: outcome === 'noop' ? null : trouble, isOver: true };
};

/** A run that works too long, or one that was not done in time; `kind` says the latter. */
const late: Reading = ({ event, run }) => {
  const isDeadline = event.data.kind === 'late';
  if (!isDeadline && event.data.warn_after_ms === undefined) return null;
  const { pipeline } = event;
  if (pipeline === null) return null;
  const found = run();
  const trouble = troubleOfPipeline(pipeline);
  if (!found)
    return {
      message: messageOf({
        cause: 'late',
        at: iso(event.at),
        pipeline,
        subject: `${pipeline} is late`,
        text: event.msg,
        path: `/pipelines/${pipeline}`,
        command: `stagewright start ${pipeline}`,
      }),
      trouble,
      isOver: false,
    };
  const isStage = found.definition.stages.some(({ name }) => name === event.stage);
  const stage = isStage ? event.stage : null;
  const message = messageOf({
    ...ofRun(found, event),
    cause: 'late',
    subject: `${pipeline} is late`,
    text: `Run ${found.number} of ${pipeline}: ${event.msg}`,
    stage,
    path: pathOfRun(found.runId, stage, event.attempt ?? null),
    command: `stagewright status ${found.runId}`,
  });
  return { message, trouble, isOver: false };
};

/** A slot that became no run: nobody was there, or its run cannot be. */
const missed: Reading = ({ event, lastDone }) => {
  const { pipeline, data } = event;
  if (pipeline === null) return null;
  const from = textOf(data.from) ?? textOf(data.slot);
  const to = textOf(data.to) ?? from;
  const id = textOf(data.schedule);
  const window = from && to ? ` --from ${from} --to ${iso(Date.parse(to) + 1)}` : '';
  const message = messageOf({
    cause: 'missed',
    at: iso(event.at),
    pipeline,
    subject: `${pipeline} did not run`,
    text: event.msg,
    since: from,
    last_success: lastSuccess({ lastDone }),
    path: `/pipelines/${pipeline}`,
    command: id && window ? `stagewright schedules backfill ${id}${window}` : null,
  });
  return { message, trouble: troubleOfPipeline(pipeline), isOver: false };
};

/** The policy of the pipeline holds its runs; each of its slots says so too, which is no news. */
const blocked: Reading = ({ event, streak, lastDone }) => {
  const { pipeline } = event;
  if (pipeline === null || event.stage !== 'pipeline') return null;
  const runId = textOf(event.data.run_id);
  const message = messageOf({
    cause: 'blocked',
    at: iso(event.at),
    pipeline,
    run_id: runId,
    subject: `${pipeline} is paused after failures`,
    text: event.msg,
    failures: streak().failures,
    last_success: lastSuccess({ lastDone }),
    path: runId === null ? `/pipelines/${pipeline}` : pathOfRun(runId, null, null),
    command: `stagewright acknowledge ${pipeline} --reason ${quoted('what was done')}`,
  });
  return { message, trouble: troubleOfPipeline(pipeline), isOver: false };
};

const approval: Reading = ({ event, run }) => {
  const found = run();
  if (!found) return null;
  const message = messageOf({
    ...ofRun(found, event),
    cause: 'approval',
    subject: `${found.pipeline} waits for an approval`,
    text: `Run ${found.number} of ${found.pipeline}: ${event.msg}`,
    stage: event.stage === 'pipeline' ? null : event.stage,
    command: `stagewright approve ${found.runId}`,
  });
  return { message, trouble: null, isOver: false };
};

const stuck: Reading = ({ event, run }) => {
  const { pids, alarm } = event.data;
  if (alarm !== 'overdue-drain' || !Array.isArray(pids) || pids.length === 0) return null;
  const found = run();
  if (!found) return null;
  const message = messageOf({
    ...ofRun(found, event),
    cause: 'stuck',
    subject: `${found.pipeline}: a process does not end`,
    text: `Run ${found.number} of ${found.pipeline}: ${event.msg}`,
    command: `stagewright reset ${found.pipeline} --force --reason ${quoted('what was done')}`,
  });
  return { message, trouble: null, isOver: false };
};

/** A check of the health of the service; null for any other event of its stage. */
const health =
  (cause: 'service-degraded' | 'service-recovered'): Reading =>
  ({ event }) => {
    const check = textOf(event.data.check);
    if (check === null || event.stage !== 'system') return null;
    const isOver = cause === 'service-recovered';
    const message = messageOf({
      cause,
      at: iso(event.at),
      subject: `the service is ${isOver ? 'well again' : 'degraded'}: ${check}`,
      text: event.msg,
      code: textOf(event.data.code),
      path: '/health',
      command: isOver ? null : 'stagewright doctor',
    });
    return { message, trouble: troubleOfCheck(check), isOver };
  };

const first =
  (...readings: Reading[]): Reading =>
  (facts) => {
    for (const reading of readings) {
      const cause = reading(facts);
      if (cause) return cause;
    }
    return null;
  };
const saidBy =
  (stage: string, reading: Reading): Reading =>
  (facts) =>
    facts.event.stage === stage ? reading(facts) : null;

/** By the word of the event; most events mean nothing here. */
const readings = new Map<string, Reading>([
  ['failed', saidBy('pipeline', failed)],
  ['succeeded', saidBy('pipeline', succeeded)],
  ['warning', first(health('service-degraded'), late)],
  ['recovered', health('service-recovered')],
  ['missed', saidBy('scheduler', missed)],
  ['refused', saidBy('scheduler', missed)],
  ['blocked', blocked],
  ['approval_requested', approval],
  ['error', saidBy('watchdog', stuck)],
]);

/** What this event is the cause of; null when of nothing. Pure. */
export const causeOf = (facts: OutboxFacts): Cause | null =>
  readings.get(facts.event.event)?.(facts) ?? null;

/** Is a trouble of this pipeline over without a word, because somebody has seen to it? */
export const isSeenTo = ({ event }: OutboxFacts): boolean =>
  event.event === 'acknowledged' && event.pipeline !== null;
