import { clearInterval, setInterval } from 'node:timers';
import type { StageContext } from '../contract.ts';

export type Progress = {
  /** What is being worked on. */
  note(text: string): void;
  /** Rows that were read or written; shown as they grow. */
  rows(count: number): void;
  /** Files of a unit that are done while it goes on. */
  files(count: number): void;
  /** A unit of so many files is done. */
  finish(files: number): void;
  close(): void;
};

/**
 * Reports at once and then twice a second, so that a long query is never taken for silence. Counts
 * files when there are more of them than units.
 */
export function startProgress(
  context: Pick<StageContext, 'progress'>,
  units: number,
  files: number,
): Progress {
  const counts = { units: 0, files: 0, ahead: 0, rows: 0 };
  let current = '';
  const report = () => {
    const rows = counts.rows > 0 ? `, ${counts.rows.toLocaleString('en-US')} rows` : '';
    const done =
      files > units
        ? { done: Math.min(files, counts.files + counts.ahead), total: files, unit: 'files' }
        : null;
    context.progress({
      ...(done ?? { done: counts.units, total: units, unit: 'instruments' }),
      note: `${current}${rows}`,
    });
  };
  const beat = setInterval(report, 500);
  return {
    note(text) {
      current = text;
      report();
    },
    rows(count) {
      counts.rows += count;
    },
    files(count) {
      counts.ahead += count;
    },
    finish(count) {
      counts.units += 1;
      counts.files += count;
      counts.ahead = Math.max(0, counts.ahead - count);
      report();
    },
    close: () => clearInterval(beat),
  };
}
