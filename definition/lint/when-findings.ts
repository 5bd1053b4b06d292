import { conditionWords, constantOf } from '../condition.ts';
import { found } from '../finding.ts';
import { checkParam } from '../params.ts';
import type { Judge } from './judge.ts';

/** A condition that comes to the same in every run decides nothing. */
export const whenFindings: Judge = ({ name, when }, at, { params }) => {
  const constant =
    when &&
    constantOf(when, (param, value) => {
      const declared = params[param];
      return declared === undefined || checkParam(declared, value) === null;
    });
  if (when === null || constant === null) return [];
  const detail = `${conditionWords(when)} is ${constant ? 'true' : 'never true'}, so ${name} is ${constant ? 'never' : 'always'} skipped`;
  const advice = constant ? 'leave it out' : 'compare with a value that can be given';
  return [found('when-constant', `${at}/when`, detail, advice)];
};
