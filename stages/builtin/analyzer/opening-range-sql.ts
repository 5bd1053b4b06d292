import { literal, parquet } from '../duckdb.ts';
import type { InstrumentSpec } from '../instruments.ts';

export type Rules = InstrumentSpec & { instrument: string; timezone: string };
export const rulesOf = (
  instrument: string,
  { tick, target }: InstrumentSpec,
  timezone: string,
): Rules => ({
  instrument,
  tick,
  target,
  timezone,
});

/** Session, its start, and the slots at which its range freezes; exchange time. */
const sessions: [session: string, start: string, slots: string[]][] = [
  ['S1', '02:00', ['07:30', '08:00', '09:00']],
  ['S2', '08:00', ['09:30', '10:00', '10:30', '11:00']],
];
const close = `TIME '16:00'`;
const moveAt = 0.65;

/**
 * Prices have at most this many decimals, so that a level is the same double as the same price read
 * from a file.
 */
const exact = (price: string) => `round(${price}, 8)`;

/**
 * The break-out of an opening range, one row per trading day, session and slot.
 *
 * A trading day is Mon–Fri with a bar from 02:00 to 16:00. Range = bars in [session start, slot).
 * The first bar in [slot, 16:00) that reaches high + 1 tick enters long at that level, low − 1 tick
 * short; a bar that reaches both is NoTrade, except the freeze bar (the one stamped with the slot
 * itself) when its close is already beyond a level: that enters there at once. No break, no range,
 * or a range of 0: NoTrade. Stop = min(range, 3 × target). Exits count from the bar of the entry
 * on, at their levels: target → Win, stop → Loss; from the bar after the one that reached 65 % of
 * the target on, the stop stands 1 tick behind the entry → BE. Both in one bar: the one nearer to
 * its close, tie → stop. Neither by the same slot of the next trading day → TIME, at that instant
 * and the last close before it; the bars do not reach that far → OPEN. `peak` = best open profit of
 * the bars held, the target for a Win.
 *
 * A row is written once it is decided: by a break, or when the day is past 16:00 by the bars or by
 * the exchange's clock. A short is calculated as a long in negated prices (suffix _s), so each rule
 * is written once; `n` is the order of the bars.
 */
