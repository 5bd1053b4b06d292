import { iso } from '../../wire/iso.ts';
import type { WhyFact } from '../../wire/why-answer.ts';
import type { RunRow } from '../store/run-rows.ts';
import type { SlotOutcome } from '../store/slot-store.ts';
import type { Store } from '../store/store.ts';
import { type Found, factOf, found, type Question, runText, timeText } from './fact.ts';

/** From here on it is worth a word that a run began after its slot. */
const lateMs = 10_000;

const todoOfRun = (run: RunRow | null): string[] =>
  run?.projection.state === 'FAILED'
    ? [
        `stagewright logs ${run.runId} shows what it wrote`,
        `stagewright retry ${run.runId} does only what is left`,
      ]
    : [];
const backfillOf = ({ scheduleId, slot, slotTo }: SlotOutcome): string =>
  `stagewright schedules backfill ${scheduleId} --from ${iso(slot)} --to ${iso(slotTo + 1000)} makes up for it`;

const todoOf = (row: SlotOutcome, pipeline: string): string[] => {
  const { decision, policy, scheduleId } = row;
  if (decision === 'missed')
    return [
      backfillOf(row),
      `\`missed: last\` in schedule ${scheduleId} makes up for the latest by itself`,
    ];
  if (decision === 'blocked')
    return [
      `stagewright acknowledge ${pipeline} --reason … lets automatic runs go on`,
      backfillOf(row),
    ];
  if (decision === 'skipped' && policy === 'overlap: skip')
    return [`\`overlap: queue_one\` in schedule ${scheduleId} lets such a slot wait instead`];
  if (decision === 'skipped' && policy === 'paused')
    return ['stagewright schedules resume lets schedules fire again', backfillOf(row)];
  if (decision === 'refused')
    return [`stagewright schedules show ${scheduleId} shows what its runs would be started with`];
  return [];
};

const began = (row: SlotOutcome, run: RunRow | null, question: Question): string => {
  const lateBy = row.at - row.slot;
  const late = lateBy >= lateMs ? `, ${Math.round(lateBy / 1000)} s after it was due` : '';
  const what = row.decision === 'queued' ? 'asked for a run that had to wait' : 'began a run';
  return run
    ? `it ${what}${late}: ${runText(run, question)}`
    : `it ${what}${late} (${row.runId}), which retention has removed since`;
};

/** What became of a slot, in a sentence. */
export const factsOfSlot = async (
  store: Pick<Store, 'run'>,
  row: SlotOutcome,
  question: Question,
): Promise<Found> => {
  const { decision, scheduleId, slot, slotTo, count, reason, runId } = row;
  const run = runId === null ? null : ((await store.run(runId))?.run ?? null);
  const many = `${count} slots of schedule ${scheduleId} from ${timeText(slot, question)} to ${timeText(slotTo, question)} were ${decision}`;
  const one = `the slot ${timeText(slot, question)} of schedule ${scheduleId}`;
  const isBegun = decision === 'started' || decision === 'queued';
  const text =
    count > 1
      ? `${many}: ${reason ?? ''}`
      : isBegun
        ? `${one} did what it should: ${began(row, run, question)}`
        : decision === 'waiting'
          ? `${one} waits: ${reason ?? 'for its turn'}`
          : `${one} was ${decision} (${row.policy}): ${reason ?? 'nobody wrote down why'}`;
  const more: Partial<WhyFact> = { schedule: scheduleId, slot: iso(slot), run_id: runId };
  return found(
    factOf(`slot-${decision}`, text, more),
    ...todoOfRun(run),
    ...todoOf(row, question.pipeline),
  );
};
