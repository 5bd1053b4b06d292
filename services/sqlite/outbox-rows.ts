import type {
  Batch,
  ChannelState,
  MessageRow,
  MessageState,
  OutboxPlan,
  OutboxStore,
  OutboxWrites,
  Trouble,
} from '../store/outbox-store.ts';
import type { Database, Row } from './database.ts';
import { selectRun } from './load-run.ts';
import { streakOf } from './streaks.ts';

/** As many as one message can hold; the others are the next one. */
const maxBatch = 500;

const toMessage = (row: Row): MessageRow => ({
  n: row.n as number,
  channel: row.channel as string,
  cause: row.cause as string,
  pipeline: row.pipeline as string | null,
  runId: row.run_id as string | null,
  at: row.at as number,
  message: JSON.parse(row.message as string),
  state: row.state as MessageState,
  notBefore: row.not_before as number,
  dueAt: row.due_at as number,
  batch: row.batch as number | null,
  attempts: row.attempts as number,
  firstAt: row.first_at as number | null,
  lastAt: row.last_at as number | null,
  answer: row.answer as string | null,
});
const toTrouble = (row: Row): Trouble => ({
  key: row.key as string,
  channel: row.channel as string,
  since: row.since as number,
  toldAt: row.told_at as number,
  times: row.times as number,
  repeatMs: row.repeat_ms as number | null,
  message: JSON.parse(row.message as string),
});

const allTroubles = (db: Database): Trouble[] =>
  db.all('SELECT * FROM troubles ORDER BY told_at, key').map(toTrouble);

const insertWrites = (
  db: Database,
  { messages, opens, closes }: OutboxWrites,
  at: number,
): number[] => {
  for (const key of closes) db.run('DELETE FROM troubles WHERE key = ?', key);
  for (const { key, channel, since, toldAt, times, repeatMs, message } of opens)
    db.run(
      'INSERT OR REPLACE INTO troubles (key, channel, since, told_at, times, repeat_ms, message) VALUES (?,?,?,?,?,?,?)',
      key,
      channel,
      since,
      toldAt,
      times,
      repeatMs,
      JSON.stringify(message),
    );
  return messages.map(
    ({ channel, cause, pipeline, runId, message, notBefore, dueAt }) =>
      db.run(
        `INSERT INTO notifications (channel, cause, pipeline, run_id, at, message, state, not_before, due_at)
         VALUES (?,?,?,?,?,?,'waiting',?,?)`,
        channel,
        cause,
        pipeline,
        runId,
        at,
        JSON.stringify(message),
        notBefore,
        dueAt,
      ).lastId,
  );
};

/** What the pipeline did before this run; its own rows alone are looked at. */
const doneBefore = (db: Database, pipeline: string, runId: string | null) => {
  const row = db.get(
    `SELECT run_id, number, ended_at FROM runs WHERE pipeline = ?1 AND state = 'DONE' AND ended_at IS NOT NULL AND run_id IS NOT ?2
     ORDER BY run_id DESC LIMIT 1`,
    pipeline,
    runId,
  );
  return row
    ? {
        runId: row.run_id as string,
        number: row.number as number,
        endedAt: row.ended_at as number,
      }
    : null;
};

/** Gives what was said in this transaction to the plan. */
export const tellOf = (db: Database, plan: OutboxPlan): void => {
  for (const event of db.said) {
    const { runId, at } = event;
    const pipeline = event.pipeline ?? '';
    const lastDone = () => doneBefore(db, pipeline, runId);
    const writes = plan({
      event,
      run: () => (runId === null ? null : selectRun(db, 'runs.run_id = ?', runId)),
      streak: () => streakOf(db, pipeline),
      troubles: (key) =>
        db.all('SELECT * FROM troubles WHERE key = ? ORDER BY channel', key).map(toTrouble),
      lastDone,
      failingSince: () => {
        const first = db.get(
          `SELECT min(ended_at) AS at FROM runs
           WHERE pipeline = ? AND state = 'FAILED' AND ended_at IS NOT NULL AND run_id > ?`,
          pipeline,
          lastDone()?.runId ?? '',
        );
        return (first?.at as number | null | undefined) ?? null;
      },
    });
    if (writes) insertWrites(db, writes, at);
  }
};

