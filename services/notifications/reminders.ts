import type { OutboxStore, OutboxWrites } from '../store/outbox-store.ts';
import { type NotifyRules, planReminder } from './plan-messages.ts';

const checkPrefix = 'check:';
const pipelinePrefix = 'pipeline:';

/**
 * Looks at what was told and is not over: told again where somebody asks for that, and forgotten
 * where nobody can say that it is over.
 */
export const createReminders = (deps: {
  store: Pick<OutboxStore, 'troubles' | 'addMessages'>;
  rules: () => NotifyRules;
  now: () => number;
  hasPipeline: (name: string) => boolean;
  /** Is this check of the health of the service well, or not there any more? */
  isWell: (check: string) => boolean;
  /** Says that it is: what was told by an earlier service is over for its receivers too. */
  sayWell: (check: string) => Promise<void>;
}) => {
  const { store, rules } = deps;
  const isOrphan = (key: string): boolean =>
    key.startsWith(pipelinePrefix) && !deps.hasPipeline(key.slice(pipelinePrefix.length));

  /** @returns whether something is to be told */
  return async (): Promise<boolean> => {
    const troubles = await store.troubles();
    if (troubles.length === 0) return false;
    const checks = new Set(
      troubles.flatMap(({ key }) =>
        key.startsWith(checkPrefix) ? [key.slice(checkPrefix.length)] : [],
      ),
    );
    const well = [...checks].filter(deps.isWell);
    for (const check of well) await deps.sayWell(check);
    const at = deps.now();
    const isDue = (one: (typeof troubles)[number]): boolean =>
      planReminder(rules(), one, at) !== null;
    const orphans = troubles.map(({ key }) => key).filter(isOrphan);
    if (orphans.length === 0 && !troubles.some(isDue)) return well.length > 0;
    await store.addMessages((known): OutboxWrites => {
      const due = known.flatMap((one) =>
        isOrphan(one.key) ? [] : [planReminder(rules(), one, at) ?? []].flat(),
      );
      return {
        messages: due.flatMap(({ messages }) => messages),
        opens: due.flatMap(({ opens }) => opens),
        closes: orphans,
      };
    }, at);
    return true;
  };
};
