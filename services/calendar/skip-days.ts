import { readFile, realpath } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import type { ScheduleFile } from '../../definition/schedule.ts';
import { parseSkipDays, type SkipDays } from './calendar.ts';

/** A thousand years of days are smaller. */
const maxLength = 1024 * 1024;

/**
 * Reads the calendar file of a schedule. @throws Error that names the file as it was written and
 * the line, never what stands in it
 */
export const readSkipDays = async (
  { skip_days }: Pick<ScheduleFile, 'skip_days'>,
  projectDir: string,
): Promise<SkipDays> => {
  const file = skip_days?.file;
  if (file === undefined) return new Map();
  let text: string;
  try {
    const [path, home] = await Promise.all([
      realpath(resolve(projectDir, file)),
      realpath(projectDir),
    ]);
    if (relative(home, path).startsWith('..')) throw new Error('outside');
    text = await readFile(path, 'utf8');
  } catch {
    throw new Error(`there is no readable file ${file} in the project`);
  }
  if (text.length > maxLength) throw new Error(`${file} is longer than ${maxLength} characters`);
  try {
    return parseSkipDays(text);
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`);
  }
};
