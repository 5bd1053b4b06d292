import { parquet } from '../duckdb.ts';

export type BreakoutOptions = { window: number; tick: number };

/**
 * Bars of one instrument as a table, so that an input that cannot be read fails before anything is
 * written.
 */
export const loadBars = (path: string) =>
  `CREATE OR REPLACE TABLE bars AS SELECT timestamp, instrument, interval, open, high, low, close FROM ${parquet([path])}`;

/**
 * The breakout of the previous day's range, one row per day, for daily bars.
 *
 * Long when the bar reaches the previous high + 1 tick, short when it reaches the previous low − 1
 * tick; an open already beyond enters at the open. Both sides in one bar, neither, or no range
 * before it: NoTrade. Distances in points: target = half the previous range, stop = min(range, 3 ×
 * target). The position ends at the latest at the close of the next bar. In the bar of the entry:
 * target reached → Win, stop reached → Loss, both → the one nearer to the close, tie → stop. From
 * the next bar on, if 65 % of the target was reached, the stop stands 1 tick behind the entry (BE).
 * There an open beyond a level fills at the open, both levels in one bar are judged as above,
 * neither → TIME at the close. Without a next bar yet → OPEN, to be settled by the merge of a later
 * run. A daily bar does not tell the order of its prices, so a stop or target touched before the
 * entry counts as touched. `peak` = best open profit of the bars held, the exit for a Win.
 *
 * A short is calculated as a long in negated prices (suffix _s), so each rule is written once.
 * return_N = close / close N bars ago − 1; volatility_N = sample standard deviation of the last N
 * daily returns × √252 (trading days a year); drawdown = close / highest close so far − 1. NULL
 * until N returns exist.
 */
export function selectBreakouts({ window, tick }: BreakoutOptions): string {
  return `
  WITH days AS (
    SELECT *, high_1 - low_1 AS range FROM (
      SELECT *, lag(high) OVER w AS high_1, lag(low) OVER w AS low_1, lead(timestamp) OVER w AS next_time, lead(open) OVER w AS next_open,
        lead(high) OVER w AS next_high, lead(low) OVER w AS next_low, lead(close) OVER w AS next_close,
        close / nullif(lag(close, ${window}) OVER w, 0) - 1 AS return_n, close / nullif(lag(close) OVER w, 0) - 1 AS return_1,
        close / nullif(max(close) OVER (ORDER BY timestamp ROWS UNBOUNDED PRECEDING), 0) - 1 AS drawdown
      FROM bars WINDOW w AS (ORDER BY timestamp))
  ), sides AS (
    SELECT *, range / 2 AS target_d, least(range, 3 * (range / 2)) AS stop_d,
      CASE WHEN count(return_1) OVER n = ${window} THEN stddev_samp(return_1) OVER n * sqrt(252) END AS volatility_n,
      CASE
        WHEN range IS NULL OR range <= 0 THEN 0
        WHEN open >= high_1 + ${tick} THEN 1
        WHEN open <= low_1 - ${tick} THEN -1
        WHEN high >= high_1 + ${tick} AND low <= low_1 - ${tick} THEN 0
        WHEN high >= high_1 + ${tick} THEN 1
        WHEN low <= low_1 - ${tick} THEN -1
        ELSE 0 END AS side
    FROM days WINDOW n AS (ORDER BY timestamp ROWS BETWEEN ${window - 1} PRECEDING AND CURRENT ROW)
  ), signed AS (
    SELECT *, CASE side WHEN 1 THEN greatest(open, high_1 + ${tick}) ELSE -least(open, low_1 - ${tick}) END AS entry_s,
      side * close AS close_s, side * next_open AS next_open_s, side * next_close AS next_close_s,
      CASE side WHEN 1 THEN high ELSE -low END AS high_s, CASE side WHEN 1 THEN low ELSE -high END AS low_s,
      CASE side WHEN 1 THEN next_high ELSE -next_low END AS next_high_s, CASE side WHEN 1 THEN next_low ELSE -next_high END AS next_low_s,
      entry_s + target_d AS target_s, entry_s - stop_d AS stop_s,
      high_s >= entry_s + 0.65 * target_d AS moved, CASE WHEN moved THEN entry_s - ${tick} ELSE stop_s END AS stop_2_s
    FROM sides
  ), ended AS (
    SELECT *, CASE
        WHEN side = 0 THEN NULL
        WHEN high_s >= target_s AND low_s <= stop_s THEN CASE WHEN abs(close_s - target_s) < abs(close_s - stop_s) THEN 'target' ELSE 'stop' END
        WHEN high_s >= target_s THEN 'target'
        WHEN low_s <= stop_s THEN 'stop' END AS end_1,
      CASE
        WHEN side = 0 OR end_1 IS NOT NULL OR next_time IS NULL THEN NULL
        WHEN next_open_s <= stop_2_s THEN 'stop at open'
        WHEN next_open_s >= target_s THEN 'target at open'
        WHEN next_high_s >= target_s AND next_low_s <= stop_2_s
          THEN CASE WHEN abs(next_close_s - target_s) < abs(next_close_s - stop_2_s) THEN 'target' ELSE 'stop' END
        WHEN next_high_s >= target_s THEN 'target'
        WHEN next_low_s <= stop_2_s THEN 'stop'
        ELSE 'time' END AS end_2,
      CASE end_1 WHEN 'target' THEN target_s WHEN 'stop' THEN stop_s ELSE
        CASE end_2 WHEN 'target' THEN target_s WHEN 'stop' THEN stop_2_s WHEN 'time' THEN next_close_s
          WHEN 'stop at open' THEN next_open_s WHEN 'target at open' THEN next_open_s END END AS exit_s,
      CASE
        WHEN side = 0 THEN 'NoTrade'
        WHEN coalesce(end_1, end_2) IS NULL THEN 'OPEN'
        WHEN coalesce(end_1, end_2) LIKE 'target%' THEN 'Win'
        WHEN end_2 = 'time' THEN 'TIME'
        WHEN end_2 IS NOT NULL AND moved THEN 'BE'
        ELSE 'Loss' END AS result
    FROM signed
  )
  SELECT timestamp::DATE AS date, 'D1' AS slot, 'D1' AS session, instrument, instrument || '-D1' AS stream,
    CASE side WHEN 1 THEN 'Long' WHEN -1 THEN 'Short' END AS direction,
    CASE WHEN side <> 0 THEN timestamp END AS entry_time,
    CASE WHEN side <> 0 THEN side * entry_s END AS entry_price,
    CASE WHEN end_1 IS NOT NULL THEN timestamp WHEN end_2 IS NOT NULL THEN next_time END AS exit_time,
    side * exit_s AS exit_price,
    CASE WHEN side <> 0 THEN stop_d END AS stop,
    CASE WHEN side <> 0 THEN target_d END AS target,
    CASE WHEN side <> 0 THEN greatest(0, CASE WHEN result = 'Win' THEN exit_s ELSE greatest(high_s, CASE WHEN end_2 IS NOT NULL THEN next_high_s END) END - entry_s) END AS peak,
    range, result,
    CASE WHEN side = 0 THEN 0::DOUBLE ELSE exit_s - entry_s END AS profit,
    return_n AS return_${window}d, volatility_n AS volatility_${window}d, drawdown
  FROM ended ORDER BY timestamp`;
}
