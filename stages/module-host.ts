/**
 * The child process in which a module stage runs: reads its request, calls `run`, says what came
 * out. As the entry of a process of its own it may touch the environment, the clock and the exit.
 * Starts fast, so it loads no schema library.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Progress } from '../wire/status.ts';
import { pathOfModule } from './builtin-modules.ts';
import type {
  AttemptRequest,
  StageContext,
  StageFailure,
  StageModule,
  StageResult,
} from './contract.ts';
import { protocolPrefix } from './protocol-lines.ts';

const say = (message: Record<string, unknown>): void =>
  void process.stdout.write(`${protocolPrefix}${JSON.stringify(message)}\n`);
const writeWhole = (path: string, text: string): void => {
  writeFileSync(`${path}.tmp`, text, { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
};
const requestPath = process.env.STAGEWRIGHT_REQUEST as string;
const request = JSON.parse(readFileSync(requestPath, 'utf8')) as AttemptRequest;

/**
 * Few lines a second are enough for people; the last one is always said, also while the stage goes
 * on in silence.
 */
const progressEveryMs = 200;
let waiting: Progress | null = null;
let pause: NodeJS.Timeout | null = null;
const flushProgress = (): void => {
  if (waiting) say({ progress: waiting });
  waiting = null;
};
const progress = (value: Progress): void => {
  waiting = value;
  if (pause) return;
  flushProgress();
  pause = setTimeout(() => {
    pause = null;
    if (waiting) progress(waiting);
  }, progressEveryMs).unref();
};

const abort = new AbortController();
process.on('SIGTERM', () => abort.abort());

const context: StageContext = {
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
  progress,
  metric: (values) => say({ metric: values }),
  log: (line) => void process.stdout.write(`${line}\n`),
  warn: (warning) => say({ warning }),
};

const refusal = (code: string, message: string, cause?: unknown): Error =>
  Object.assign(new Error(message, { cause }), { code, retryable: false });

const addressOf = (module: string): string => {
  const path = pathOfModule(module, request.projectDir);
  if (path === null) throw refusal('not-a-stage-module', `there is no built-in stage ${module}`);
  if (!existsSync(path)) throw refusal('not-a-stage-module', `there is no file ${module}`);
  return pathToFileURL(path).href;
};

const load = async (module: string): Promise<StageModule['run']> => {
  const { run } = await import(addressOf(module)).catch((error: unknown) => {
    throw refusal('not-a-stage-module', `${module} cannot be loaded: ${messageOf(error)}`, error);
  });
  if (typeof run !== 'function')
    throw refusal('not-a-stage-module', `${module} does not export a function \`run\``);
  return run;
};

const deliver = (result: StageResult): void => {
  flushProgress();
  let outputs: string | undefined;
  try {
    outputs = result?.outputs && JSON.stringify(result.outputs);
  } catch (error) {
    throw refusal(
      'bad-outputs',
      `the outputs cannot be written as JSON: ${messageOf(error)}`,
      error,
    );
  }
  if (outputs) writeWhole(process.env.STAGEWRIGHT_OUTPUTS as string, outputs);
  if (result?.files)
    writeWhole(
      join(dirname(requestPath), 'manifest.json'),
      JSON.stringify({ files: result.files }),
    );
  if (result?.skip !== undefined) say({ skip: result.skip });
  if (result?.partial !== undefined) say({ partial: result.partial });
};

const messageOf = (error: unknown): string =>
  String((error as { message?: unknown } | null)?.message ?? error);

const fail = (error: unknown): void => {
  flushProgress();
  const { code, retryable, stack } = (error ?? {}) as Partial<StageFailure>;
  process.stderr.write(`${stack ?? String(error)}\n`);
  // By shape, not by class: the project may have its own copy of `StageFailure`.
  const known = typeof retryable === 'boolean' && typeof code === 'string';
  say({
    fail: {
      code: known ? code : 'module-error',
      message: messageOf(error),
      retryable: known ? retryable : true,
    },
  });
};

// What a module throws outside its promise ends it all the same.
process.on('uncaughtException', (error) => {
  fail(error);
  process.exit(1);
});
try {
  const run = await load((request.program as { module: string }).module);
  deliver(await run(context));
  // `run` has answered: what it forgot to close (a timer, a socket) must not keep the stage
  // running. Output goes to files, synchronously.
  process.exit(0);
} catch (error) {
  fail(error);
  process.exit(1);
}
