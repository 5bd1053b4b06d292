import type { Launcher } from '../../stages/launcher-port.ts';
import type { Clock } from '../host/clock.ts';
import type { HealthVerdict } from './health.ts';

/** An answer takes the launcher a turn of its loop; this is no matter of load any more. */
const silentMs = 5000;

/**
 * Whether the launcher answers, and not only whether it is there: one that hangs exists. Asked at
 * each look and each time somebody reads the health, never twice at once.
 */
export const createLauncherWatch = ({
  launcher,
  clock,
}: {
  launcher: Pick<Launcher, 'pid' | 'ping'>;
  clock: Pick<Clock, 'monotonicMs'>;
}) => {
  let askedAt: number | null = null;
  const answered = (): void => {
    askedAt = null;
  };
  const ask = (): void => {
    if (askedAt !== null) return;
    askedAt = clock.monotonicMs();
    // One that died has its own code.
    launcher.ping().then(answered, answered);
  };
  return {
    look: async (): Promise<void> => ask(),
    check: (): HealthVerdict => {
      if (launcher.pid() === null)
        return { ok: false, code: 'launcher-gone', detail: 'is being restarted' };
      const waitedMs = askedAt === null ? 0 : clock.monotonicMs() - askedAt;
      ask();
      if (waitedMs < silentMs) return { ok: true, detail: 'is responding' };
      const seconds = Math.round(waitedMs / 1000);
      const detail = `has not answered for ${seconds} s; no stage can be started`;
      return { ok: false, code: 'launcher-silent', detail };
    },
  };
};
export type LauncherWatch = ReturnType<typeof createLauncherWatch>;
