import { registerChecks } from '../health/checks.ts';
import { watchEventLoop } from '../health/event-loop.ts';
import { createHealth, type Health } from '../health/health.ts';
import { createLag } from '../health/lag.ts';
import { createLauncherWatch } from '../health/launcher-watch.ts';
import { createMeasures } from '../health/measures.ts';
import { createNotifications } from '../notifications/notifications.ts';
import { noNotifySource } from '../notifications/notify-source.ts';
import { createAlarms } from '../watchdog/alarms.ts';
import { createLooks } from '../watchdog/looks.ts';
import { createWatchdog } from '../watchdog/watchdog.ts';
import type { Engine } from './engine.ts';
import type { Foundation } from './foundation.ts';
import type { Parts, ServiceOptions } from './service-parts.ts';

export type Supervision = ReturnType<typeof createSupervision>;

/** Looks after runs and after the service itself: alarms, health, numbers. */
export const createSupervision = (
  parts: Parts,
  foundation: Foundation,
  engine: Engine,
  options: ServiceOptions,
) => {
  const { store, clock, disk, log, publisher, phase } = foundation;
  const { interpreter, effects, commits, marks } = engine;
  const { note } = publisher;
  const eventLoop = watchEventLoop();
  const lag = createLag(eventLoop);
  const launcher = createLauncherWatch({ launcher: parts.launcher, clock });
  const health = createHealth({ clock, phase: phase.now, note });
  const alarms = createAlarms(note, clock);
  const notifications = notificationsOf(foundation, options, health);
  const intervalMs = options.watchdogIntervalMs;
  const watchdog = createWatchdog({
    clock,
    log,
    alarms,
    intervalMs,
    looks: createLooks({
      ...engine,
      store,
      clock,
      processes: parts.processes,
      heartbeats: marks.heartbeats,
    }),
    urgent: { codes: ['late-heartbeat'], ...marks.heartbeats },
    rounds: {
      admission: engine.admission.settleAll,
      masking: engine.masking.look,
      disk: disk.look,
      launcher: launcher.look,
      'unknown folders': foundation.unknownFolders.lookAgain,
      // While nothing works: the store file alone is then the whole store, whoever copies it.
      checkpoint: async () => {
        if ((await store.effects()).length === 0) await store.checkpoint();
      },
      notifications: notifications.look,
      'event loop': async () => lag.measure(),
      health: health.look,
    },
  });
  registerChecks(health, {
    ...foundation,
    loaded: options.loaded,
    effects,
    launcher,
    lag,
    watchdog,
    alarms,
    intervalMs,
  });
  health.register('notifications', notifications.check);
  const measures = createMeasures({
    clock,
    interpreter: { ...interpreter, onCommit: commits.as('measures') },
    store,
    loaded: options.loaded,
    slotTallies: foundation.slotTallies,
    effects,
    disk,
    alarms,
    health,
    notifications,
    lag: lag.last,
  });
  return { eventLoop, health, watchdog, notifications, measures };
};

const notificationsOf = (
  { store, clock, log, secrets, publisher }: Foundation,
  { loaded, notify, url, secretsFrom, baseEnv }: ServiceOptions,
  health: Pick<Health, 'report'>,
) => {
  const notifications = createNotifications({
    store,
    clock,
    log,
    loaded,
    source: notify ?? noNotifySource,
    url: url ?? (() => null),
    readFile: secretsFrom.readFile,
    maskOf: (names) =>
      names.flatMap((name) => {
        const entry = loaded.pipelines.get(name);
        return entry ? [secrets.maskOf(entry)] : [];
      }),
    env: baseEnv,
    isWell: (check) => (health.report().checks[check]?.status ?? 'ok') === 'ok',
    sayWell: (check) =>
      publisher.note({
        runId: null,
        pipeline: null,
        stage: 'system',
        event: 'recovered',
        severity: 'info',
        msg: `${check}: is well again since the service was started anew`,
        data: { check, code: null },
      }),
  });
  publisher.onJournal(notifications.wake);
  return notifications;
};
