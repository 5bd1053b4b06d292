import type { NewEvent } from '../../wire/events.ts';
import type { Failure } from '../../wire/failure.ts';
import type { Cause } from '../../wire/run-answers.ts';
import type { Clock } from '../host/clock.ts';
import type {
  Begun,
  Committed,
  Decision,
  Loaded,
  RunRow,
  StepFacts,
  Verdict,
} from '../store/run-rows.ts';
import type { AdmitFacts, StartFacts, StartPlan, StartQuestion } from '../store/start-facts.ts';
import type { Store } from '../store/store.ts';
import type { Streak } from '../store/streak.ts';
import { ChartNotLoaded, ChartNotSupported, type Charts } from './charts.ts';
import { ChartFault, condemn, type Delivery, decide } from './decide.ts';
import type { Interpreted, Lifecycle } from './lifecycle.ts';
import type { Now } from './outbox.ts';

type Outcome = { verdict: Verdict; why: string | null; committed: Committed };
/** The first step of a run: it is admitted, or waits for its turn. */
export type FirstStep = (facts: StepFacts, queued: unknown) => Decision;
/** A start: what it asks of the store, and the pure plan that is made of the answers. */
export type PlannedStart = {
  runId: string;
  chart: string;
  question: StartQuestion;
  plan: (facts: StartFacts, first: FirstStep) => StartPlan;
};
/** What the end of a run means for its pipeline: its failures in a row, and what there is to say. */
export type Closing = (
  run: RunRow,
  before: Streak,
  at: number,
) => { streak: Streak; event: NewEvent | null };

/**
 * The durable interpreter: an event goes in, one transaction decides and writes, and what the chart
 * asked for is started after the commit. Nothing else writes a run's state.
 */
export type Interpreter = {
  readonly lifecycle: Lifecycle;
  /**
   * The run is admitted, or takes its turn in the line of its key. `more` = what its machine is told
   * with the first event.
   */
  begin(start: PlannedStart, by: { cause: Cause; more?: object }): Promise<Begun>;
  /** Admits the waiting run, if `permit` finds it one. @returns null when not */
  admit(
    runId: string,
    permit: (facts: AdmitFacts) => number | null,
    cause: Cause,
  ): Promise<Committed | null>;
  /**
   * @returns null when the run does not exist. @throws the store's error when nothing could be
   * committed
   */
  deliver(runId: string, delivery: Delivery): Promise<Outcome | null>;
  /** Called on a fresh turn after each commit, in commit order; one that throws stops no other. */
  onCommit(listener: (committed: Committed) => void): void;
};

