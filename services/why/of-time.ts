import type { JournalEvent } from '../../wire/events.ts';
import type { Store } from '../store/store.ts';
import { type Found, factOf, type Question, runText, timeText } from './fact.ts';
import { seqBefore } from './journal-place.ts';

type Reads = Pick<Store, 'journal' | 'runs'>;
const shownEvents = 100;
/** What is said of a time may be written a little later. */
const slackMs = 60_000;

const isTelling = ({ event, data, stage }: JournalEvent): boolean =>
  (event === 'refused' && data.command === 'START') ||
  (event === 'blocked' && stage === 'pipeline');

/** Starts that were refused then, and failures that began to hold runs up. */
export const factsOfJournal = async (store: Reads, question: Question): Promise<Found> => {
  const after = await seqBefore(store, question.at);
  const { pipeline } = question;
  const { events } = await store.journal({ pipeline, after, limit: shownEvents });
  const facts = events
    .filter((event) => isTelling(event) && Date.parse(event.timestamp) < question.until + slackMs)
    .map(({ msg, seq, timestamp, run_id }) =>
      factOf('start-refused', `at ${timeText(Date.parse(timestamp), question)}: ${msg}`, {
        seq,
        run_id,
      }),
    );
  return { facts, todo: [] };
};

/** The run that was live then, or the latest before. */
export const factsOfRuns = async (store: Reads, question: Question): Promise<Found> => {
  const { pipeline, at, until } = question;
  const { items } = await store.runs({ pipeline, toMs: until, limit: 1 });
  const [run] = items;
  if (!run) return { facts: [], todo: [] };
  const of = { run_id: run.runId };
  const isLive = run.endedAt === null || run.endedAt >= at;
  const began = `begun at ${timeText(run.createdAt, question)} (${run.trigger})`;
  const text = isLive
    ? `a run was live then, ${began}: ${runText(run, question)}`
    : `the latest run before it was ${began}: ${runText(run, question)}`;
  return { facts: [factOf(isLive ? 'run-live' : 'run-before', text, of)], todo: [] };
};
