import { type Finding, found } from '../finding.ts';
import { references } from '../interpolate.ts';
import type { Judge } from './judge.ts';

/** Where a value comes from that differs from run to run. */
const ofRun = ['run', 'slot', 'params', 'stages'];

export const resourceFindings: Judge = ({ files }, at, { concurrency }) => {
  const findings: Finding[] = [];
  for (const [index, { path }] of files.entries()) {
    if (concurrency.limit === 1 || references(path).some(([root = '']) => ofRun.includes(root)))
      continue;
    const detail = `${concurrency.limit} runs may be live at once, and each answers for the same files ${path}`;
    findings.push(
      found(
        'shared-files',
        `${at}/files/${index}/path`,
        detail,
        'put ${run.id} into the path, or let one run live at a time',
      ),
    );
  }
  return findings;
};
