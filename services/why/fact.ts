import type { WhyCode, WhyFact } from '../../wire/why-answer.ts';
import { clockText, dateText } from '../calendar/moment.ts';
import type { Zone } from '../calendar/zone.ts';
import type { RunRow } from '../store/run-rows.ts';

/** What is asked: a pipeline, and a minute or a second of its clocks. */
export type Question = {
  pipeline: string;
  at: number;
  until: number;
  now: number;
  zone: Zone;
};
/** What is known, and what one can do about it. */
export type Found = { facts: WhyFact[]; todo: string[] };

type More = Partial<Omit<WhyFact, 'code' | 'text'>>;
export const factOf = (code: WhyCode, text: string, more: More = {}): WhyFact => ({
  code,
  text,
  schedule: null,
  slot: null,
  run_id: null,
  seq: null,
  ...more,
});
export const found = (fact: WhyFact, ...todo: string[]): Found => ({ facts: [fact], todo });

/** `2026-11-26 17:30`, on the clocks of the pipeline. */
export const timeText = (at: number, { zone }: Pick<Question, 'zone'>): string => {
  const local = zone.toLocal(at);
  return `${dateText(local)} ${clockText(Math.floor(local / 1000) * 1000)}`;
};

/** A run and how it is, or was. */
export const runText = (run: RunRow, question: Pick<Question, 'zone'>): string => {
  const { state, why } = run.projection;
  const ended = run.endedAt === null ? '' : ` at ${timeText(run.endedAt, question)}`;
  return `run ${run.number} (${run.runId})${run.endedAt === null ? ' is' : ''} ${state}${ended}: ${why}`;
};
