import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import type { AttemptAnswer, AttemptObserver, AttemptRequest } from './contract.ts';
import { answerFrom, filesOf, outputSeen } from './evidence.ts';
import { idempotencyKeyOf } from './idempotency-key.ts';
import type { ExitRecord, Launched, Launcher, ProcessTable } from './launcher-port.ts';
import { listen } from './listen.ts';
import { withLocalMessage } from './local-paths.ts';
import type { Mask } from './mask.ts';

/** What is run for the attempt. */
export type Command = {
  argv: string[];
  /** Beside what every attempt gets. */
  env?: Record<string, string>;
  /** Once the folder of the attempt is there and empty. */
  prepare?(): Promise<void>;
};
export type RunnerDeps = {
  launcher: Launcher;
  processes: ProcessTable;
  clock: { sleep(ms: number, signal?: AbortSignal): Promise<void>; monotonicMs(): number };
  /** Everything that is read of the attempt goes through it first. */
  mask: Mask;
};

/** How often the output of a working stage is looked at. */
const pollMs = 200;
/** A look that comes later than this finds what may be old: then the age of the logs counts. */
const awayMs = 1000;
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * One attempt of one stage as a program: gate, record, work, exit, sweep, answer. When it answers,
 * no process of the attempt is left, and the evidence for the answer is on disk.
 */
export const runProgram = async (
  deps: RunnerDeps,
  request: AttemptRequest,
  command: Command,
  observer: AttemptObserver,
): Promise<AttemptAnswer> => {
  const answer = await attempted(deps, request, command, observer);
  return answer.ok ? answer : { ...answer, failure: withLocalMessage(answer.failure, request) };
};

const attempted = async (
  deps: RunnerDeps,
  request: AttemptRequest,
  command: Command,
  observer: AttemptObserver,
): Promise<AttemptAnswer> => {
  const { attemptDir, token } = request;
  const files = filesOf(attemptDir);
  const [isNew] = await Promise.all(
    [attemptDir, request.workspace].map((dir) => mkdir(dir, { recursive: true, mode: 0o700 })),
  );
  // Evidence is only what this attempt leaves; one that was begun before, and never ran, may have
  // left something.
  if (isNew === undefined)
    await Promise.all(
      Object.values(files).map((path) => rm(path, { force: true, recursive: true })),
    );
  await command.prepare?.();

  const launched = await launch(deps.launcher, request, command);
  if ('ok' in launched) return launched;
  // Durable before the first instruction: from here on a crash finds a name for the process (T6).
  if (!(await recorded(observer, launched)))
    return failed('interrupted', 'the attempt was dropped before it began');
  launched.open();

  const heard = listen(files, deps.mask, observer.progress);
  const exit = await follow(deps.clock, heard.read, launched, async (isOld) =>
    observer.alive(isOld ? (await outputSeen(attemptDir))?.writtenAt : undefined),
  );
  // Whatever the program left behind goes before anybody is told that it ended; only then is the
  // end of its output final.
  const never = new AbortController().signal;
  await deps.processes.end(launched.identity, token, request.graceMs, never, {
    joins: true,
    changed: observer.ending,
  });
  launched.swept();
  const said = await heard.finish();
  if (exit) return answerFrom(attemptDir, exit, said, deps.mask);
  const { metrics, progress, warnings } = said;
  return {
    ...failed('interrupted', 'the launcher died and the exit code with it'),
    metrics,
    progress,
    warnings,
  };
};

/** A program that is not recorded is never let through, and is gone before anybody hears of it. */
const recorded = async (observer: AttemptObserver, launched: Launched): Promise<boolean> => {
  let accepted = false;
  try {
    accepted = await observer.recordProcess(launched.identity);
    return accepted;
  } finally {
    if (!accepted) {
      launched.abandon();
      await launched.exited.catch(() => undefined);
    }
  }
};

const failed = (
  code: string,
  message: string,
  retryable = true,
): AttemptAnswer & { ok: false } => ({
  ok: false,
  failure: { code, message, retryable },
  metrics: {},
  progress: null,
  warnings: [],
});

/** What the system refused, without paths of the host and without a value that may be secret. */
const plain = (message: string, cwd: string): string =>
  /null bytes/.test(message)
    ? 'an argument or a variable of it contains a NUL byte'
    : message.replaceAll(cwd, 'as its cwd says').replaceAll(/'\/[^']*'/g, 'a file of the run');

const launch = async (
  launcher: Launcher,
  request: AttemptRequest,
  command: Command,
): Promise<Launched | AttemptAnswer> => {
  const files = filesOf(request.attemptDir);
  try {
    return await launcher.launch({
      argv: command.argv,
      cwd: request.cwd,
      env: { ...environmentOf(request), ...command.env },
      stdoutPath: files.stdout,
      stderrPath: files.stderr,
      exitPath: files.exit,
      graceMs: request.graceMs,
      limits: request.limits,
    });
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return code === 'launcher-lost'
      ? failed('interrupted', message)
      : failed('spawn-failed', `the program could not be started: ${plain(message, request.cwd)}`);
  }
};

/**
 * Reads the output while the program works. @returns null when the launcher died and took the exit
 * code with it
 */
const follow = async (
  clock: RunnerDeps['clock'],
  read: () => Promise<boolean>,
  { exited }: Launched,
  heard: (isOld: boolean) => Promise<void>,
): Promise<ExitRecord | null> => {
  const over = new AbortController();
  const exit = exited.catch(() => null).finally(() => over.abort());
  let lookedMs = clock.monotonicMs();
  while (!over.signal.aborted) {
    await clock.sleep(pollMs, over.signal).catch(() => undefined);
    const beforeMs = lookedMs;
    lookedMs = clock.monotonicMs();
    // A look that failed is made again; what matters is read, or refused aloud, after the exit.
    if (!over.signal.aborted && (await read().catch(() => false)))
      await heard(clock.monotonicMs() - beforeMs > pollMs + awayMs);
  }
  return exit;
};

const environmentOf = (request: AttemptRequest): Record<string, string> => ({
  ...request.env,
  STAGEWRIGHT_RUN_ID: request.runId,
  STAGEWRIGHT_PIPELINE: request.pipeline,
  STAGEWRIGHT_STAGE: request.stage,
  STAGEWRIGHT_ATTEMPT: String(request.attempt),
  STAGEWRIGHT_WORKSPACE: request.workspace,
  STAGEWRIGHT_IDEMPOTENCY_KEY: idempotencyKeyOf(request),
  STAGEWRIGHT_SLOT: request.slot,
  ...(request.url !== null && { STAGEWRIGHT_URL: request.url }),
  STAGEWRIGHT_PARAMS: JSON.stringify(request.params),
  STAGEWRIGHT_OUTPUTS: filesOf(request.attemptDir).outputs,
  STAGEWRIGHT_ATTEMPT_TOKEN: request.token,
  // W3C trace context: the run is the trace, the attempt the span.
  TRACEPARENT: `00-${sha256(request.runId).slice(0, 32)}-${sha256(`${request.runId}/${request.stage}/${request.attempt}`).slice(0, 16)}-01`,
});
