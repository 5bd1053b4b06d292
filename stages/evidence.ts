import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { sizeText } from '../definition/byte-size.ts';
import { signalOfExit } from '../definition/signals.ts';
import type { Failure } from '../wire/failure.ts';
import type { AttemptAnswer } from './contract.ts';
import type { ExitRecord } from './launcher-port.ts';
import { listen } from './listen.ts';
import type { Mask } from './mask.ts';
import { maxOutputBytes, type Said } from './protocol.ts';
import { readTail } from './tail.ts';
import { openWritten, readWrittenJson, UnreadableFile } from './written-file.ts';

/** The files of an attempt: the evidence from which its answer is made, now or after a crash. */
export const filesOf = (attemptDir: string) => ({
  stdout: join(attemptDir, 'stdout.log'),
  stderr: join(attemptDir, 'stderr.log'),
  exit: join(attemptDir, 'exit.json'),
  outputs: join(attemptDir, 'outputs.json'),
  manifest: join(attemptDir, 'manifest.json'),
  request: join(attemptDir, 'attempt.json'),
  script: join(attemptDir, 'script'),
});

const tailBytes = 2048;
const tailLines = 20;

/**
 * What an attempt came to, judged by how it ended and what it said; success is an exit code, never
 * words. The same function answers for a live attempt and for one whose service died.
 */
export const answerFrom = async (
  attemptDir: string,
  exit: ExitRecord,
  said: Said,
  mask: Mask,
): Promise<AttemptAnswer> => {
  const { metrics, progress, warnings } = said;
  const rest = { metrics, progress, warnings };
  if (exit.ended_by === 'service-lost') {
    const message = 'the service was gone while it was running, so it was ended';
    return { ok: false, failure: { code: 'interrupted', message, retryable: true }, ...rest };
  }
  const failure = limitFailure(exit) ?? said.fail ?? failureOf(exit);
  if (failure || exit.exit_code !== 0) {
    const stderr_tail = await readTail(filesOf(attemptDir).stderr, tailBytes, tailLines, mask);
    const facts = {
      exit_code: exit.exit_code,
      signal: exit.signal,
      ...(stderr_tail && { stderr_tail }),
    };
    return { ok: false, failure: { ...(failure as Failure), ...facts }, ...rest };
  }
  const outputs = await readOutputs(filesOf(attemptDir).outputs, mask);
  if ('failure' in outputs) return { ok: false, failure: outputs.failure, ...rest };
  const all = { ...said.outputs, ...outputs.values };
  if (Buffer.byteLength(JSON.stringify(all)) > maxOutputBytes)
    return { ok: false, failure: tooLarge('the outputs are'), ...rest };
  return { ok: true, outputs: all, skipped: said.skip, partial: said.partial, ...rest };
};

/** More memory may be there next time; what prints too much prints it again. */
const limitFailure = ({ ended_by, exceeded }: ExitRecord): Failure | null => {
  if (ended_by !== 'out-of-memory' && ended_by !== 'too-much-output') return null;
  const [allowed, seen] = [exceeded?.allowed_bytes ?? 0, exceeded?.seen_bytes ?? 0].map(sizeText);
  return ended_by === 'out-of-memory'
    ? {
        code: 'out-of-memory',
        message: `its processes used ${seen} of memory, more than the ${allowed} it may use`,
        retryable: true,
      }
    : {
        code: 'too-much-output',
        message: `it printed ${seen}, more than the ${allowed} it may print`,
        retryable: false,
      };
};

/** Where a SIGKILL probably came from: the kernel says how many it ended, not whom. */
const killerOf = ({ killed_for_memory = 0 }: ExitRecord): string =>
  killed_for_memory === 0
    ? ''
    : `; memory ran out meanwhile, and the kernel's out-of-memory killer ended ${killed_for_memory} ${killed_for_memory === 1 ? 'process' : 'processes'}`;

