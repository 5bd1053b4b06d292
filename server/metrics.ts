import { Counter, Gauge, Registry } from 'prom-client';
import type { Measures } from '../services/health/measures.ts';

export type Metrics = { contentType: string; render(): Promise<string> };
type Labels = Record<string, string>;

/** The measures as Prometheus text; every number is read when it is asked for. */
export const createMetrics = (deps: {
  measures: () => Promise<Measures>;
  sockets: () => number;
}): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name: `stagewright_${name}`, help, labelNames, registers });
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name: `stagewright_${name}_total`, help, labelNames, registers });
  /** What is not there any more must not stay as it was. */
  const show = (one: Gauge | Counter, values: [Labels, number][]): void => {
    one.reset();
    for (const [labels, value] of values) one.inc(labels, value);
  };

  const ended = counter('runs_ended', 'Runs that ended since the service started', [
    'pipeline',
    'outcome',
  ]);
  const seconds = counter('run_seconds', 'Seconds those runs took together', [
    'pipeline',
    'outcome',
  ]);
  const live = gauge('runs_live', 'Runs that are queued or running', ['pipeline', 'state']);
  const lag = gauge(
    'event_loop_lag_seconds',
    'How late the event loop was between the last two looks of the watchdog',
    ['quantile'],
  );
  const head = gauge('journal_head', 'The seq of the newest event');
  const pending = gauge('answers_waiting', 'Answers that wait to be committed');
  const free = gauge('disk_free_bytes', 'Free space of the data directory');
  const alarms = gauge('watchdog_alarms', 'Alarms that are open', ['alarm']);
  const health = gauge('health_ok', 'What each part of the service says of itself: 1 = well', [
    'check',
  ]);
  const told = counter('notifications', 'Messages, by what became of them', ['channel', 'result']);
  const sockets = gauge('sockets', 'WebSockets that are connected');
  const memory = gauge('resident_memory_bytes', 'Memory of the service');

  return {
    contentType: registry.contentType,
    render: async () => {
      const now = await deps.measures();
      show(
        ended,
        now.ended.map(({ pipeline, outcome, count }) => [{ pipeline, outcome }, count]),
      );
      show(
        seconds,
        now.ended.map((sum) => [{ pipeline: sum.pipeline, outcome: sum.outcome }, sum.seconds]),
      );
      show(
        live,
        now.live.map(({ pipeline, state, count }) => [{ pipeline, state }, count]),
      );
      show(lag, [
        [{ quantile: '0.99' }, now.eventLoop.p99Ms / 1000],
        [{ quantile: '1' }, now.eventLoop.maxMs / 1000],
      ]);
      head.set(now.journalHead);
      pending.set(now.pendingAnswers);
      free.set(now.freeBytes ?? Number.NaN);
      show(
        alarms,
        now.alarms.map(({ alarm, count }) => [{ alarm }, count]),
      );
      show(
        health,
        now.checks.map(({ check, isOk }) => [{ check }, isOk ? 1 : 0]),
      );
      const sent = now.notifications.map(({ count, ...of }): [Labels, number] => [of, count]);
      show(told, sent);
      sockets.set(deps.sockets());
      memory.set(process.memoryUsage.rss());
      return registry.metrics();
    },
  };
};
