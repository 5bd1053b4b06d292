import { iso } from '../../wire/iso.ts';
import type { Why, WhyCode, WhyFact } from '../../wire/why-answer.ts';
import { zoneOf } from '../calendar/zone.ts';
import type { Clock } from '../host/clock.ts';
import { ServiceError } from '../host/service-error.ts';
import type { RunLookup } from '../lookup/run-lookup.ts';
import type { LoadedPipeline, LoadedPipelines } from '../pipelines/pipelines.ts';
import type { ScheduleRegistry } from '../scheduler/schedule-registry.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';
import { headOnly } from '../store/journal-store.ts';
import type { Store } from '../store/store.ts';
import { askedTime, timeWords } from './asked-time.ts';
import { type Found, factOf, type Question, timeText } from './fact.ts';
import { factsOfSchedule, factsOfScheduleNow } from './of-schedule.ts';
import { createSettingFacts } from './of-setting.ts';
import { factsOfJournal, factsOfRuns } from './of-time.ts';
import type { ServiceTimes } from './service-times.ts';

type Deps = {
  store: Store;
  registry: Pick<ScheduleRegistry, 'all'>;
  scheduler: Pick<Scheduler, 'paused'>;
  serviceTimes: Pick<ServiceTimes, 'awayAt'>;
  loaded: LoadedPipelines;
  lookup: Pick<RunLookup, 'assertReady' | 'requirePipeline'>;
  clock: Pick<Clock, 'wallMs'>;
};
export type WhyQuestions = {
  /**
   * Why the pipeline did what it did at a time, or nothing. @throws unknown-pipeline, bad-parameter
   * when the time is none
   */
  why(pipeline: string, asked: string | null): Promise<Why>;
};

/** What is the reason rather than the setting comes first. */
const tellingOfTime: readonly WhyCode[] = [
  'slot-started',
  'slot-queued',
  'slot-waiting',
  'slot-refused',
  'slot-blocked',
  'slot-missed',
  'slot-skipped',
  'slot-cancelled',
  'undecided',
  'no-schedule',
  'disabled',
  'broken-schedule',
  'service-away',
  'clocks',
  'not-due',
  'not-in-force',
];
const tellingNow: readonly WhyCode[] = [
  'run-live',
  'undecided',
  'paused',
  'held-up',
  'no-schedule',
  'disabled',
  'broken-schedule',
  'not-due',
];
const sorted = (facts: WhyFact[], order: readonly WhyCode[]): WhyFact[] => {
  const rank = ({ code }: WhyFact): number => {
    const place = order.indexOf(code);
    return place < 0 ? order.length : place;
  };
  return facts.toSorted((a, b) => rank(a) - rank(b));
};

/** A run that its slot tells of is not told again. */
const withoutEcho = (facts: WhyFact[]): WhyFact[] =>
  facts.filter(
    ({ code, run_id }) =>
      !(code === 'run-live' || code === 'run-before') ||
      !facts.some((other) => other.code.startsWith('slot-') && other.run_id === run_id),
  );

/** Answers why something happened, or nothing, from what is stored and planned. */
export const createWhyQuestions = (deps: Deps): WhyQuestions => {
  const { store, registry, lookup, clock } = deps;
  const setting = createSettingFacts(deps);

  const schedulesOf = (pipeline: string) =>
    registry.all().filter(({ row }) => row.pipeline === pipeline);
  const ofNow = async (entry: LoadedPipeline, question: Question): Promise<Found[]> => {
    const schedules = schedulesOf(question.pipeline);
    return [
      await setting.liveNow(question),
      await setting.paused(question),
      await setting.heldUp(entry),
      ...(schedules.length === 0 ? [setting.withoutSchedule(entry)] : []),
      ...(await Promise.all(schedules.map((one) => factsOfScheduleNow(store, one, question)))),
      await setting.lost(question),
      setting.fileFaults(entry),
    ];
  };
  const ofTime = async (entry: LoadedPipeline, question: Question): Promise<Found[]> => {
    const schedules = schedulesOf(question.pipeline);
    const isToCome = question.at > question.now;
    return [
      ...(schedules.length === 0 ? [setting.withoutSchedule(entry)] : []),
      ...(await Promise.all(schedules.map((one) => factsOfSchedule(store, one, question)))),
      ...(isToCome
        ? [await setting.paused(question), await setting.heldUp(entry)]
        : [
            await setting.away(question),
            await factsOfJournal(store, question),
            await factsOfRuns(store, question),
          ]),
      await setting.lost(question),
      setting.fileFaults(entry),
    ];
  };

  return {
    why: async (pipeline, asked) => {
      lookup.assertReady();
      const entry = lookup.requirePipeline(pipeline);
      const { timezone } = entry.definition;
      const now = clock.wallMs();
      const zone = zoneOf(timezone);
      const isNow = asked === null || asked.trim().toLowerCase() === 'now';
      const time = isNow ? null : askedTime(asked, now, zone, timezone);
      if (!isNow && !time) throw new ServiceError('bad-parameter', `at: ${timeWords}`);
      const { headSeq } = await store.journal(headOnly);
      const question: Question = {
        pipeline,
        zone,
        now,
        at: time?.at ?? now,
        until: time?.until ?? now + 1,
      };
      const all = await (time ? ofTime(entry, question) : ofNow(entry, question));
      const clocks = time?.clocks ? [factOf('clocks', time.clocks)] : [];
      const facts = sorted(
        withoutEcho([...clocks, ...all.flatMap((one) => one.facts)]),
        time ? tellingOfTime : tellingNow,
      );
      return {
        pipeline,
        asked,
        at: iso(question.at),
        timezone,
        read_as: time?.readAs ?? `now, ${timeText(now, question)} in ${timezone}`,
        answer: facts[0]?.text ?? `nothing is known of ${pipeline} at that time`,
        facts,
        todo: [...new Set(all.flatMap((one) => one.todo))],
        as_of_seq: headSeq,
      };
    },
  };
};
