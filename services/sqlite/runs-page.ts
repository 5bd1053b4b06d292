import { isFinal } from '../../wire/final-states.ts';
import { runIdFloor } from '../host/run-id.ts';
import type { RunRow } from '../store/run-rows.ts';
import type { RunFilter } from '../store/run-store.ts';
import type { Database, Row } from './database.ts';
import { toRun } from './rows.ts';

/**
 * What no index answers is looked for in at most this many rows a page: 5 ms, whatever the length
 * of the history.
 */
const maxScanned = 2000;

type Conditions = { where: string[]; values: (string | number)[] };

/** The conditions that an index answers. */
const indexed = ({ pipeline, state, isLive, fromMs, toMs, before }: RunFilter): Conditions => {
  const found: Conditions = { where: [], values: [] };
  const add = (condition: string, ...values: (string | number)[]) => {
    found.where.push(condition);
    found.values.push(...values);
  };
  if (pipeline !== undefined) add('runs.pipeline = ?', pipeline);
  if (isLive) add('runs.ended_at IS NULL');
  if (state !== undefined)
    add(`runs.state = ? AND runs.ended_at IS ${isFinal(state) ? 'NOT NULL' : 'NULL'}`, state);
  // Ids begin with the instant of their start.
  if (fromMs !== undefined) add('runs.run_id >= ?', runIdFloor(fromMs));
  if (toMs !== undefined) add('runs.run_id < ?', runIdFloor(toMs));
  if (before !== undefined) add('runs.run_id < ?', before);
  return found;
};

const looked = ({ pipelines, trigger, isWhole, q }: RunFilter): Conditions => {
  const found: Conditions = { where: [], values: [] };
  if (pipelines) {
    found.where.push(`runs.pipeline IN (${pipelines.map(() => '?').join(', ')})`);
    found.values.push(...pipelines);
  }
  if (isWhole) found.where.push("json_extract(runs.spec, '$.onlyStage') IS NULL");
  if (trigger !== undefined) {
    found.where.push("json_extract(runs.spec, '$.trigger') = ?");
    found.values.push(trigger);
  }
  if (q !== undefined) {
    const text = [
      'runs.run_id',
      "json_extract(runs.spec, '$.reason')",
      "json_extract(runs.projection, '$.error.message')",
      'runs.number',
    ];
    found.where.push(`(${text.map((column) => `instr(lower(${column}), ?) > 0`).join(' OR ')})`);
    found.values.push(...text.map(() => q.toLowerCase()));
  }
  return found;
};

/**
 * One page, newest first. Stable while runs are added: the cursor is the last id that was looked
 * at.
 */
export const runsPage = (
  db: Database,
  columns: string,
  filter: RunFilter,
): { items: RunRow[]; next: string | null } => {
  const { where, values } = indexed(filter);
  const more = looked(filter);
  const all = (conditions: string[]): string =>
    conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
  // The row at which the looking stops.
  let last: Row | undefined;
  if (more.where.length > 0)
    last = db.get(
      `SELECT run_id FROM runs ${all(where)} ORDER BY runs.run_id DESC LIMIT 1 OFFSET ${maxScanned - 1}`,
      ...values,
    );
  const bound = last
    ? { where: ['runs.run_id >= ?'], values: [last.run_id as string] }
    : { where: [], values: [] };
  const rows = db.all(
    `${columns} ${all([...where, ...more.where, ...bound.where])} ORDER BY runs.run_id DESC LIMIT ?`,
    ...values,
    ...more.values,
    ...bound.values,
    filter.limit + 1,
  );
  const items = rows.slice(0, filter.limit).map(toRun);
  const next =
    rows.length > filter.limit
      ? (items.at(-1)?.runId ?? null)
      : ((last?.run_id as string | undefined) ?? null);
  return { items, next };
};
