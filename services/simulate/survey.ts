import { worstCaseMs } from '../../definition/lint/worst-case.ts';
import type { Happening, Simulation, Story, Survey } from '../../wire/simulation.ts';
import { isOutside, randomScript } from './random-script.ts';
import { shortened } from './shorten.ts';
import { type Asked, simulate } from './simulate.ts';

export type Surveyed = Asked & {
  /** Null: nothing happens but the script. */
  seed: number | null;
  runs: number;
  /** So many are done. */
  progress?: (runs: number) => unknown;
};

const part = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/** The same invariant broken by less. */
const shortest = async (asked: Asked, story: Story): Promise<Story> => {
  const told = new Map<string, Story>();
  const tell = async (script: readonly Happening[]): Promise<Story> => {
    const key = JSON.stringify(script);
    const known = told.get(key) ?? (await simulate({ ...asked, script }));
    told.set(key, known);
    return known;
  };
  const breaks = async (script: readonly Happening[]): Promise<boolean> =>
    (await tell(script)).broken?.invariant === story.broken?.invariant;
  return tell(await shortened(story.script, breaks));
};

/**
 * Simulates one run, or many that have random faults each: the seed of the first, and one more for
 * every other. Ends with the first that breaks an invariant, in its shortest form.
 */
export const survey = async ({ seed, runs, progress, ...asked }: Surveyed): Promise<Simulation> => {
  const outcomes: Record<string, number> = {};
  const durations: number[] = [];
  let first: Story | null = null;
  let longest: Survey['longest'] = null;
  let broken: Story | null = null;
  for (let index = 0; index < runs && !broken; index += 1) {
    progress?.(index);
    const mine = seed === null ? null : seed + index;
    const script =
      mine === null ? asked.script : [...asked.script, ...randomScript(asked.definition, mine)];
    const run = { ...asked, script };
    const story = await simulate(run);
    first ??= story;
    const outcome = story.outcome ?? story.state;
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    durations.push(story.duration_ms);
    const isLonger = story.duration_ms > (longest?.duration_ms ?? -1);
    if (isLonger && !script.some(isOutside))
      longest = { duration_ms: story.duration_ms, replay: story.replay };
    if (story.broken) broken = await shortest(run, story);
  }
  if (!first) throw new Error('a survey is of one run at least');
  if (runs === 1) return { story: broken ?? first, survey: null };
  const sorted = durations.toSorted((a, b) => a - b);
  return {
    story: first,
    survey: {
      runs: durations.length,
      outcomes,
      duration_ms: {
        least: part(sorted, 0),
        median: part(sorted, 0.5),
        p95: part(sorted, 0.95),
        most: part(sorted, 1),
      },
      longest,
      worst_case_ms: worstCaseMs(asked.definition),
      broken,
    },
  };
};