export function statements(
  files: string[],
  { instrument, tick, target, timezone }: Rules,
): [step: string, sql: string][] {
  const slots = sessions.flatMap(([session, start, list]) =>
    list.map((slot) => `(${literal(session)}, TIME '${start}', ${literal(slot)}, TIME '${slot}')`),
  );
  // The bars of a trade's day and of the next one; `k` numbers the trading days, so that this is a
  // join on equality.
  const held = (from: string) =>
    `(SELECT *, unnest([k, k + 1]) AS held_k FROM ${from}) t JOIN placed b ON b.k = t.held_k`;
  const best = 'CASE side WHEN 1 THEN b.high ELSE -b.low END';
  const worst = 'CASE side WHEN 1 THEN b.low ELSE -b.high END';
  return [
    [
      'bars',
      `CREATE OR REPLACE TEMP VIEW bars AS SELECT timestamp, timestamp::DATE AS date, timestamp::TIME AS time, open, high, low, close,
        file_index * 100000000 + file_row_number AS n FROM ${parquet(files, ', file_row_number = true')}`,
    ],
    [
      'days',
      `CREATE OR REPLACE TABLE slots AS FROM (VALUES ${slots.join(', ')}) AS s(session, start, slot, freezes);
      CREATE OR REPLACE TABLE dates AS SELECT date, bool_or(time >= TIME '02:00' AND time < ${close}) AND isodow(date) < 6 AS trades,
        max(timestamp) AS last FROM bars GROUP BY date;
      CREATE OR REPLACE TABLE days AS SELECT date, row_number() OVER w AS k, lead(date) OVER w AS next_date FROM dates WHERE trades WINDOW w AS (ORDER BY date);
      CREATE OR REPLACE TABLE places AS SELECT date, coalesce(k, (SELECT count(*) + 1 FROM days)) AS k
        FROM dates LEFT JOIN (SELECT date AS day, k FROM days) ON day = (SELECT min(d.date) FROM days d WHERE d.date >= dates.date);
      CREATE OR REPLACE TEMP VIEW placed AS SELECT bars.*, places.k FROM bars JOIN places USING (date);
      CREATE OR REPLACE TABLE ends AS SELECT max(last) AS last, greatest(max(last) + INTERVAL 1 MINUTE, timezone(${literal(timezone)}, now())) AS as_of FROM dates`,
    ],
    [
      'ranges',
      `CREATE OR REPLACE TABLE cells AS
      SELECT days.*, session, slot, freezes, date + freezes AS frozen, high, low, ${exact('high - low')} AS range,
        ${exact(`high + ${tick}`)} AS up, ${exact(`low - ${tick}`)} AS down
      FROM days CROSS JOIN slots LEFT JOIN (
        SELECT date, session, slot, max(high) AS high, min(low) AS low FROM bars JOIN slots ON time >= start AND time < freezes
        WHERE time >= TIME '02:00' AND time < TIME '11:00' GROUP BY ALL
      ) ranges USING (date, session, slot)`,
    ],
    [
      'entries',
      `CREATE OR REPLACE TABLE trades AS
      WITH breaks AS (
        SELECT c.date, session, slot, arg_min({n: n, timestamp: timestamp, high: b.high, low: b.low, close: close}, n) AS bar
        FROM bars b JOIN cells c ON b.date = c.date AND b.timestamp >= c.frozen
        WHERE b.time >= TIME '07:30' AND b.time < ${close} AND c.range > 0 AND (b.high >= c.up OR b.low <= c.down) GROUP BY ALL
      ), sides AS (
        SELECT cells.*, bar, CASE
          WHEN bar IS NULL THEN 0
          WHEN bar.timestamp = frozen AND bar.close >= up THEN 1
          WHEN bar.timestamp = frozen AND bar.close <= down THEN -1
          WHEN bar.high >= up AND bar.low <= down THEN 0
          WHEN bar.high >= up THEN 1
          ELSE -1 END AS side
        FROM cells LEFT JOIN breaks USING (date, session, slot)
      )
      SELECT *, bar.n AS entry_n, bar.timestamp AS entry_time, CASE side WHEN 1 THEN up WHEN -1 THEN -down END AS entry_s,
        least(range, ${exact(`3 * ${target}`)}) AS stop_d, ${exact(`entry_s + ${target}`)} AS target_s, ${exact('entry_s - stop_d')} AS stop_s,
        ${exact(`entry_s + ${moveAt} * ${target}`)} AS move_s, ${exact(`entry_s - ${tick}`)} AS behind_s,
        next_date + freezes AS expiry, coalesce(expiry <= (SELECT last FROM ends), false) AS expired
      FROM sides`,
    ],
    [
      'exits',
      `CREATE OR REPLACE TABLE reached AS
      SELECT t.date, session, slot, max(b.n) AS last_n, min(b.n) FILTER (${best} >= target_s) AS target_n,
        min(b.n) FILTER (${worst} <= stop_s) AS stop_n, min(b.n) FILTER (${best} >= move_s) AS move_n
      FROM ${held('trades WHERE side <> 0')} WHERE b.n >= entry_n AND (NOT expired OR b.timestamp < expiry) GROUP BY ALL`,
    ],
    [
      'moved stops',
      `CREATE OR REPLACE TABLE moved AS
      SELECT t.date, session, slot, min(b.n) AS behind_n
      FROM ${held('trades JOIN reached USING (date, session, slot) WHERE move_n < coalesce(least(target_n, stop_n), last_n + 1)')}
      WHERE b.n > move_n AND b.n <= last_n AND ${worst} <= behind_s GROUP BY ALL`,
    ],
    [
      'results',
      `CREATE OR REPLACE TABLE outcomes AS
      WITH stops AS (
        SELECT *, move_n IS NOT NULL AND (stop_n IS NULL OR stop_n > move_n) AS is_moved,
          CASE WHEN is_moved THEN behind_n ELSE stop_n END AS out_n, CASE WHEN is_moved THEN behind_s ELSE stop_s END AS out_s,
          least(target_n, out_n) AS exit_n, coalesce(exit_n, last_n) AS end_n
        FROM trades JOIN reached USING (date, session, slot) LEFT JOIN moved USING (date, session, slot)
      ), ends AS (
        SELECT t.date, session, slot, max(${best}) AS best_s, arg_max(b.timestamp, b.n) AS end_time, arg_max(side * b.close, b.n) AS end_close_s
        FROM ${held('stops')} WHERE b.n BETWEEN entry_n AND end_n GROUP BY ALL
      )
      SELECT *, CASE
          WHEN exit_n IS NULL THEN CASE WHEN expired THEN 'TIME' ELSE 'OPEN' END
          WHEN target_n = out_n THEN CASE WHEN abs(end_close_s - target_s) < abs(end_close_s - out_s) THEN 'Win' WHEN is_moved THEN 'BE' ELSE 'Loss' END
          WHEN target_n = exit_n THEN 'Win'
          WHEN is_moved THEN 'BE'
          ELSE 'Loss' END AS result,
        CASE result WHEN 'Win' THEN target_s WHEN 'TIME' THEN end_close_s WHEN 'OPEN' THEN NULL ELSE out_s END AS exit_s,
        CASE result WHEN 'TIME' THEN expiry WHEN 'OPEN' THEN NULL ELSE end_time END AS exit_time
      FROM stops JOIN ends USING (date, session, slot)`,
    ],
    [
      'rows',
      `CREATE OR REPLACE TABLE breakouts AS
      SELECT date, slot, session, ${literal(instrument)} AS instrument, ${literal(instrument)} || '-' || session AS stream,
        CASE t.side WHEN 1 THEN 'Long' WHEN -1 THEN 'Short' END AS direction,
        CASE WHEN t.side <> 0 THEN t.entry_time END AS entry_time, t.side * t.entry_s AS entry_price, exit_time, ${exact('t.side * exit_s')} AS exit_price,
        CASE WHEN t.side <> 0 THEN t.stop_d END AS stop, CASE WHEN t.side <> 0 THEN ${target}::DOUBLE END AS target,
        CASE WHEN t.side <> 0 THEN greatest(0, ${exact(`CASE result WHEN 'Win' THEN target_s ELSE best_s END - t.entry_s`)}) END AS peak,
        t.range, coalesce(result, 'NoTrade') AS result, CASE WHEN t.side = 0 THEN 0::DOUBLE ELSE ${exact('exit_s - t.entry_s')} END AS profit
      FROM trades t LEFT JOIN (SELECT date, session, slot, result, exit_s, exit_time, best_s FROM outcomes) USING (date, session, slot)
      WHERE t.bar IS NOT NULL OR (SELECT as_of FROM ends) >= t.date + ${close}`,
    ],
  ];
}

/** Rows that are not decided yet, and when the first of their days is over, in ms. */
export type Pending = { count: number; until: number | null };
export const countPending = ({
  timezone,
}: Rules) => `SELECT count(*) AS count, epoch_ms(timezone(${literal(timezone)}, min(date) + ${close})) AS until
  FROM cells ANTI JOIN breakouts USING (date, session, slot)`;
