import { isatty } from 'node:tty';
import type { Clock } from '../services/host/clock.ts';

/** npm passes on the Ctrl-C that the terminal sends to everybody: two so close are one. */
const oneKeyMs = 500;
const interrupted = 130;

/**
 * SIGTERM and Ctrl-C end the service in order, the second one at once. SIGHUP reads the pipeline
 * files again, but where the service was started on a terminal that is gone, it ends in order.
 */
export const listenToSignals = (clock: Pick<Clock, 'monotonicMs'>) => {
  const told = Promise.withResolvers<string>();
  // A terminal that hung up is none any more. Under nohup, or a supervisor, there was none.
  const terminal = [0, 1, 2].find((fd) => isatty(fd));
  let reread: (() => void) | null = null;
  let wasAsked = false;

  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    let firstMs: number | null = null;
    process.on(name, () => {
      const nowMs = clock.monotonicMs();
      if (firstMs !== null && nowMs - firstMs >= oneKeyMs) process.exit(interrupted);
      firstMs ??= nowMs;
      told.resolve(name);
    });
  }
  process.on('SIGHUP', () => {
    if (terminal !== undefined && !isatty(terminal)) told.resolve('the terminal is gone');
    else if (reread) reread();
    else wasAsked = true;
  });
  return {
    /** Resolves with the reason to end in order. */
    told: told.promise,
    /** From now on the files can be read again; if that was asked for before, it is done now. */
    onReread: (work: () => void): void => {
      reread = work;
      if (wasAsked) work();
    },
  };
};
