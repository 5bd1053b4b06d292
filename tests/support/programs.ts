import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programOfStored } from '../../definition/kinds/stage-kinds.ts';
import { defaultLimits } from '../../definition/stage-fields.ts';
import { systemClock } from '../../services/host/clock.ts';
import { createLauncher } from '../../services/launcher/launcher.ts';
import { createProcessTable } from '../../services/launcher/process-table.ts';
import type { AttemptAnswer, AttemptRequest, ProcessIdentity } from '../../stages/contract.ts';
import { runAttempt } from '../../stages/kinds/kind-runners.ts';
import type { LaunchRequest } from '../../stages/launcher-port.ts';
import { type Mask, noMask } from '../../stages/mask.ts';

const path = process.env.PATH ?? '/usr/bin:/bin';
export const sh = (script: string): { argv: string[] } => ({ argv: ['sh', '-c', script] });

/**
 * Pids whose environment carries the token: looked up here on its own, so the table under test is
 * not its own witness.
 */
export const carriersOf = (token: string): number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        // A zombie's environment reads empty.
        return (
          pid > 1 &&
          readFileSync(`/proc/${pid}/environ`, 'latin1').includes(
            `STAGEWRIGHT_ATTEMPT_TOKEN=${token}`,
          )
        );
      } catch {
        return false;
      }
    });

/**
 * A folder, a launcher and a process table; `close` proves that no process of any request is left.
 */
export const openWorkbench = async () => {
  const dir = await mkdtemp(join(tmpdir(), 'stagewright-launcher-'));
  const logged: string[] = [];
  const launcher = createLauncher({ log: (message) => logged.push(message) });
  const processes = createProcessTable({ clock: systemClock });
  const tokens: string[] = [];
  const newToken = (): string => {
    const token = randomUUID();
    tokens.push(token);
    return token;
  };

  const launchRequest = (
    program: { argv: string[] },
    more: Partial<LaunchRequest> = {},
  ): LaunchRequest & { token: string } => {
    const token = newToken();
    const file = (name: string) => join(dir, `${token}.${name}`);
    return {
      ...program,
      token,
      cwd: dir,
      env: { PATH: path, STAGEWRIGHT_ATTEMPT_TOKEN: token },
      graceMs: 2000,
      limits: defaultLimits,
      stdoutPath: file('out'),
      stderrPath: file('err'),
      exitPath: file('exit.json'),
      ...more,
    };
  };

  const attemptRequest = (
    program: { argv: string[] } | { module: string },
    more: Partial<AttemptRequest> = {},
  ): AttemptRequest => {
    const token = newToken();
    return {
      runId: 'r_1',
      pipeline: 'p',
      stage: 's',
      attempt: 1,
      token,
      program: programOfStored(program),
      with: {},
      params: {},
      slot: '2026-01-02T03:00:00.000Z',
      url: null,
      graceMs: 2000,
      limits: defaultLimits,
      attemptDir: join(dir, token),
      workspace: join(dir, 'workspace'),
      projectDir: dir,
      cwd: dir,
      env: { PATH: path },
      ...more,
    };
  };

  /** Runs an attempt and keeps what its observer was told. */
  const attempt = (
    request: AttemptRequest,
    more: { record?: (identity: ProcessIdentity) => Promise<boolean>; mask?: Mask } = {},
  ) => {
    const told = { identity: null as ProcessIdentity | null, progress: [] as unknown[], alive: 0 };
    const answer: Promise<AttemptAnswer> = runAttempt(
      { launcher, processes, clock: systemClock, mask: more.mask ?? noMask },
      request,
      {
        recordProcess: async (identity) => {
          told.identity = identity;
          return more.record ? more.record(identity as ProcessIdentity) : true;
        },
        progress: (progress) => void told.progress.push(progress),
        alive: () => {
          told.alive += 1;
        },
        ending: () => {},
      },
      new AbortController().signal,
    );
    return { answer, told };
  };

  return {
    dir,
    launcher,
    processes,
    logged,
    launchRequest,
    attemptRequest,
    attempt,
    has: (name: string): boolean => existsSync(join(dir, name)),
    text: (name: string): string =>
      existsSync(join(dir, name)) ? readFileSync(join(dir, name), 'utf8') : '',
    close: async (): Promise<void> => {
      await launcher.close();
      const left = tokens.flatMap(carriersOf);
      for (const pid of left) process.kill(pid, 'SIGKILL');
      await rm(dir, { recursive: true, force: true });
      if (left.length > 0) throw new Error(`processes were left behind: ${left.join(', ')}`);
    },
  };
};
export type Workbench = Awaited<ReturnType<typeof openWorkbench>>;
