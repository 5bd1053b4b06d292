import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { AttemptAnswer, AttemptObserver, AttemptRequest } from './contract.ts';
import { answerFrom, filesOf } from './evidence.ts';
import type { ExitRecord, Launched, Launcher, ProcessTable } from './launcher-port.ts';
import { hear, nothingSaid, type Said } from './protocol.ts';
import { openTail } from './tail.ts';

type Deps = { launcher: Launcher; processes: ProcessTable; clock: { sleep(ms: number, signal?: AbortSignal): Promise<void> } };

/** How often the output of a working stage is looked at. */
const pollMs = 200;
const moduleHost = fileURLToPath(new URL('./module-host.ts', import.meta.url));
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * One attempt of one stage as a program: gate, record, work, exit, sweep, answer. When it answers, no process of the
 * attempt is left, and the evidence for the answer is on disk.
 */
export const runAttempt = async (deps: Deps, request: AttemptRequest, observer: AttemptObserver): Promise<AttemptAnswer> => {
  const { attemptDir, token } = request;
  const files = filesOf(attemptDir);
  await mkdir(attemptDir, { recursive: true, mode: 0o700 });
  // An attempt that was begun behind the gate and never ran may have left a file; it proves nothing.
  await rm(files.exit, { force: true });
  if ('module' in request.program) await writeFile(files.request, JSON.stringify(request), { mode: 0o600 });

  const launched = await launch(deps.launcher, request);
  if ('ok' in launched) return launched;
  // Durable before the first instruction: from here on a crash finds a name for the process (T6).
  if (!(await observer.recordProcess(launched.identity))) {
    launched.abandon();
    return failed('interrupted', 'the attempt was dropped before it began');
  }
  launched.open();

  const followed = await follow(deps, request, observer, launched);
  // Whatever the program left behind goes before anybody is told that it ended.
  await deps.processes.end(launched.identity, token, request.graceMs, new AbortController().signal);
  const said = await followed.finish();
  if (!followed.exit) return { ...failed('interrupted', 'the launcher died and the exit code with it'), metrics: said.metrics };
  return answerFrom(attemptDir, followed.exit, said);
};

const failed = (code: string, message: string, retryable = true): AttemptAnswer & { ok: false } => ({
  ...{ ok: false, failure: { code, message, retryable }, metrics: {}, progress: null, warnings: [] },
});

const launch = async (launcher: Launcher, request: AttemptRequest): Promise<Launched | AttemptAnswer> => {
  const files = filesOf(request.attemptDir);
  try {
    return await launcher.launch({
      argv: 'argv' in request.program ? request.program.argv : [process.execPath, moduleHost],
      cwd: request.cwd,
      env: environmentOf(request),
      stdoutPath: files.stdout,
      stderrPath: files.stderr,
      exitPath: files.exit,
      graceMs: request.graceMs,
    });
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return code === 'launcher-lost'
      ? failed('interrupted', message)
      : failed('spawn-failed', `the program could not be started: ${message}`);
  }
};

/** Reads the output while the program works. Resolves at its exit; `finish` reads the rest. */
const follow = async ({ clock }: Deps, { attemptDir }: AttemptRequest, observer: AttemptObserver, launched: Launched) => {
  const files = filesOf(attemptDir);
  let said: Said = nothingSaid;
  const onLine = (line: string): void => {
    const before = said.progress;
    said = hear(said, line);
    if (said.progress && said.progress !== before) observer.progress(said.progress);
  };
  const tails = [openTail(files.stdout, onLine), openTail(files.stderr, onLine)];
  const over = new AbortController();
  const exited: Promise<ExitRecord | null> = launched.exited.catch(() => null).finally(() => over.abort());
  while (!over.signal.aborted) {
    await clock.sleep(pollMs, over.signal).catch(() => undefined);
    for (const tail of tails) if (await tail.read()) observer.alive();
  }
  return {
    exit: await exited,
    finish: async (): Promise<Said> => {
      for (const tail of tails) {
        await tail.read();
        await tail.close();
      }
      return said;
    },
  };
};

const environmentOf = (request: AttemptRequest): Record<string, string> => ({
  ...request.env,
  STAGEWRIGHT_RUN_ID: request.runId,
  STAGEWRIGHT_PIPELINE: request.pipeline,
  STAGEWRIGHT_STAGE: request.stage,
  STAGEWRIGHT_ATTEMPT: String(request.attempt),
  STAGEWRIGHT_WORKSPACE: request.workspace,
  STAGEWRIGHT_IDEMPOTENCY_KEY: sha256(`${request.runId}/${request.stage}`),
  STAGEWRIGHT_PARAMS: JSON.stringify(request.params),
  STAGEWRIGHT_OUTPUTS: filesOf(request.attemptDir).outputs,
  STAGEWRIGHT_ATTEMPT_TOKEN: request.token,
  // W3C trace context: the run is the trace, the attempt the span.
  TRACEPARENT: `00-${sha256(request.runId).slice(0, 32)}-${sha256(`${request.runId}/${request.stage}/${request.attempt}`).slice(0, 16)}-01`,
  ...('module' in request.program && { STAGEWRIGHT_REQUEST: filesOf(request.attemptDir).request }),
});
