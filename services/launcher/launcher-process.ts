/**
 * The launcher: a small process that forks for the service (a fork costs in proportion to the
 * memory of who forks) and outlives it just long enough to end what it started and to write down
 * how it ended. It lives by its channel alone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import type { Ending, ProcessIdentity } from '../../stages/contract.ts';
import type { ExitRecord, LaunchRequest } from '../../stages/launcher-port.ts';
import { systemClock } from '../host/clock.ts';
import { createLimitWatch } from './limits.ts';
import type { FromLauncher, ToLauncher } from './messages.ts';
import { killedForMemory } from './out-of-memory.ts';
import { putBehind } from './precedence.ts';
import { createProcessTable, identify } from './process-table.ts';

/** The files of a program are as open to others as whoever started the service wants them. */
const [umask] = process.argv.slice(2).filter((text) => /^[0-7]{1,3}$/.test(text));
/** The program waits for one line on fd 3; without it, at end of file, it never runs (T6). */
const gateScript = `${umask ? `umask ${umask}; ` : ''}IFS= read -r _ <&3 || exit 125; exec 3<&-; exec "$@"`;

type Child = {
  process: ChildProcess;
  request: LaunchRequest;
  identity: ProcessIdentity;
  opened: boolean;
  /** When its program began. */
  killedForMemory: number | null;
  end: Pick<ExitRecord, 'ended_by' | 'exceeded'>;
  /** What the service has begun. */
  ending: Ending | null;
  gone: Promise<void>;
};
/** What it takes to end the processes of an attempt. */
type Left = { identity: ProcessIdentity; token: string; graceMs: number; ending: Ending | null };
const children = new Map<number, Child>();
/** They have ended by themselves, and may have left processes that the service ends now. */
const leaving = new Map<number, Left>();
const table = createProcessTable({ clock: systemClock });

const never = new AbortController().signal;
const tokenOf = ({ request }: Child): string => request.env.STAGEWRIGHT_ATTEMPT_TOKEN ?? '';
const leftOf = (child: Child): Left => ({
  identity: child.identity,
  token: tokenOf(child),
  graceMs: child.request.graceMs,
  ending: child.ending,
});
const endLeft = ({ identity, token, graceMs, ending }: Left): Promise<void> =>
  table.end(identity, token, graceMs, never, { known: ending, joins: true });

const tell = (message: FromLauncher): void => {
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
};

const writeExit = (path: string, record: ExitRecord): void => {
  // Rename makes it whole or absent. No fsync: a power cut ends the attempt anyway, and it is
  // interrupted then.
  try {
    // A stage may have left anything by this name; to open a pipe would hold up everybody.
    rmSync(`${path}.tmp`, { force: true, recursive: true });
    writeFileSync(`${path}.tmp`, JSON.stringify(record), { mode: 0o600, flag: 'wx' });
    renameSync(`${path}.tmp`, path);
  } catch (error) {
    // A full disk or a removed folder costs this attempt its evidence, and nobody else anything.
    tell({
      type: 'trouble',
      message: `an exit could not be written down: ${(error as Error).message}`,
    });
  }
};

/** A SIGKILL, also behind a shell, that came while the kernel ended processes for memory. */
const killerOf = (
  { end, killedForMemory: before }: Child,
  code: number | null,
  signal: string | null,
): Pick<ExitRecord, 'killed_for_memory'> => {
  if (end.ended_by !== null || before === null || (signal !== 'SIGKILL' && code !== 137)) return {};
  const more = (killedForMemory() ?? before) - before;
  return more > 0 ? { killed_for_memory: more } : {};
};

/** Opened without waiting and through no link: an earlier attempt may have left a pipe there. */
const openLog = (path: string): number => {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK, O_NOFOLLOW } = constants;
  const file = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOFOLLOW, 0o600);
  if (fstatSync(file).isFile()) return file;
  closeSync(file);
  throw new Error(`${basename(path)} is no regular file`);
};

/** Said here, because spawn reports a missing folder as a missing program. */
const checkFolder = (cwd: string): void => {
  if (!statSync(cwd, { throwIfNoEntry: false })?.isDirectory())
    throw new Error(`there is no folder ${cwd}`);
};

