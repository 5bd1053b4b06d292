import { sizeText } from '../byte-size.ts';
import { references } from '../interpolate.ts';
import { type Finding, found, type Judge } from './finding.ts';

/** A module runs in Node, which needs more than this before the first line of the module. */
const nodeBytes = 32 * 1024 ** 2;
/** Where a value comes from that differs from run to run. */
const ofRun = ['run', 'slot', 'params', 'stages'];

export const resourceFindings: Judge = ({ name, program, files, limits }, at, { concurrency }) => {
  const findings: Finding[] = [];
  const memory = limits?.memoryBytes ?? null;
  if ('module' in program && memory !== null && memory < nodeBytes) {
    const detail = `${name} is a module, and Node alone needs more than the ${sizeText(memory)} it may use`;
    findings.push(found('memory-below-node', `${at}/limits/memory`, detail, 'allow at least 64MB'));
  }
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
