import type { PipelineDefinition } from '../../definition/definition.ts';
import { storedDefinition } from '../../definition/stored-definition.ts';
import type { JournalEvent, NewEvent } from '../../wire/events.ts';
import type { EffectRow, LedgerRow, RunRow, RunSpec, TimerRow } from '../store/store.ts';
import type { Row } from './database.ts';

const text = (row: Row, key: string): string => row[key] as string;
const number = (row: Row, key: string): number => row[key] as number;
const orNull = (row: Row, key: string): number | null => row[key] as number | null;
const json = <T>(row: Row, key: string): T =>
  (row[key] === null ? null : JSON.parse(text(row, key))) as T;

/** Definitions by their text: a handful at a time, each the same for many runs. */
const definitions = new Map<string, PipelineDefinition>();
const definitionOf = (stored: string): PipelineDefinition => {
  const known = definitions.get(stored);
  if (known) return known;
  if (definitions.size > 100) definitions.clear();
  const parsed = storedDefinition(JSON.parse(stored));
  definitions.set(stored, parsed);
  return parsed;
};

/**
 * The snapshot is read only where a run moves; a status needs none of it, so it is parsed when it
 * is asked for.
 */
const withSnapshot = (run: Omit<RunRow, 'snapshot'>, stored: string): RunRow => {
  let snapshot: unknown;
  return Object.defineProperty(run as RunRow, 'snapshot', {
    enumerable: true,
    get: () => {
      snapshot ??= JSON.parse(stored);
      return snapshot;
    },
  });
};

export const toRun = (row: Row): RunRow =>
  withSnapshot(
    {
      ...json<RunSpec>(row, 'spec'),
      definition: definitionOf(text(row, 'definition')),
      number: number(row, 'number'),
      version: number(row, 'version'),
      ledgerN: number(row, 'ledger_n'),
      runSeq: number(row, 'run_seq'),
      projection: json(row, 'projection'),
      createdAt: number(row, 'created_at'),
      updatedAt: number(row, 'updated_at'),
      endedAt: orNull(row, 'ended_at'),
      progress: json(row, 'progress'),
      lock:
        row.lock_key === null
          ? null
          : { key: text(row, 'lock_key'), since: number(row, 'lock_since') },
    },
    text(row, 'snapshot'),
  );

export const toEffect = (row: Row): EffectRow => ({
  runId: text(row, 'run_id'),
  id: text(row, 'effect_id'),
  stamp: number(row, 'stamp'),
  kind: text(row, 'kind') as EffectRow['kind'],
  state: text(row, 'state') as EffectRow['state'],
  input: json(row, 'input'),
  attempt: number(row, 'attempt'),
  token: text(row, 'token'),
  process: json(row, 'process'),
  createdAt: number(row, 'created_at'),
  heartbeatAt: orNull(row, 'heartbeat_at'),
  ending: json(row, 'ending'),
});

export const toTimer = (row: Row): TimerRow => ({
  runId: text(row, 'run_id'),
  id: text(row, 'timer_id'),
  stamp: number(row, 'stamp'),
  clock: text(row, 'clock') as TimerRow['clock'],
  dueAt: number(row, 'due_at'),
  delayMs: number(row, 'delay_ms'),
  bootId: text(row, 'boot_id'),
});

export const toLedger = (row: Row): LedgerRow => ({
  n: number(row, 'n'),
  version: number(row, 'version'),
  at: number(row, 'at'),
  from: text(row, 'from_state'),
  to: text(row, 'to_state'),
  event: json(row, 'event'),
  cause: json(row, 'cause'),
  guards: json(row, 'guards'),
  verdict: text(row, 'verdict') as LedgerRow['verdict'],
  why: row.why as string | null,
});

export const toEvent = (row: Row): JournalEvent => ({
  v: 1,
  id: `e_${number(row, 'seq')}`,
  seq: number(row, 'seq'),
  run_id: row.run_id as string | null,
  run_seq: orNull(row, 'run_seq'),
  pipeline: row.pipeline as string | null,
  stage: text(row, 'stage'),
  event: text(row, 'event') as NewEvent['event'],
  timestamp: new Date(number(row, 'at')).toISOString(),
  severity: text(row, 'severity') as NewEvent['severity'],
  ...(row.attempt !== null && { attempt: number(row, 'attempt') }),
  msg: text(row, 'msg'),
  data: json(row, 'data'),
});
