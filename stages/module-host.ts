/** The child process in which a module stage runs: reads its request, calls `run`, says what came out. Its environment is its own. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Progress } from '../machines/status.ts';
import type { AttemptRequest, StageContext, StageFailure, StageModule } from './contract.ts';
import { protocolPrefix } from './protocol.ts';

const say = (message: Record<string, unknown>): void => void process.stdout.write(`${protocolPrefix}${JSON.stringify(message)}\n`);
const writeWhole = (path: string, value: unknown): void => {
  writeFileSync(`${path}.tmp`, JSON.stringify(value), { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
};
const request = JSON.parse(readFileSync(process.env.STAGEWRIGHT_REQUEST as string, 'utf8')) as AttemptRequest;

/** Few lines a second are enough for people; the last one is always said. */
const progressEveryMs = 200;
let lastProgress: { at: number; waiting: Progress | null } = { at: 0, waiting: null };
const flushProgress = (): void => {
  if (lastProgress.waiting) say({ progress: lastProgress.waiting });
  lastProgress = { at: Date.now(), waiting: null };
};

const abort = new AbortController();
process.on('SIGTERM', () => abort.abort());

const context = (): StageContext => ({
  runId: request.runId,
  pipeline: request.pipeline,
  stage: request.stage,
  attempt: request.attempt,
  workspace: request.workspace,
  projectDir: request.projectDir,
  idempotencyKey: process.env.STAGEWRIGHT_IDEMPOTENCY_KEY as string,
  params: request.params,
  with: request.with,
  signal: abort.signal,
  progress: (progress) => {
    lastProgress.waiting = progress;
    if (Date.now() - lastProgress.at >= progressEveryMs) flushProgress();
  },
  metric: (values) => say({ metric: values }),
  log: (line) => void process.stdout.write(`${line}\n`),
});

/** `builtin:translator` is a file beside this one; anything else is the project's own. */
const addressOf = (module: string): string =>
  module.startsWith('builtin:')
    ? new URL(`./builtin/${module.slice('builtin:'.length)}.ts`, import.meta.url).href
    : pathToFileURL(module).href;

const fail = (error: unknown): void => {
  const { code, message, retryable } = (error ?? {}) as Partial<StageFailure>;
  const isOurs = typeof retryable === 'boolean' && typeof code === 'string';
  process.stderr.write(`${(error as Error | null)?.stack ?? String(error)}\n`);
  say({ fail: isOurs ? { code, message, retryable } : { code: 'module-error', message: message ?? String(error), retryable: true } });
  process.exitCode = 1;
};

try {
  const { module } = request.program as { module: string };
  const { run } = (await import(addressOf(module))) as Partial<StageModule>;
  if (typeof run !== 'function')
    throw Object.assign(new Error(`${module} does not export a function \`run\``), { code: 'not-a-stage-module', retryable: false });
  const result = await run(context());
  flushProgress();
  if (result?.outputs) writeWhole(process.env.STAGEWRIGHT_OUTPUTS as string, result.outputs);
  if (result?.files) writeWhole(join(dirname(process.env.STAGEWRIGHT_REQUEST as string), 'manifest.json'), { files: result.files });
  if (result?.skip !== undefined) say({ skip: result.skip });
} catch (error) {
  flushProgress();
  fail(error);
}
