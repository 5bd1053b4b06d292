import { durationSchema } from '../../definition/duration.ts';
import { type Happening, happeningSchema, type Story, type Survey } from '../../wire/simulation.ts';
import { runLifecycle } from '../lifecycle/run-lifecycle.ts';
import { pipelineOf } from './pipeline-of.ts';
import { BadScript, checkScript } from './script-flags.ts';
import { simulate as told } from './simulate.ts';
import { survey } from './survey.ts';
import { standAlone } from './world.ts';

/** `'5m'`, or milliseconds. */
type Duration = string | number;

/**
 * A pipeline whose programs follow a script, on a clock that leaps: `stagewright/testing`. Each method
 * but the last two adds to the script, and gives the simulation back.
 */
export type Simulation = {
  /** So many attempts fail, the first of them. */
  fail(stage: string, times?: number, code?: string): Simulation;
  /** So many attempts never end by themselves. */
  hang(stage: string, times?: number): Simulation;
  /** The program says that there is nothing to do. */
  skip(stage: string): Simulation;
  /** So long does each attempt work; a second where nothing is said. */
  takes(stage: string, duration: Duration): Simulation;
  /** Its programs hear no SIGTERM. */
  deaf(stage: string): Simulation;
  /** Each attempt answers once more when its processes are gone. */
  late(stage: string): Simulation;
  /** Somebody stops the run while this attempt works. */
  stopAt(stage: string, attempt?: number): Simulation;
  /** The service is killed while this attempt works, and back a second later. */
  crashAt(stage: string, attempt?: number): Simulation;
  /** So is the machine, with every process. */
  rebootAt(stage: string, attempt?: number): Simulation;
  /** The service is killed before its n-th write to the store, or right after it. */
  crashBefore(write: number): Simulation;
  crashAfter(write: number): Simulation;
  slowStore(write: number, duration: Duration): Simulation;
  /** The wall clock is set with the n-th write, in milliseconds: forward, or below 0 back. */
  clockStep(write: number, ms: number): Simulation;
  /** The run, from its start to its end. @throws Error when an invariant is broken */
  run(): Promise<Story>;
  /** Many runs with random faults on top of the script. @throws Error with the shortest script that breaks an invariant */
  survey(options?: { seed?: number; runs?: number }): Promise<Survey>;
};

const msOf = (duration: Duration): number => {
  const read = durationSchema.safeParse(duration);
  if (read.success) return read.data;
  throw new BadScript(read.error.issues[0]?.message ?? `${duration} is no duration`);
};
const sound = (story: Story): Story => {
  if (!story.broken) return story;
  const { invariant, detail } = story.broken;
  throw new Error(`${invariant} does not hold: ${detail}\n${story.replay}`);
};

/**
 * Simulates a pipeline file, or a pipeline of `./pipelines` by its name. No program of it is
 * executed, and nothing is written.
 */
export const simulate = (pipeline: string, folder = './pipelines'): Simulation => {
  const script: Happening[] = [];
  const add = (one: { what: Happening['what']; [field: string]: unknown }): Simulation => {
    const read = happeningSchema.safeParse(one);
    const [issue] = read.error?.issues ?? [];
    if (!read.success)
      throw new BadScript(`${one.what}: ${issue?.path.join('.')}: ${issue?.message}`);
    script.push(read.data);
    return simulation;
  };
  const ready = async () => {
    const definition = await pipelineOf(pipeline, folder);
    checkScript(definition, script);
    return { ...standAlone(definition, runLifecycle), script };
  };
  const simulation: Simulation = {
    fail: (stage, times, code) => add({ what: 'fail', stage, times, code }),
    hang: (stage, times) => add({ what: 'hang', stage, times }),
    skip: (stage) => add({ what: 'skip', stage }),
    takes: (stage, duration) => add({ what: 'takes', stage, ms: msOf(duration) }),
    deaf: (stage) => add({ what: 'deaf', stage }),
    late: (stage) => add({ what: 'late', stage }),
    stopAt: (stage, attempt) => add({ what: 'stop', stage, attempt }),
    crashAt: (stage, attempt) => add({ what: 'crash', stage, attempt }),
    rebootAt: (stage, attempt) => add({ what: 'reboot', stage, attempt }),
    crashBefore: (write) => add({ what: 'crash-before', write }),
    crashAfter: (write) => add({ what: 'crash-after', write }),
    slowStore: (write, duration) => add({ what: 'slow-store', write, ms: msOf(duration) }),
    clockStep: (write, ms) => add({ what: 'clock-step', write, ms }),
    run: async () => sound(await told(await ready())),
    survey: async ({ seed = 1, runs = 100 } = {}) => {
      const found = await survey({ ...(await ready()), seed, runs: Math.max(2, runs) });
      if (found.survey?.broken) sound(found.survey.broken);
      return found.survey as Survey;
    },
  };
  return simulation;
};