const failureOf = (exit: ExitRecord): Failure | null => {
  const { exit_code, signal } = exit;
  if (signal !== null)
    return {
      code: 'signal',
      message: `ended by signal ${signal}${killerOf(exit)}`,
      retryable: true,
    };
  if (exit_code === 0) return null;
  // 126 and 127 are the shell's words for a program that cannot be run or found (POSIX, exec).
  if (exit_code === 127)
    return { code: 'command-not-found', message: 'the program was not found', retryable: false };
  if (exit_code === 126)
    return { code: 'not-executable', message: 'the program cannot be executed', retryable: false };
  const meant = exit_code === null ? null : signalOfExit(exit_code);
  const words = meant ? ` (128+${meant.number}: ${meant.name})${killerOf(exit)}` : '';
  return {
    code: 'exit-code',
    message: `ended with exit code ${exit_code}${words}`,
    retryable: true,
  };
};

const badOutputs = (message: string, retryable = false): Failure => ({
  code: 'bad-outputs',
  message,
  retryable,
});
const tooLarge = (what: string): Failure =>
  badOutputs(`${what} larger than ${maxOutputBytes / 1024} kB`);

const readOutputs = async (
  path: string,
  mask: Mask,
): Promise<{ values: Record<string, unknown> } | { failure: Failure }> => {
  const notAnObject = 'the outputs file is not a JSON object';
  try {
    const values = (await readWrittenJson(path, maxOutputBytes)) ?? {};
    if (values && typeof values === 'object' && !Array.isArray(values))
      return { values: mask.json(values as Record<string, unknown>) };
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    return { failure: badOutputs(`${notAnObject}: ${error.message}`, error.isLate) };
  }
  return { failure: badOutputs(notAnObject) };
};

const exitSchema = z.object({
  exit_code: z.int().nullable(),
  signal: z.string().nullable(),
  ended_at: z.string(),
  ended_by: z.enum(['service-lost', 'out-of-memory', 'too-much-output']).nullable(),
  exceeded: z.object({ allowed_bytes: z.int(), seen_bytes: z.int() }).optional(),
  killed_for_memory: z.int().optional(),
});

/** An exit record has a few hundred bytes. */
const maxExitBytes = 64 * 1024;

/**
 * @returns null when there is none, or only a part of one (a power cut can leave an empty file)
 * @throws UnreadableFile when something else stands in its place
 */
const readExit = async (path: string): Promise<ExitRecord | null> => {
  const file = await openWritten(path);
  if (!file) return null;
  await file.close();
  try {
    return exitSchema.parse(await readWrittenJson(path, maxExitBytes));
  } catch {
    return null;
  }
};

/** Whether `settleFromEvidence` has an answer. Cheap: what it said is not read. */
export const hasEvidence = (attemptDir: string): Promise<boolean> =>
  readExit(filesOf(attemptDir).exit).then(
    (exit) => exit !== null && exit.ended_by !== 'service-lost',
    () => true,
  );

/** How the attempt ended, as soon as that is written down: before its answer is made. */
export const endOf = (attemptDir: string): Promise<ExitRecord | null> =>
  readExit(filesOf(attemptDir).exit).catch(() => null);

/** What its logs show of an attempt without being read; null when nothing was ever written. */
export const outputSeen = async (
  attemptDir: string,
): Promise<{ bytes: number; writtenAt: number } | null> => {
  const { stdout, stderr } = filesOf(attemptDir);
  const logs = await Promise.all([stdout, stderr].map((path) => lstat(path).catch(() => null)));
  const written = logs.filter((log) => log !== null && log.size > 0);
  if (written.length === 0) return null;
  return {
    bytes: written.reduce((sum, log) => sum + (log?.size ?? 0), 0),
    writtenAt: Math.max(...written.map((log) => log?.mtimeMs ?? 0)),
  };
};

/** What an attempt said, when nobody knows how it ended. */
export const saidIn = (attemptDir: string, mask: Mask): Promise<Said> =>
  listen(filesOf(attemptDir), mask).finish();

/**
 * After a crash of the service: the answer the attempt would have given, or null when nobody saw it
 * end by itself.
 */
export const settleFromEvidence = async (
  attemptDir: string,
  mask: Mask,
): Promise<AttemptAnswer | null> => {
  const files = filesOf(attemptDir);
  try {
    const exit = await readExit(files.exit);
    if (exit === null || exit.ended_by === 'service-lost') return null;
    return await answerFrom(attemptDir, exit, await listen(files, mask).finish(), mask);
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    const message = `how it ended is not known: ${error.message}`;
    return {
      ok: false,
      failure: { code: 'interrupted', message, retryable: true },
      metrics: {},
      progress: null,
      warnings: [],
    };
  }
};