const claim = (db: Database, channel: string, at: number): Batch | null => {
  const mine = "state = 'waiting' AND channel = ?1 AND due_at <= ?2";
  const due = db.get(
    `SELECT n, batch FROM notifications WHERE ${mine} ORDER BY due_at, n LIMIT 1`,
    channel,
    at,
  );
  if (!due) return null;
  const n = (due.batch ?? due.n) as number;
  // Whoever may be told by now joins the first that has to be; a batch that was begun stays as it is.
  if (due.batch === null)
    db.run(
      `UPDATE notifications SET batch = ?1, first_at = ?3 WHERE n IN
         (SELECT n FROM notifications WHERE state = 'waiting' AND channel = ?2 AND batch IS NULL AND not_before <= ?3 ORDER BY n LIMIT ?4)
         OR n = ?1`,
      n,
      channel,
      at,
      maxBatch,
    );
  const rows = db.all('SELECT * FROM notifications WHERE batch = ? ORDER BY n', n).map(toMessage);
  const [first] = rows;
  return { channel, n, rows, attempts: first?.attempts ?? 0, firstAt: first?.firstAt ?? at };
};

const stateOf = (db: Database, channel: string): ChannelState => {
  const now = db.get(
    `SELECT count(*) AS waiting, count(CASE WHEN attempts > 0 THEN 1 END) AS failing, min(at) AS oldest
     FROM notifications WHERE state = 'waiting' AND channel = ?`,
    channel,
  );
  const failed = db.get(
    `SELECT answer FROM notifications WHERE state = 'waiting' AND channel = ? AND attempts > 0 ORDER BY last_at DESC LIMIT 1`,
    channel,
  );
  const last = db.get(
    `SELECT state, last_at, answer FROM notifications WHERE channel = ? AND state <> 'waiting' ORDER BY n DESC LIMIT 1`,
    channel,
  );
  return {
    channel,
    waiting: (now?.waiting as number | undefined) ?? 0,
    failing: (now?.failing as number | undefined) ?? 0,
    oldestAt: (now?.oldest as number | null | undefined) ?? null,
    failure: (failed?.answer as string | null | undefined) ?? null,
    last: last
      ? {
          state: last.state as MessageState,
          at: last.last_at as number,
          answer: last.answer as string | null,
        }
      : null,
  };
};

/** Messages that wait are never forgotten. @returns how many are gone */
export const pruneMessages = (db: Database, before: number): number =>
  db.run("DELETE FROM notifications WHERE at < ? AND state <> 'waiting'", before).changes;

const page = (
  db: Database,
  { channel, state, pipeline, before, limit }: Parameters<OutboxStore['messages']>[0],
): Awaited<ReturnType<OutboxStore['messages']>> => {
  const asked = { channel, state, pipeline };
  const given = Object.entries(asked).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  );
  const conditions = ['n < ?', ...given.map(([key]) => `${key} = ?`)];
  const rows = db
    .all(
      `SELECT * FROM notifications WHERE ${conditions.join(' AND ')} ORDER BY n DESC LIMIT ?`,
      before ?? Number.MAX_SAFE_INTEGER,
      ...given.map(([, value]) => value),
      limit + 1,
    )
    .map(toMessage);
  const items = rows.slice(0, limit);
  return { items, next: rows.length > limit ? (items.at(-1)?.n ?? null) : null };
};

/** The outbox on SQLite; its plan is the store's, which gives it what each transaction has written. */
export const createOutbox = (
  db: Database,
  write: <T>(work: () => T) => Promise<T>,
): Omit<OutboxStore, 'outbox'> => ({
  claimMessages: (channel, at) => write(() => claim(db, channel, at)),
  settleMessages: (batch, { state, answer, nextAt }, at) =>
    write(
      () =>
        void db.run(
          `UPDATE notifications SET state = ?1, answer = ?2, due_at = COALESCE(?3, due_at), last_at = ?4, attempts = attempts + 1
           WHERE batch = ?5 AND state = 'waiting'`,
          state,
          answer,
          nextAt,
          at,
          batch,
        ),
    ),
  addMessages: (plan, at) => write(() => insertWrites(db, plan(allTroubles(db)), at)),
  retryMessage: (n, at) =>
    write(() => {
      const row = db.get('SELECT state, batch FROM notifications WHERE n = ?', n);
      if (!row || row.state === 'delivered')
        return (row?.state as MessageState | undefined) ?? null;
      // What gave up counts its time anew; it keeps its batch, and with it its id.
      db.run(
        `UPDATE notifications SET state = 'waiting', due_at = ?1, not_before = min(not_before, ?1), first_at = ?1
         WHERE state <> 'delivered' AND (n = ?2 OR batch = ?3)`,
        at,
        n,
        row.batch as number | null,
      );
      return row.state as MessageState;
    }),
  messages: async (filter) => page(db, filter),
  channelStates: async () =>
    db
      .all('SELECT DISTINCT channel FROM notifications ORDER BY channel')
      .map(({ channel }) => stateOf(db, channel as string)),
  nextMessageAt: async (channels) =>
    (db.get(
      `SELECT min(due_at) AS at FROM notifications
       WHERE state = 'waiting' AND channel IN (SELECT value FROM json_each(?))`,
      JSON.stringify(channels),
    )?.at as number | null | undefined) ?? null,
  troubles: async () => allTroubles(db),
});
