import { join } from 'node:path';
import { StageFailure } from '../contract.ts';
import { type Database, literal } from './duckdb.ts';
import type { OutFile } from './manifest.ts';
import { publish, removeFile } from './publish.ts';

export const rejectsPath = (name: string) => join('rejects', `${name}.csv`);

/**
 * Below ten bad rows a ratio says little: one typing error in a file of fifty rows is already 2 %.
 */
const fewRejects = 10;

export const areTooMany = (rejected: number, read: number, ratio: number): boolean =>
  rejected > 0 && rejected >= (ratio === 0 ? 1 : fewRejects) && rejected > ratio * read;

/**
 * Writes the rejects file of an instrument, or removes it when there is nothing to say. `select`
 * gives file, line, reason, text.
 */
export async function publishRejects(
  database: Database,
  { out, name, rejected, select }: { out: string; name: string; rejected: number; select: string },
): Promise<OutFile[]> {
  const path = rejectsPath(name);
  if (rejected === 0) {
    await removeFile(join(out, path));
    return [];
  }
  const copy = (temp: string) =>
    database.run(`COPY (${select}) TO ${literal(temp)} (FORMAT csv, HEADER true)`);
  return [{ path, rows: rejected, ...(await publish(join(out, path), copy)) }];
}

/** The failure that names the first ten of them. `select` as for `publishRejects`. */
export async function tooManyRejects(
  database: Database,
  select: string,
  what: { name: string; share: string; where: string },
) {
  const first = await database.rows<{ file: string; line: number; reason: string }>(
    `${select} LIMIT 10`,
  );
  const lines = first.map(({ file, line, reason }) => `${file}:${line} ${reason}`);
  const message = `${what.name}: ${what.share} rejected, all in ${what.where}; the first: ${lines.join('; ')}`;
  return new StageFailure('too-many-rejects', message, { retryable: false });
}
