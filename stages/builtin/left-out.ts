import type { StageContext } from '../contract.ts';

/** Names of the input that were not read, each with the reason. */
export type LeftOut = Map<string, string>;

/** What fits into outputs beside everything else; the log has the others. */
const namedAtMost = 100;
const charsAtMost = 16_000;

/** The names for the stage's outputs, in their order; those that do not fit go to the log. */
export function namesOf(context: Pick<StageContext, 'log'>, leftOut: LeftOut) {
  const named: Record<string, string> = {};
  let chars = 0;
  let more = 0;
  for (const [name, why] of [...leftOut].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    chars += name.length + why.length;
    if (Object.keys(named).length < namedAtMost && chars <= charsAtMost) named[name] = why;
    else {
      more += 1;
      context.log(`left out: ${name}: ${why}`);
    }
  }
  return more === 0 ? named : { ...named, '…': `and ${more} more, see the log` };
}

/** The first three of them as one sentence. */
export const summaryOf = (faults: string[]): string =>
  `${faults.slice(0, 3).join('; ')}${faults.length > 3 ? `; and ${faults.length - 3} more` : ''}`;
