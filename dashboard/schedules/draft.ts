import { Refused } from '../../client/api.ts';
import type { Operations } from '../../client/operations.ts';
import type { Schedule } from '../use-reads.ts';
import { everyText } from './slot-times.ts';

export type Fields = Omit<Operations['POST /api/schedules']['body'], 'id' | 'pipeline'>;
export type Kind = 'cron' | 'every' | 'at';
type Policies = Required<Pick<Fields, 'overlap' | 'missed' | 'dst_gap'>>;
/**
 * A schedule as it is being written: every field as its control holds it, also those of the kinds
 * that are not chosen.
 */
export type Draft = Policies & {
  kind: Kind;
  cron: string;
  every: string;
  /** One time a line. */
  at: string;
  timezone: string;
  /** Empty: by the pattern, which is the service's default. */
  dst_fold: NonNullable<Fields['dst_fold']> | '';
};

/** What a new schedule begins with; the policies are the service's defaults. */
export const newDraft = (timezone: string): Draft => ({
  kind: 'cron',
  cron: '0 6 * * *',
  every: '1h',
  at: '',
  timezone,
  overlap: 'skip',
  missed: 'none',
  dst_gap: 'run_at_shift',
  dst_fold: '',
});
export const draftOf = (schedule: Schedule): Draft => {
  const { cron, every_ms, at, timezone, overlap, missed, dst_gap, dst_fold } = schedule;
  const fresh = newDraft(timezone);
  return {
    timezone,
    overlap,
    missed,
    dst_gap,
    dst_fold,
    kind: cron !== null ? 'cron' : every_ms !== null ? 'every' : 'at',
    cron: cron ?? fresh.cron,
    every: every_ms === null ? fresh.every : everyText(every_ms),
    at: (at ?? []).join('\n'),
  };
};

/** The times of a draft, one an entry. */
export const momentsOf = ({ at }: Draft): string[] =>
  at
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
/** Whether the draft says when at all: what is empty is not worth a question. */
export const saysWhen = (draft: Draft): boolean =>
  draft.kind === 'at' ? momentsOf(draft).length > 0 : draft[draft.kind].trim() !== '';

const timesOf = (draft: Draft): Fields =>
  ({
    cron: { cron: draft.cron },
    every: { every: draft.every.trim() },
    at: { at: momentsOf(draft) },
  })[draft.kind];
const fieldsOf = (draft: Draft): Fields => {
  const { timezone, overlap, missed, dst_gap, dst_fold } = draft;
  return {
    ...timesOf(draft),
    timezone,
    overlap,
    missed,
    dst_gap,
    ...(dst_fold !== '' && { dst_fold }),
  };
};
/** Only what differs: what nobody changed stays what the file, or the service, says. */
export const changesOf = (draft: Draft, before: Draft): Fields => {
  const old = fieldsOf(before) as Record<string, unknown>;
  return Object.fromEntries(
    Object.entries(fieldsOf(draft)).filter(
      ([name, value]) => JSON.stringify(value) !== JSON.stringify(old[name]),
    ),
  );
};
/**
 * What makes the schedule: when, and all that is not as it would be anyway. @param timezone the
 * pipeline's own
 */
export const creationOf = (draft: Draft, timezone: string): Fields => ({
  ...changesOf(draft, newDraft(timezone)),
  ...timesOf(draft),
});

/**
 * What the service found wrong, at the field it stands at: the last word of its pointer, but a time
 * counts as its list.
 */
export const faultsOf = (error: unknown): Record<string, string> => {
  if (!(error instanceof Refused)) return {};
  if (error.problem.code === 'schedule-exists') return { id: error.problem.detail };
  const entries = (error.problem.errors ?? []).map(({ pointer, detail }) => {
    const path = pointer.split('/').filter(Boolean);
    return [(path[0] === 'params' ? path.at(-1) : path[0]) ?? '', detail] as const;
  });
  return Object.fromEntries(entries);
};
