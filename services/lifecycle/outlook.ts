import type { Projection } from '../../machines/project.ts';
import type { CommandType } from '../../wire/command-table.ts';
import { commandTypeSchema } from '../../wire/status.ts';
import { revive } from '../interpreter/charts.ts';
import type { Machine } from '../interpreter/lifecycle.ts';
import { asked, plainEvent, whyNot } from './legal.ts';
import { runLifecycle } from './run-lifecycle.ts';

/** What a snapshot shows, with the commands that are legal in it. */
export const projectSnapshot = (machine: Machine, snapshot: unknown): Projection =>
  runLifecycle.viewOf(revive({ machine, lifecycle: runLifecycle }, snapshot));

/** Every command and what it would meet; null = it is possible. */
export const outlook = (
  machine: Machine,
  stored: unknown,
  shown: Projection,
): Record<CommandType, string | null> => {
  const snapshot = revive({ machine, lifecycle: runLifecycle }, stored);
  const answers = commandTypeSchema.options.map((type): [CommandType, string | null] => {
    const { guards, isPossible } = asked(snapshot, type);
    return [type, isPossible ? null : whyNot(snapshot, plainEvent(type), shown, guards)];
  });
  return Object.fromEntries(answers) as Record<CommandType, string | null>;
};
