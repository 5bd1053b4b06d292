import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defaultLimits } from '../../definition/stage-fields.ts';
import type { AttemptRequest } from '../../stages/contract.ts';

const host = fileURLToPath(new URL('../../stages/module-host.ts', import.meta.url));

/**
 * A built-in stage in a process of its own, as the launcher starts it; nothing is awaited but its
 * start.
 */
export async function startStage(
  dir: string,
  stage: string,
  options: Record<string, unknown>,
  attempt = 1,
  uid?: number,
): Promise<ChildProcess> {
  const attemptDir = join(dir, 'attempts', `${stage}-${attempt}`);
  await mkdir(attemptDir, { recursive: true });
  const request: AttemptRequest = {
    runId: 'run-1',
    pipeline: 'p',
    stage,
    attempt,
    token: 't',
    attemptDir,
    workspace: join(dir, 'workspace'),
    projectDir: dir,
    program: { kind: 'module', module: `builtin:${stage}` },
    with: options,
    params: {},
    slot: '2026-01-02T03:00:00.000Z',
    url: null,
    env: {},
    cwd: dir,
    graceMs: 1000,
    limits: defaultLimits,
  };
  const path = join(attemptDir, 'attempt.json');
  await writeFile(path, JSON.stringify(request));
  const outputs = join(attemptDir, 'outputs.json');
  const env = {
    PATH: process.env['PATH'],
    STAGEWRIGHT_REQUEST: path,
    STAGEWRIGHT_OUTPUTS: outputs,
    STAGEWRIGHT_IDEMPOTENCY_KEY: 'k',
  };
  return spawn(process.execPath, ['--disable-warning=ExperimentalWarning', host], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(uid !== undefined && { uid }),
  });
}
