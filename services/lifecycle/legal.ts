import { eventOfCommand, plainCommands } from '../../machines/commands.ts';
import type { RunContext, RunEvent, StageParams } from '../../machines/context.ts';
import { valuesOf } from '../../machines/guard-values.ts';
import { judge } from '../../machines/guards.ts';
import { fittingStages } from '../../wire/beside.ts';
import type { CommandType } from '../../wire/command-table.ts';
import { commandTypeSchema } from '../../wire/status.ts';
import { judged } from '../interpreter/judged.ts';
import type { Judged, Lifecycle, MachineEvent, Snapshot } from '../interpreter/lifecycle.ts';

/** The guards of a run, as the interpreter asks them. */
export const judgeOfRun: Lifecycle['judge'] = (guard, of, params) => {
  const asked = [guard, of as Parameters<typeof judge>[1], params as StageParams] as const;
  return { ...judge(...asked), values: () => valuesOf(...asked) };
};

export const plainEvent = (type: CommandType): RunEvent => ({
  ...eventOfCommand(plainCommands[type], ''),
  at: 0,
});

/** Whether a command is possible, and what the guards said. */
export const asked = (
  snapshot: Snapshot,
  type: CommandType,
): { guards: Judged[]; isPossible: boolean } => {
  // A failed or stopped run is retried by a new run, so its own chart, which has ended, is not asked.
  if (type === 'RETRY_FROM')
    return { guards: [], isPossible: ['failed', 'stopped'].includes(snapshot.value as string) };
  return judged({ judge: judgeOfRun }, snapshot, plainEvent(type));
};

/** The commands that are legal in a snapshot. */
export const allowedIn = (snapshot: Snapshot): CommandType[] =>
  commandTypeSchema.options.filter((type) => asked(snapshot, type).isPossible);

/** Why a command does not reach what it means: several stages, or one that does not wait for it. */
export const misdirected = (event: MachineEvent, { order, stages }: RunContext): string | null => {
  const states = order.map((name) => ({ name, state: stages[name]?.state ?? 'pending' }));
  const fits = fittingStages(event.type, states);
  const stage = (event.stage as string | null | undefined) ?? null;
  if (stage === null)
    return fits.length > 1 ? `${fits.join(', ')} fit; say which with \`stage\`` : null;
  return event.type === 'RETRY_NOW' && fits.length > 0 && !fits.includes(stage)
    ? `${stage} does not wait for another attempt; ${fits.join(', ')} ${fits.length > 1 ? 'do' : 'does'}`
    : null;
};

/** The sentence of the guard that refuses, or where the run stands. */
export const whyNot: Lifecycle['whyNot'] = (snapshot, event, { state, why }, guards) => {
  const aim = misdirected(event, snapshot.context as RunContext);
  if (aim !== null && snapshot.status === 'active') return aim;
  const failed = guards.find(({ holds }) => !holds);
  if (failed) return failed.why();
  if (event.type === 'RETRY_FROM' && snapshot.status === 'active')
    return `a new run is made of one that has ended, and this one is ${state}`;
  return `not possible while ${state}: ${why}`;
};
