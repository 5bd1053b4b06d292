import { join } from 'node:path';
import fc from 'fast-check';
import { runLifecycle } from '../../services/lifecycle/run-lifecycle.ts';
import { type LoadedPipelines, loadPipelines } from '../../services/pipelines/pipelines.ts';
import { lived } from '../../services/simulate/simulate.ts';
import { standAlone } from '../../services/simulate/world.ts';
import type { LedgerRow } from '../../services/store/run-rows.ts';
import type { Failure } from '../../wire/failure.ts';
import type { Happening } from '../../wire/simulation.ts';
import type { Press } from '../../wire/what-if.ts';
import { ended, eventually, type Running, runService, startRequest } from './service.ts';

const retries = { one: 2, two: 1 };
type StageName = keyof typeof retries;
const stages = Object.keys(retries) as StageName[];

/** The n-th word of its plan is what the n-th attempt does. */
const program = `
f=; i=1
for w in $PLAN; do [ $i -eq $STAGEWRIGHT_ATTEMPT ] && f=$w; i=$((i+1)); done
case "$f" in
  fail) exit 1 ;;
  never) echo '::stagewright {"fail":{"code":"bad-input","message":"never again"}}'; exit 1 ;;
  skip) echo '::stagewright {"skip":"nothing to do"}' ;;
  wait) exec sleep 600 ;;
esac`;
const fileOf = (name: string, limits: string): string =>
  JSON.stringify({
    name,
    params: Object.fromEntries(stages.map((stage) => [stage, { type: 'string', default: '' }])),
    concurrency: { limit: 16, on_conflict: 'refuse' },
    stages: stages.map((stage) => ({
      name: stage,
      run: ['sh', '-c', program],
      env: { PLAN: `\${params.${stage}}` },
      timeout: limits,
      grace: '30s',
      retry: {
        limit: retries[stage],
        backoff: { initial: '1ms', max: '5ms' },
        never_on: { codes: ['bad-input'] },
      },
    })),
  });
/** In `hung` attempts wait for their timeout, which nobody else is near. */
const bothPipelines = {
  'work.json': fileOf('work', '1h'),
  'hung.json': fileOf('hung', '300ms'),
};

type Words = Record<StageName, string[]>;
/** What happens to a run, and the same as words for its programs. */
export type Both = {
  pipeline: 'work' | 'hung';
  script: Happening[];
  words: Words;
  stop: { stage: StageName; attempt: number } | null;
};

const fate = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ kind: 'well' } as const) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('fails' as const),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'never' } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: 'skip' } as const) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('stopped' as const),
      attempt: fc.integer({ min: 1, max: 2 }),
    }),
  },
);
/** Scripts as the simulator and as real programs follow them. */
export const anyBoth: fc.Arbitrary<Both> = fc
  .record({ one: fate, two: fate, hangs: fc.integer({ min: 0, max: 39 }) })
  .map(({ hangs, ...fates }) => {
    // A timeout is waited for in earnest.
    if (hangs === 0)
      return {
        pipeline: 'hung',
        script: [{ what: 'hang', stage: 'one', times: 10 }],
        words: { one: Array(10).fill('wait'), two: [] },
        stop: null,
      };
    const both: Both = { pipeline: 'work', script: [], words: { one: [], two: [] }, stop: null };
    for (const stage of stages) {
      const { [stage]: mine } = fates;
      const words = both.words[stage];
      const fails = (times: number, code = 'exit-code') => {
        if (times > 0) both.script.push({ what: 'fail', stage, times, code });
        words.push(...Array<string>(times).fill(code === 'exit-code' ? 'fail' : 'never'));
      };
      if (mine.kind === 'fails') fails(mine.times);
      if (mine.kind === 'never') fails(1, 'bad-input');
      if (mine.kind === 'skip') {
        both.script.push({ what: 'skip', stage });
        words.push('skip');
      }
      if (mine.kind === 'stopped' && !both.stop) {
        const { attempt } = mine;
        fails(attempt - 1);
        words.push('wait');
        both.stop = { stage, attempt };
        both.script.push({ what: 'stop', stage, attempt });
      }
    }
    return both;
  });

