import type { LoadedPipeline, LoadedPipelines } from '../pipelines/pipelines.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';
import { whyBlocked } from '../start/failure-policy.ts';
import { shownRun } from '../store/run-view.ts';
import type { Store } from '../store/store.ts';
import { type Found, factOf, found, type Question, runText, timeText } from './fact.ts';
import type { ServiceTimes } from './service-times.ts';

type Deps = {
  store: Pick<Store, 'schedules' | 'latest'>;
  scheduler: Pick<Scheduler, 'paused'>;
  serviceTimes: Pick<ServiceTimes, 'awayAt'>;
  loaded: LoadedPipelines;
};
const none: Found = { facts: [], todo: [] };

/** What holds whatever a schedule says: the service, the file, policies, live runs. */
export const createSettingFacts = (deps: Deps) => {
  const { store } = deps;
  /** A schedule that its file has lost explains a slot that used to come. */
  const lost = async (question: Question): Promise<Found> => {
    const { pipeline } = question;
    const rows = (await store.schedules()).filter(
      (row) => row.pipeline === pipeline && row.origin === 'file' && row.file === null,
    );
    return {
      facts: rows.map(({ id, updatedAt }) =>
        factOf(
          'lost-schedule',
          `schedule ${id} is in no file any more since ${timeText(updatedAt, question)}`,
          { schedule: id },
        ),
      ),
      todo: [],
    };
  };
  const withoutSchedule = ({ file, definition: { name } }: LoadedPipeline): Found =>
    found(
      factOf('no-schedule', `${name} has no schedule: it runs only when somebody starts it`),
      `write \`schedules:\` into ${file}, or POST /api/schedules`,
      `stagewright start ${name} starts it now`,
    );

  const paused = async (question: Question): Promise<Found> => {
    const pause = await deps.scheduler.paused();
    if (!pause) return none;
    const reason = pause.reason ? `: ${pause.reason}` : '';
    const text = `all schedules are paused by ${pause.by} since ${timeText(pause.at, question)}${reason}`;
    return found(factOf('paused', text), 'stagewright schedules resume lets schedules fire again');
  };
  const heldUp = async ({ definition }: LoadedPipeline): Promise<Found> => {
    const { streak } = await store.latest(definition.name);
    const { onFailures } = definition;
    if (streak.blockedAt === null || !onFailures) return none;
    return found(factOf('held-up', whyBlocked(streak, definition.name, onFailures)));
  };
  const away = async (question: Question): Promise<Found> => {
    const gone = await deps.serviceTimes.awayAt(question.at);
    if (!gone) return none;
    const from = gone.isSure ? 'was stopped at' : 'was cut off, and wrote last at';
    return found(
      factOf(
        'service-away',
        `no service ran then: it ${from} ${timeText(gone.from, question)} and came back at ${timeText(gone.to, question)}`,
      ),
    );
  };
  const liveNow = async (question: Question): Promise<Found> => {
    const { runs, reset } = await store.latest(question.pipeline);
    const { run } = shownRun(runs, reset);
    return run && run.endedAt === null
      ? found(factOf('run-live', runText(run, question), { run_id: run.runId }))
      : none;
  };

  const fileFaults = ({ file }: LoadedPipeline): Found => {
    const [fault] = deps.loaded.problems.filter((problem) => problem.file === file);
    return fault
      ? found(
          factOf(
            'file-faults',
            `${file} does not hold as it is now, so what it said before is in force: ${fault.detail}`,
          ),
          `stagewright validate shows every fault of ${file}; then stagewright reload`,
        )
      : none;
  };

  return { lost, withoutSchedule, paused, heldUp, away, liveNow, fileFaults };
};
