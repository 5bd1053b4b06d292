import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExitRecord, Launched, Launcher } from '../../stages/launcher-port.ts';
import type { FromLauncher, ToLauncher } from './messages.ts';

// The same extension as this file's: the published package holds JavaScript.
const program = fileURLToPath(
  new URL(`./launcher-process${extname(import.meta.url)}`, import.meta.url),
);

/** An error of the launcher with the code its port promises. */
const launcherError = (code: 'spawn-failed' | 'launcher-lost', message: string): Error =>
  Object.assign(new Error(message), { code });

type Pending = {
  launched: PromiseWithResolvers<Launched>;
  exited: PromiseWithResolvers<ExitRecord>;
};
type Live = {
  child: ChildProcess;
  pending: Map<number, Pending>;
  /** Those who wait for its answer, in the order they asked. */
  pings: PromiseWithResolvers<void>[];
  gone: Promise<void>;
  ready: boolean;
};

/** Starts programs through one launcher process, which is started again when it dies. */
export const createLauncher = (deps: {
  log: (message: string) => void;
  /** What programs begin with; by default that of this process. */
  umask?: number;
}): Launcher => {
  let live: Live | null = null;
  let nextId = 1;
  let closed = false;

  const send = ({ child }: Live, message: ToLauncher): void => {
    // A broken channel is noticed as the exit of the launcher.
    child.send(message, () => {});
  };

  const settle = (owner: Live, message: FromLauncher): void => {
    if (message.type === 'ready') owner.ready = true;
    if (message.type === 'pong') owner.pings.shift()?.resolve();
    if (message.type === 'trouble') deps.log(message.message);
    if (!('id' in message)) return;
    const entry = owner.pending.get(message.id);
    if (!entry) return;
    if (message.type === 'launched') {
      entry.launched.resolve({
        identity: message.identity,
        open: () => send(owner, { type: 'gate', id: message.id, go: true }),
        abandon: () => send(owner, { type: 'gate', id: message.id, go: false }),
        exited: entry.exited.promise,
        swept: () => send(owner, { type: 'swept', id: message.id }),
      });
      return;
    }
    owner.pending.delete(message.id);
    if (message.type === 'failed')
      entry.launched.reject(launcherError('spawn-failed', message.message));
    else entry.exited.resolve(message.record);
  };

  const begin = (): Live => {
    // Detached: a Ctrl-C in the terminal must not end it before the service has ended its work. Its
    // environment is empty, since a stage is given its own and the service's secrets are nobody
    // else's.
    const child = fork(program, deps.umask === undefined ? [] : [deps.umask.toString(8)], {
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
      env: {},
    });
    const gone = Promise.withResolvers<void>();
    const started: Live = {
      child,
      pending: new Map(),
      pings: [],
      gone: gone.promise,
      ready: false,
    };
    const lost = (): void => {
      if (live !== started) return;
      live = null;
      const error = launcherError(
        'launcher-lost',
        'the launcher process died; exit codes of its programs are lost',
      );
      for (const { launched, exited } of started.pending.values()) {
        launched.reject(error);
        exited.reject(error);
      }
      for (const ping of started.pings) ping.reject(error);
      gone.resolve();
      if (closed) return;
      deps.log(`the launcher died (${child.signalCode ?? child.exitCode}) and is started again`);
      // One that never came up is tried again by the next launch, not in a loop.
      if (started.ready) live = begin();
    };
    child.on('message', (message) => settle(started, message as FromLauncher));
    child.once('exit', lost).once('error', lost);
    return started;
  };
  live = begin();

  return {
    launch: async (request) => {
      if (closed) throw launcherError('launcher-lost', 'the launcher is closed');
      live ??= begin();
      const id = nextId++;
      const entry: Pending = { launched: Promise.withResolvers(), exited: Promise.withResolvers() };
      // Whoever abandons a launch does not listen any more.
      entry.exited.promise.catch(() => {});
      live.pending.set(id, entry);
      send(live, { type: 'launch', id, request });
      return entry.launched.promise;
    },
    ending: (token, ending) => {
      if (live) send(live, { type: 'ending', token, ending });
    },
    ping: async () => {
      if (!live) throw launcherError('launcher-lost', 'no launcher is there');
      const ping = Promise.withResolvers<void>();
      live.pings.push(ping);
      send(live, { type: 'ping' });
      return ping.promise;
    },
    pid: () => live?.child.pid ?? null,
    close: async () => {
      closed = true;
      if (!live) return;
      const { child, gone } = live;
      if (child.connected) child.disconnect();
      await gone;
    },
  };
};
