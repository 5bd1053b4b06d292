import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Failure } from '../machines/failure.ts';
import type { AttemptAnswer } from './contract.ts';
import type { ExitRecord } from './launcher-port.ts';
import { hear, maxOutputBytes, nothingSaid, type Said } from './protocol.ts';
import { openTail, readTail } from './tail.ts';

/** The files of an attempt: the evidence from which its answer is made, now or after a crash. */
export const filesOf = (attemptDir: string) => ({
  stdout: join(attemptDir, 'stdout.log'),
  stderr: join(attemptDir, 'stderr.log'),
  exit: join(attemptDir, 'exit.json'),
  outputs: join(attemptDir, 'outputs.json'),
  request: join(attemptDir, 'attempt.json'),
});

const tailBytes = 2048;
const tailLines = 20;

/**
 * What an attempt came to, judged by how it ended and what it said; success is an exit code, never words.
 * The same function answers for a live attempt and for one whose service died.
 */
export const answerFrom = async (attemptDir: string, exit: ExitRecord, said: Said): Promise<AttemptAnswer> => {
  const { metrics, progress, warnings } = said;
  const rest = { metrics, progress, warnings };
  if (exit.ended_by === 'service-lost') {
    const message = 'the service was gone while it worked, so it was ended';
    return { ok: false, failure: { code: 'interrupted', message, retryable: true }, ...rest };
  }
  const failure = said.fail ?? failureOf(exit);
  if (failure || exit.exit_code !== 0) {
    const stderr_tail = await readTail(filesOf(attemptDir).stderr, tailBytes, tailLines);
    const facts = { exit_code: exit.exit_code, signal: exit.signal, ...(stderr_tail && { stderr_tail }) };
    return { ok: false, failure: { ...(failure as Failure), ...facts }, ...rest };
  }
  const outputs = await readOutputs(filesOf(attemptDir).outputs);
  if ('failure' in outputs) return { ok: false, failure: outputs.failure, ...rest };
  return { ok: true, outputs: { ...said.outputs, ...outputs.values }, skipped: said.skip, ...rest };
};

const failureOf = ({ exit_code, signal }: ExitRecord): Failure | null => {
  if (signal !== null) return { code: 'signal', message: `ended by signal ${signal}`, retryable: true };
  if (exit_code === 0) return null;
  // 126 and 127 are the shell's words for a program that cannot be run or found (POSIX, exec).
  if (exit_code === 127) return { code: 'command-not-found', message: 'the program was not found', retryable: false };
  if (exit_code === 126) return { code: 'not-executable', message: 'the program cannot be executed', retryable: false };
  return { code: 'exit-code', message: `ended with exit code ${exit_code}`, retryable: true };
};

const readOutputs = async (path: string): Promise<{ values: Record<string, unknown> } | { failure: Failure }> => {
  const bad = (message: string) => ({ failure: { code: 'bad-outputs', message, retryable: false } });
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return { values: {} };
  if (text.length > maxOutputBytes) return bad(`the outputs file is larger than ${maxOutputBytes / 1024} kB`);
  try {
    const values = JSON.parse(text) as unknown;
    if (values && typeof values === 'object' && !Array.isArray(values)) return { values: values as Record<string, unknown> };
  } catch {
    // Said below, like any other file that is no JSON object.
  }
  return bad('the outputs file is not a JSON object');
};

/** After a crash of the service: the answer the attempt would have given, or null when nobody saw it end by itself. */
export const settleFromEvidence = async (attemptDir: string): Promise<AttemptAnswer | null> => {
  const files = filesOf(attemptDir);
  const text = await readFile(files.exit, 'utf8').catch(() => null);
  if (text === null) return null;
  const exit = JSON.parse(text) as ExitRecord;
  if (exit.ended_by === 'service-lost') return null;
  let said = nothingSaid;
  for (const path of [files.stdout, files.stderr]) {
    const tail = openTail(path, (line) => {
      said = hear(said, line);
    });
    await tail.read();
    await tail.close();
  }
  return answerFrom(attemptDir, exit, said);
};
