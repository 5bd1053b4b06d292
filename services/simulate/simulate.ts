import type { Story } from '../../wire/simulation.ts';
import { nextTurn } from '../host/clock.ts';
import { rise } from './fates.ts';
import { replayOf } from './script.ts';
import { createWorld, rowOf, type Simulated, type World } from './world.ts';

/** More instants than a year of waits has. */
const maxInstants = 600_000;
/** Who has been quiet for so many turns has nothing to do at this instant. */
const idleTurns = 3;

const isOver = (world: World): boolean => {
  const { lock } = rowOf(world) ?? {};
  const isDone = world.endedMs !== null && lock === null && world.coming === 0;
  return isDone || world.checks.broken() !== null;
};

/** Time stands still until everybody has done what there is to do. */
const quiet = async (world: World): Promise<void> => {
  const signs = (): number => world.clock.asked() + world.writes;
  for (let idle = 0; idle < idleTurns; idle += 1) {
    const before = signs();
    await nextTurn();
    if (signs() !== before) idle = -1;
  }
};

const storyOf = (world: World): Story => {
  const { definition, script, checks, story, clock } = world;
  const shown = rowOf(world)?.projection;
  return {
    pipeline: definition.name,
    script: [...script],
    replay: replayOf(definition.name, script),
    state: shown?.state ?? 'IDLE',
    outcome: shown?.outcome ?? null,
    why: shown?.why ?? 'it never began',
    error_code: shown?.error?.code ?? null,
    duration_ms: world.endedMs ?? clock.elapsedMs(),
    attempts: Object.fromEntries(shown?.stages.map(({ name, attempt }) => [name, attempt]) ?? []),
    lines: story.lines,
    broken: checks.broken(),
  };
};

export type Asked = Omit<Simulated, 'goesOn'> & Partial<Pick<Simulated, 'goesOn'>>;

/**
 * A run is lived from its start to its end, by the code that moves real ones, in no time: whatever is
 * next follows at once upon the last.
 */
export const lived = async ({ goesOn = () => {}, ...asked }: Asked): Promise<World> => {
  const world = createWorld({ ...asked, goesOn });
  rise(world);
  for (let instants = 0; ; instants += 1) {
    await quiet(world);
    goesOn();
    if (isOver(world)) return world;
    if (instants > maxInstants || !world.clock.advance())
      world.checks.breaks({ invariant: 'I2', detail: 'it never ends' });
  }
};

export const simulate = async (asked: Asked): Promise<Story> => storyOf(await lived(asked));
