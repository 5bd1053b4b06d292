/**
 * The launcher: a small process that forks for the service (a fork costs in proportion to the memory of who forks) and
 * outlives it just long enough to end what it started and to write down how it ended. It lives by its channel alone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessIdentity } from '../../stages/contract.ts';
import type { ExitRecord, LaunchRequest } from '../../stages/launcher-port.ts';
import type { FromLauncher, ToLauncher } from './messages.ts';
import { createProcessTable, identify } from './process-table.ts';

/** The program waits for one line on fd 3; without it, at end of file, it never runs (T6). */
const gateScript = 'IFS= read -r _ <&3 || exit 125; exec 3<&-; exec "$@"';

type Child = { process: ChildProcess; request: LaunchRequest; identity: ProcessIdentity; opened: boolean; gone: Promise<void> };
const children = new Map<number, Child>();
let serviceLost = false;

const tell = (message: FromLauncher): void => {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
};

const writeExit = (path: string, record: ExitRecord): void => {
  // Rename makes it whole or absent. No fsync: a power cut ends the attempt anyway, and it is interrupted then.
  writeFileSync(`${path}.tmp`, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
};

const launch = async (id: number, request: LaunchRequest): Promise<void> => {
  const files: number[] = [];
  try {
    for (const path of [request.stdoutPath, request.stderrPath]) files.push(openSync(path, 'a', 0o600));
    const child = spawn('/bin/sh', ['-c', gateScript, 'sh', ...request.argv], {
      cwd: request.cwd,
      env: request.env,
      detached: true,
      stdio: ['ignore', files[0] as number, files[1] as number, 'pipe'],
    });
    const gone = Promise.withResolvers<void>();
    await new Promise<void>((resolve, reject) => child.once('spawn', resolve).once('error', reject));
    // The gate's other end breaks when the program is killed behind it; its exit says so.
    child.stdio[3]?.on('error', () => {});
    const entry: Child = { process: child, request, identity: identify(child.pid as number), opened: false, gone: gone.promise };
    children.set(id, entry);
    child.once('exit', (code, signal) => {
      const ended_by = serviceLost ? ('service-lost' as const) : null;
      const record: ExitRecord = { exit_code: code, signal, ended_at: new Date().toISOString(), ended_by };
      // What never ran leaves no evidence.
      if (entry.opened) writeExit(request.exitPath, record);
      children.delete(id);
      tell({ type: 'exited', id, record });
      gone.resolve();
    });
    tell({ type: 'launched', id, identity: entry.identity });
  } catch (error) {
    tell({ type: 'failed', id, message: (error as Error).message });
  } finally {
    for (const file of files) closeSync(file);
  }
};

const gate = (child: Child, go: boolean): void => {
  const pipe = child.process.stdio[3] as NodeJS.WritableStream & { destroy(): void };
  if (go) {
    child.opened = true;
    pipe.end('go\n');
  } else pipe.destroy();
};

/** The service is gone: nobody may work unseen. */
const endAll = async (): Promise<void> => {
  serviceLost = true;
  const table = createProcessTable({ sleep: (ms) => sleep(ms) });
  const never = new AbortController().signal;
  await Promise.all(
    [...children.values()].map(async (child) => {
      if (!child.opened) gate(child, false);
      await table.end(child.identity, child.request.env.STAGEWRIGHT_ATTEMPT_TOKEN ?? '', child.request.graceMs, never);
      await child.gone;
    }),
  );
  process.exit(0);
};

process.on('message', (message: ToLauncher) => {
  if (message.type === 'launch') return void launch(message.id, message.request);
  const child = children.get(message.id);
  if (child) gate(child, message.go);
});
process.on('disconnect', () => void endAll());
// Ctrl-C goes to the whole terminal group; the service decides when it is over, not the keyboard.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {});
