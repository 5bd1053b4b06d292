import { createHash } from 'node:crypto';
import { glob, stat } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import type { InputsSeen } from '../store/slot-store.ts';
import type { ScheduleRegistry } from './schedule-registry.ts';

/** So many files are remembered one by one; of more only that something about them changed. */
const maxFiles = 10_000;
/** Letters of a file's mark: 72 bits, so that no two of them meet by chance. */
const markLength = 12;
/** So many files are asked about at once. */
const atOnce = 32;
const tooMany = '*';

const hash = (text: string): string => createHash('sha256').update(text).digest('base64url');
/** How the patterns of a schedule are called in the store. */
export const patternsKey = (patterns: string[]): string => JSON.stringify(patterns);

type Found = {
  /** One mark a file: of its name, size, and both times that a change of it leaves. */
  marks: string;
  /** The newest of all these times, in milliseconds. */
  newestMs: number;
};

/**
 * What is there of these patterns. A time of modification can be set to any (`rsync -a`, `cp -p`,
 * `tar`); that of the last change of the inode cannot. Relative paths belong to the project.
 */
export const inputsThere = async (patterns: string[], projectDir: string): Promise<Found> => {
  const marks = new Set<string>();
  let newestMs = Number.NEGATIVE_INFINITY;
  const note = async (path: string): Promise<void> => {
    // A file that is gone by now is nothing new.
    const info = await stat(path, { bigint: true }).catch(() => null);
    if (!info?.isFile()) return;
    const facts = [relative(projectDir, path), info.size, info.mtimeNs, info.ctimeNs];
    marks.add(hash(facts.join('\0')).slice(0, markLength));
    newestMs = Math.max(newestMs, Number(info.mtimeMs), Number(info.ctimeMs));
  };
  let paths: string[] = [];
  for (const pattern of patterns)
    for await (const path of glob(resolve(projectDir, pattern))) {
      if (paths.push(path) < atOnce) continue;
      await Promise.all(paths.map(note));
      paths = [];
    }
  await Promise.all(paths.map(note));
  const all = [...marks].sort().join('');
  return { marks: marks.size > maxFiles ? `${tooMany}${hash(all)}` : all, newestMs };
};

const marksOf = (text: string): Set<string> => {
  const marks = new Set<string>();
  for (let at = 0; at < text.length; at += markLength) marks.add(text.slice(at, at + markLength));
  return marks;
};
/** Is anything there that was not? Files that have gone are nothing new. */
const hasNew = (now: string, before: string): boolean => {
  if (now.startsWith(tooMany) || before.startsWith(tooMany)) return now !== before;
  const known = marksOf(before);
  return [...marksOf(now)].some((mark) => !known.has(mark));
};

/**
 * Is there anything that the latest run that is DONE did not find when it began? Of a run from
 * before this was remembered only its beginning is known.
 */
export const hasNewInput = async (
  patterns: string[],
  projectDir: string,
  done: { createdAt: number; inputs: string | null },
): Promise<boolean> => {
  const { marks, newestMs } = await inputsThere(patterns, projectDir);
  return done.inputs === null ? newestMs > done.createdAt : hasNew(marks, done.inputs);
};

/** What a run of the pipeline finds when it begins now, for each schedule that waits for new files. */
export const inputsNow = async (
  registry: Pick<ScheduleRegistry, 'all'>,
  pipeline: string,
): Promise<InputsSeen[]> => {
  const seen = new Map<string, InputsSeen>();
  for (const { row, definition, projectDir } of registry.all()) {
    const patterns = definition.only_when_new;
    const key = patternsKey(patterns);
    if (row.pipeline !== pipeline || patterns.length === 0 || seen.has(key)) continue;
    // What cannot be listed is remembered as unknown; a start does not fail for it.
    const there = await inputsThere(patterns, projectDir).catch(() => null);
    if (there) seen.set(key, { patterns: key, marks: there.marks });
  }
  return [...seen.values()];
};
