import type { NewEvent } from '../../wire/events.ts';
import type { Clock } from '../host/clock.ts';
import type { Store } from '../store/store.ts';

/** Something that should not be; found again by every look for as long as it is. */
export type Anomaly = {
  /** Who is concerned: one alarm for each. */
  key: string;
  runId: string | null;
  pipeline: string | null;
  attempt?: number;
  /** `error`: nobody but a person can do anything about it. */
  severity: 'warning' | 'error';
  msg: string;
  data: Record<string, unknown>;
  /** What is done about it, once. It delivers events; it writes no state. */
  act?: () => Promise<void>;
};
type Alarm = { code: string; msg: string; severity: Anomaly['severity'] };

/**
 * One alarm and one action each: raised when first found, over when not found any more, silent in
 * between (S61).
 */
export type Alarms = {
  /** @throws what an action or the journal threw; it is tried again by the next look */
  settle(code: string, findings: readonly Anomaly[]): Promise<void>;
  open(): Alarm[];
};

type Open = Alarm &
  Pick<Anomaly, 'runId' | 'pipeline' | 'attempt'> & { isDone: boolean; isActing: boolean };

/** So long a look waits for an act; one that hangs must not keep us from looking at the others. */
const actMs = 10_000;

export const createAlarms = (
  note: (event: Parameters<Store['note']>[0]) => Promise<void>,
  clock: Pick<Clock, 'after'>,
): Alarms => {
  const alarms = new Map<string, Open>();
  const say = (
    { runId, pipeline, attempt }: Omit<Open, 'isDone' | 'isActing'>,
    event: Pick<NewEvent, 'event' | 'severity' | 'msg' | 'data'>,
  ) =>
    note({
      runId,
      pipeline,
      stage: 'watchdog',
      ...(attempt !== undefined && { attempt }),
      ...event,
    });

  const raise = async (code: string, finding: Anomaly): Promise<Open> => {
    const { runId, pipeline, attempt, severity, msg } = finding;
    const alarm = {
      code,
      msg,
      severity,
      runId,
      pipeline,
      ...(attempt !== undefined && { attempt }),
      isDone: false,
      isActing: false,
    };
    const said = { severity, msg, data: { alarm: code, ...finding.data } };
    // Recorded before anything is done about it; an alarm that cannot be recorded is raised by the
    // next look.
    await say(
      alarm,
      severity === 'error' ? { event: 'error', ...said } : { event: 'warning', ...said },
    );
    return alarm;
  };

  /** Goes on with what it has begun, also when nobody waits any more. */
  const act = async (alarm: Open, work: () => Promise<void>): Promise<void> => {
    const late = Promise.withResolvers<never>();
    const cancel = clock.after(actMs, () =>
      late.reject(new Error(`${alarm.code} is acted upon for more than ${actMs / 1000} s`)),
    );
    alarm.isActing = true;
    const acting = work()
      .then(() => {
        alarm.isDone = true;
      })
      .finally(() => {
        alarm.isActing = false;
      });
    try {
      await Promise.race([acting, late.promise]);
    } finally {
      cancel();
      acting.catch(() => {});
    }
  };

  return {
    settle: async (code, findings) => {
      const found = new Map(findings.map((finding) => [`${code} ${finding.key}`, finding]));
      let failure: unknown = null;
      for (const [key, finding] of found) {
        const alarm = alarms.get(key) ?? (await raise(code, finding));
        alarms.set(key, alarm);
        if (alarm.isDone || alarm.isActing) continue;
        try {
          await act(alarm, finding.act ?? (async () => {}));
        } catch (error) {
          failure ??= error;
        }
      }
      for (const [key, alarm] of alarms) {
        if (alarm.code !== code || found.has(key)) continue;
        await say(alarm, {
          event: 'recovered',
          severity: 'info',
          msg: `over: ${alarm.msg}`,
          data: { alarm: code },
        });
        alarms.delete(key);
      }
      // Raised once, but what could not be done is done by the next look.
      if (failure !== null) throw failure;
    },
    open: () => [...alarms.values()].map(({ code, msg, severity }) => ({ code, msg, severity })),
  };
};
