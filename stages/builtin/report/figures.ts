import { StageFailure } from '../../contract.ts';
import { type Database, parquet } from '../duckdb.ts';

/** Counts of results, profit in points and in targets, and how wide the ranges were. */
type Stats = {
  trades: number;
  wins: number;
  losses: number;
  evens: number;
  timed: number;
  open: number;
  profit: number;
  targets: number;
  /** Percentiles 10, 25, 50, 75, 90; null when no range is known. */
  range: number[] | null;
};
export type SlotStats = Stats & { session: string; slot: string };
/** `date` in ms; `points` and `targets` are sums from the first day on. */
export type EquityPoint = { date: number; points: number; targets: number };
export type InstrumentFigures = {
  name: string;
  total: Stats & { drawdown: number };
  slots: SlotStats[];
  equity: EquityPoint[];
};
export type Figures = { rows: number; from: number; to: number; instruments: InstrumentFigures[] };

const stats = `count(*) FILTER (result <> 'NoTrade') AS trades, count(*) FILTER (result = 'Win') AS wins, count(*) FILTER (result = 'Loss') AS losses,
  count(*) FILTER (result = 'BE') AS evens, count(*) FILTER (result = 'TIME') AS timed, count(*) FILTER (result = 'OPEN') AS open,
  coalesce(sum(profit), 0) AS profit, coalesce(sum(profit / nullif(target, 0)), 0) AS targets,
  quantile_cont("range", [0.1, 0.25, 0.5, 0.75, 0.9]) AS range`;

/** Everything that the page says, from the merged month files. */
export async function readFigures(database: Database, files: string[]): Promise<Figures> {
  if (files.length === 0) return { rows: 0, from: 0, to: 0, instruments: [] };
  try {
    await database.run(`CREATE OR REPLACE TABLE merged AS SELECT date, session, slot, instrument, result, profit, target, "range"
      FROM ${parquet(files, ', union_by_name = true')}`);
  } catch (error) {
    if (error instanceof StageFailure) throw error;
    throw new StageFailure(
      'unreadable-input',
      `Cannot read the merged rows: ${(error as Error).message}`,
    );
  }
  const [span] = await database.rows<{ rows: number; from: number | null; to: number | null }>(
    'SELECT count(*) AS rows, epoch_ms(min(date)::TIMESTAMP) AS from, epoch_ms(max(date)::TIMESTAMP) AS to FROM merged',
  );
  const totals = await database.rows<Stats & { instrument: string }>(
    `SELECT instrument, ${stats} FROM merged GROUP BY instrument ORDER BY instrument`,
  );
  const slots = await database.rows<SlotStats & { instrument: string }>(
    `SELECT instrument, session, slot, ${stats} FROM merged GROUP BY ALL ORDER BY instrument, session, slot`,
  );
  const equity = await database.rows<EquityPoint & { instrument: string }>(`
    SELECT instrument, epoch_ms(date::TIMESTAMP) AS date, sum(points) OVER w AS points, sum(targets) OVER w AS targets FROM (
      SELECT instrument, date, coalesce(sum(profit), 0) AS points, coalesce(sum(profit / nullif(target, 0)), 0) AS targets FROM merged GROUP BY ALL)
    WINDOW w AS (PARTITION BY instrument ORDER BY date) ORDER BY instrument, date`);
  const instruments = totals.map(({ instrument, ...total }) => {
    const own = equity.filter((point) => point.instrument === instrument);
    return {
      name: instrument,
      total: { ...total, drawdown: drawdownOf(own) },
      slots: slots.filter((slot) => slot.instrument === instrument),
      equity: own,
    };
  });
  return { rows: span!.rows, from: span!.from ?? 0, to: span!.to ?? 0, instruments };
}

/** The deepest fall from a high, in points. */
function drawdownOf(equity: EquityPoint[]): number {
  let [high, deepest] = [0, 0];
  for (const { points } of equity) {
    high = Math.max(high, points);
    deepest = Math.max(deepest, high - points);
  }
  return deepest;
}
