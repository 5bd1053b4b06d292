import { found } from '../finding.ts';
import type { Judge } from './judge.ts';

/** Nobody may be there when a schedule has started the run, and the next one finds its lock. */
export const approvalFindings: Judge = ({ name, program }, at, _, { schedules }) => {
  if (program.kind !== 'approval' || program.deadlineMs !== null || schedules.length === 0)
    return [];
  const detail = `${name} waits for ever, and the run keeps its lock while the schedule goes on`;
  const advice = 'give it a deadline, and a default of reject or approve';
  return [found('approval-without-deadline', `${at}/approval`, detail, advice)];
};