export const createInterpreter = (deps: {
  store: Pick<Store, 'begin' | 'admit' | 'step'>;
  charts: Charts;
  clock: Clock;
  /** Absent where nothing is made of the end of a run. */
  closing?: Closing;
  /** A listener of commits that threw: a defect of ours; the others have heard of the commit. */
  onDefect?: (error: unknown) => void;
}): Interpreter => {
  const { store, charts, clock } = deps;
  const { lifecycle } = charts;
  const interpreted = (chart: string): Interpreted => ({
    machine: charts.machine(chart),
    lifecycle,
  });
  const onDefect =
    deps.onDefect ??
    ((error) => {
      throw error;
    });
  const listeners: ((committed: Committed) => void)[] = [];
  const tails = new Map<string, Promise<unknown>>();
  const now = (): Now => ({
    wallMs: clock.wallMs(),
    monotonicMs: clock.monotonicMs(),
    bootId: clock.bootId(),
  });

  /** Events of one run are decided one after the other, in the order they came (T14). */
  const inOrder = <T>(runId: string, work: () => Promise<T>): Promise<T> => {
    const result = (tails.get(runId) ?? Promise.resolve()).then(work);
    const tail = result.then(
      () => undefined,
      () => undefined,
    );
    tails.set(runId, tail);
    void tail.then(() => tails.get(runId) === tail && tails.delete(runId));
    return result;
  };

  const publish = (committed: Committed): void => {
    setImmediate(() => {
      const defects: unknown[] = [];
      for (const listener of listeners) {
        try {
          listener(committed);
        } catch (error) {
          defects.push(error);
        }
      }
      // Only now: nobody misses a commit because somebody else could not take it.
      for (const defect of defects) onDefect(defect);
    });
  };

  /** Decides again once the chart it asked for is in memory. */
  const loading = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ChartNotLoaded)) throw error;
      await charts.load(error.hash);
      return work();
    }
  };
  const closed = (facts: StepFacts, decision: Decision): Decision => {
    const { next, at } = decision;
    if (!next?.ended || !deps.closing) return decision;
    const { projection } = next;
    const before = facts.streak;
    const { streak, event } = deps.closing({ ...facts.run, projection }, before, at);
    // Most runs succeed after one that did: nothing to write.
    const isSame = JSON.stringify(streak) === JSON.stringify(before);
    return { ...decision, closing: { streak: isSame ? null : streak, event } };
  };
  const step = (runId: string, decision: (loaded: Loaded) => Decision): Promise<Committed | null> =>
    loading(() => store.step(runId, (facts) => closed(facts, decision(facts))));

  const stepOrFault = async (runId: string, delivery: Delivery): Promise<Committed | null> => {
    const plainly = (given: Delivery) => (loaded: Loaded) =>
      decide(interpreted(loaded.run.chart), loaded, given, now());
    const condemned = (failure: Failure) =>
      step(runId, (loaded) => condemn(lifecycle, loaded, delivery, failure, now()));
    try {
      return await step(runId, plainly(delivery));
    } catch (error) {
      if (error instanceof ChartNotSupported)
        return condemned({ code: 'chart-not-supported', message: error.message, retryable: false });
      if (!(error instanceof ChartFault)) throw error;
      const fault = lifecycle.events.fault(error.message, delivery.event.type);
      try {
        // The first try was rolled back whole. The answer that broke the chart is used up by the
        // fault it became.
        return await step(runId, plainly({ event: fault, fence: null, cause: delivery.cause }));
      } catch (second) {
        if (!(second instanceof ChartFault)) throw second;
        return condemned({ code: 'chart-fault', message: second.message, retryable: false });
      }
    }
  };

  return {
    lifecycle,
    begin: ({ runId, chart, question, plan }, { cause, more }) =>
      inOrder(runId, async () => {
        const begin: FirstStep = (facts, queued) => {
          const delivery = {
            event: lifecycle.events.first(runId, queued, more),
            fence: null,
            cause,
          };
          return closed(facts, decide(interpreted(chart), facts, delivery, now()));
        };
        const begun = await store.begin(question, (facts) => plan(facts, begin));
        if (begun.kind === 'begun') publish(begun);
        return begun;
      }),
    admit: (runId, permit, cause) =>
      inOrder(runId, async () => {
        const delivery: Delivery = {
          event: lifecycle.events.first(runId, null, undefined),
          fence: null,
          cause,
        };
        const admit = () =>
          store.admit(runId, (facts) => {
            const place = permit(facts);
            if (place === null) return null;
            const { run } = facts;
            const at = now();
            const lock = { key: facts.queue.key, since: at.wallMs };
            // Field by field: the failures of the pipeline are read when they are asked for.
            const held: Loaded = {
              run: { ...run, lock },
              effects: facts.effects,
              timers: facts.timers,
            };
            const decision = decide(interpreted(run.chart), held, delivery, at);
            return { place, decision: closed(facts, decision) };
          });
        const committed = await loading(admit).catch((error) => {
          if (!(error instanceof ChartFault || error instanceof ChartNotSupported)) throw error;
          // It must not hold up those behind it.
          const fault = lifecycle.events.fault(error.message, delivery.event.type);
          return stepOrFault(runId, { event: fault, fence: null, cause });
        });
        if (committed) publish(committed);
        return committed;
      }),
    deliver: (runId, delivery) =>
      inOrder(runId, async () => {
        const committed = await stepOrFault(runId, delivery);
        if (!committed) return null;
        publish(committed);
        const { verdict, why } = committed.decision.ledger;
        return { verdict, why, committed };
      }),
    onCommit: (listener) => void listeners.push(listener),
  };
};
