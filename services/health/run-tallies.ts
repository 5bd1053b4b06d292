import { type AttemptResult, attemptResults } from '../../wire/attempts.ts';
import type { Interpreter } from '../interpreter/interpreter.ts';
import { createSpreads, createTally } from './tally.ts';

type Committed = Parameters<Parameters<Interpreter['onCommit']>[0]>[0];

const isResult = (word: string): word is AttemptResult =>
  (attemptResults as readonly string[]).includes(word);

/** What became of runs, stages and attempts since this process began; heard from their commits. */
export const createRunTallies = (onCommit: Interpreter['onCommit']) => {
  const ended = createTally<{ pipeline: string; outcome: string }>();
  const attempts = createTally<{ pipeline: string; stage: string; result: AttemptResult }>();
  const stages = createSpreads<{ pipeline: string; stage: string }>([
    1, 5, 15, 60, 300, 900, 3600, 10_800, 21_600,
  ]);
  const queues = createSpreads<{ pipeline: string }>([1, 10, 60, 300, 1800, 7200]);

  const hear = ({ run, decision }: Committed): void => {
    const { pipeline, projection, createdAt } = run;
    for (const { event, stage, attempt, data } of decision.events) {
      if (event === 'state_change' && data.from === 'QUEUED')
        queues.observe({ pipeline }, Math.max(0, decision.at - createdAt) / 1000);
      if (attempt === undefined || !isResult(event)) continue;
      attempts.add({ pipeline, stage, result: event });
      // A stage that is tried again has not ended.
      const now = projection.stages.find(({ name }) => name === stage);
      if (now && now.ended_at !== null && now.duration_ms !== null)
        stages.observe({ pipeline, stage }, now.duration_ms / 1000);
    }
    if (decision.next?.ended === true)
      ended.add(
        { pipeline, outcome: projection.outcome ?? 'none' },
        1,
        (projection.duration_ms ?? 0) / 1000,
      );
  };
  onCommit(hear);
  return { ended, attempts, stages, queues };
};