const launch = async (id: number, request: LaunchRequest): Promise<void> => {
  const files: number[] = [];
  try {
    if (request.argv.length === 0) throw new Error('there is no program to start');
    checkFolder(request.cwd);
    for (const path of [request.stdoutPath, request.stderrPath]) files.push(openLog(path));
    const child = spawn('/bin/sh', ['-c', gateScript, 'sh', ...request.argv], {
      cwd: request.cwd,
      env: request.env,
      detached: true,
      stdio: ['ignore', files[0] as number, files[1] as number, 'pipe'],
    });
    const gone = Promise.withResolvers<void>();
    await new Promise<void>((resolve, reject) =>
      child.once('spawn', resolve).once('error', reject),
    );
    // The gate's other end breaks when the program is killed behind it; its exit says so.
    child.stdio[3]?.on('error', () => {});
    const identity = identify(child.pid as number);
    const entry: Child = {
      process: child,
      request,
      identity,
      opened: false,
      killedForMemory: null,
      end: { ended_by: null },
      ending: null,
      gone: gone.promise,
    };
    children.set(id, entry);
    putBehind(identity.pid);
    child.once('exit', (code, signal) => {
      const record: ExitRecord = {
        exit_code: code,
        signal,
        ended_at: new Date().toISOString(),
        ...entry.end,
        ...killerOf(entry, code, signal),
      };
      // What never ran leaves no evidence.
      if (entry.opened) {
        writeExit(request.exitPath, record);
        leaving.set(id, leftOf(entry));
      }
      children.delete(id);
      limits.forget(id);
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

/** How often working attempts are looked at. */
const lookMs = 250;
let isLooking = false;
/** Over a limit: no grace, since every moment of it makes things worse for everybody else. */
const limits = createLimitWatch((id, { code, ...exceeded }) => {
  const child = children.get(id);
  if (!child || !table.isAlive(child.identity)) return;
  child.end = { ended_by: code, exceeded };
  void table.end(child.identity, tokenOf(child), 0, never);
});
const look = (): void => {
  isLooking = limits.look();
  if (isLooking) setTimeout(look, lookMs);
};

const gate = (id: number, child: Child, go: boolean): void => {
  const pipe = child.process.stdio[3] as NodeJS.WritableStream & { destroy(): void };
  if (go) {
    child.opened = true;
    child.killedForMemory = killedForMemory();
    limits.watch(id, {
      ...child.request,
      members: () => table.members(child.identity, tokenOf(child)),
    });
    if (!isLooking) setTimeout(look, lookMs);
    isLooking = true;
    pipe.end('go\n');
  } else pipe.destroy();
};

/** The service is gone: nobody may work unseen. */
const endAll = async (): Promise<void> => {
  const rest = [...leaving.values()].map(endLeft);
  await Promise.all(
    [...children].map(async ([id, child]) => {
      if (!child.opened) gate(id, child, false);
      // One that ended by itself just before, and was not collected yet, keeps its own ending.
      if (child.end.ended_by === null && table.isAlive(child.identity))
        child.end = { ended_by: 'service-lost' };
      await endLeft(leftOf(child));
      await child.gone;
    }),
  );
  await Promise.all(rest);
  process.exit(0);
};

tell({ type: 'ready' });
process.on('message', (message: ToLauncher) => {
  if (message.type === 'launch') return void launch(message.id, message.request);
  if (message.type === 'ping') return tell({ type: 'pong' });
  if (message.type === 'ending') {
    for (const child of children.values())
      if (tokenOf(child) === message.token) child.ending = message.ending;
    for (const left of leaving.values())
      if (left.token === message.token) left.ending = message.ending;
    return;
  }
  if (message.type === 'swept') return void leaving.delete(message.id);
  const child = children.get(message.id);
  if (child) gate(message.id, child, message.go);
});
process.on('disconnect', () => void endAll());
// Ctrl-C goes to the whole terminal group; the service decides when it is over, not the keyboard.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => {});