/** What is the same whoever lives a run: its steps, their guards, its attempts and how it ended. */
type Course = {
  steps: [from: string, to: string, event: string, guards: string][];
  events: [event: string, stage: string, attempt: number | undefined][];
  state: string;
  error: string | null;
};
type Said = { event: string; stage: string; attempt?: number | undefined };
const untold = ['why_change', 'progress', 'heartbeat', 'warning'];
const courseOf = (
  ledger: readonly LedgerRow[],
  events: readonly Said[],
  end: { state: string; error: Failure | null },
): Course => ({
  steps: ledger
    .filter(({ verdict }) => verdict === 'accepted')
    .map(({ from, to, event, guards }) => [
      from,
      to,
      event.type,
      guards.map(({ guard, holds }) => `${holds ? '' : '!'}${guard}`).join(' '),
    ]),
  events: events
    .filter(({ event }) => !untold.includes(event))
    .map(({ event, stage, attempt }) => [event, stage, attempt]),
  state: end.state,
  error: end.error?.code ?? null,
});

/** A service with the pipelines, and what they say. */
type Bench = Running & { definitions: LoadedPipelines['pipelines'] };
export const openBothWays = async (): Promise<Bench> => {
  const on = await runService({ pipelines: bothPipelines });
  const { pipelines, problems } = await loadPipelines(join(on.dir, 'pipelines'));
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  return { ...on, definitions: pipelines };
};

/** By the simulator. */
const simulatedCourse = async (on: Bench, { pipeline, script }: Both): Promise<Course> => {
  const definition = on.definitions.get(pipeline)?.definition;
  if (!definition) throw new Error(`there is no pipeline ${pipeline}`);
  const { place, runId, checks } = await lived({ ...standAlone(definition, runLifecycle), script });
  if (checks.broken()) throw new Error(JSON.stringify(checks.broken()));
  const projection = place.runs.get(runId)?.run.projection;
  if (!projection) throw new Error('it never began');
  return courseOf(place.ledger.get(runId) ?? [], place.journal, projection);
};

/** By the service, SQLite and real programs. */
const realCourse = async (
  { orchestrator, store }: Running,
  { pipeline, words, stop }: Both,
): Promise<{ course: Course; runId: string; ledger: LedgerRow[] }> => {
  const params = Object.fromEntries(stages.map((stage) => [stage, words[stage].join(' ')]));
  const started = await orchestrator.start(startRequest(pipeline, { params }));
  const runId = started.status.run_id as string;
  if (stop) {
    await eventually(orchestrator, async () => {
      const { items } = await orchestrator.events({ runId, event: 'started', limit: 100 });
      return (
        items.some(({ stage, attempt }) => stage === stop.stage && attempt === stop.attempt) ||
        (await orchestrator.run(runId)).ended_at !== null
      );
    });
    const { ended_at } = await orchestrator.run(runId);
    const asked = { command: { type: 'STOP' as const }, ifVersion: null, idempotency: null };
    const actor = { kind: 'user', name: 'test' } as const;
    if (ended_at === null) await orchestrator.command(runId, { ...asked, actor });
  }
  const end = await ended(orchestrator, runId);
  const ledger = await store.ledger(runId, { after: 0, limit: 1000 });
  const { events } = await store.journal({ runId, after: 0, limit: 1000 });
  return { course: courseOf(ledger, events, end), runId, ledger };
};

/** The steps of a real run as they are pressed; the first one is where what-if begins. */
export const pressesOfLedger = (ledger: readonly LedgerRow[]): Press[] =>
  ledger
    .filter(({ verdict }) => verdict === 'accepted')
    .slice(1)
    .map(({ event }): Press => {
      const { type, actorId, output, error } = event as {
        type: string;
        actorId?: string;
        output?: { skipped?: string | null };
        error?: Failure;
      };
      if (type === 'STOP') return { kind: 'command', command: 'STOP' };
      if (actorId === undefined) return { kind: 'timer', timer: type };
      if (!error)
        return {
          kind: 'answer',
          effect: actorId,
          answer: output?.skipped ? 'nothing_to_do' : 'done',
        };
      const answer = error.code === 'exit-code' ? 'failed' : 'failed_for_good';
      return { kind: 'answer', effect: actorId, answer };
    });

/** Lives each script both ways, some at a time. */
export const compare = async (
  on: Bench,
  list: readonly Both[],
  check: (
    both: Both,
    real: Awaited<ReturnType<typeof realCourse>>,
    simulated: Course,
  ) => Promise<void>,
): Promise<void> => {
  const left = [...list];
  const work = async (): Promise<void> => {
    for (let both = left.pop(); both; both = left.pop())
      await check(both, await realCourse(on, both), await simulatedCourse(on, both));
  };
  await Promise.all(Array.from({ length: 6 }, work));
};
