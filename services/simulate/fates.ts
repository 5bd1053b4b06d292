import { allStages } from '../../definition/definition.ts';
import { eventOfCommand, plainCommands } from '../../machines/commands.ts';
import type { Happening } from '../../wire/simulation.ts';
import type { PlannedStart } from '../interpreter/interpreter.ts';
import { projectSnapshot } from '../lifecycle/outlook.ts';
import { loadedFrom } from '../memory-store/memory-place.ts';
import { openMemoryStore } from '../memory-store/memory-store.ts';
import { startOf } from '../start/plan-start.ts';
import { fenceOf } from '../store/fence.ts';
import type { EffectRow } from '../store/run-rows.ts';
import { answerEvent } from '../what-if/presses.ts';
import { atWrite, duringAttempt, type Plan, planOf } from './script.ts';
import { createSimService, type SimService } from './sim-service.ts';
import { watchedStore } from './sim-store.ts';
import type { Life } from './virtual-clock.ts';
import { hear, later, rowOf, type World } from './world.ts';

/** A service that died is there again after so long. */
const awayMs = 1000;

/** The service is killed, or the machine with it; it comes back by itself. */
const die = (world: World, how: 'crash' | 'reboot'): void => {
  const { service, story, host, definition } = world;
  if (!service) return;
  hear(world);
  story.happens(how === 'crash' ? 'the service is killed' : 'the machine goes down');
  world.service = null;
  service.die();
  const graceOf = ({ input }: EffectRow): number =>
    allStages(definition).find(({ name }) => name === input.stage)?.graceMs ?? 0;
  if (how === 'reboot') host.machineDown();
  else host.serviceLost(graceOf);
  later(world, awayMs, () => {
    story.happens('the service is back');
    rise(world);
  });
};

/** Whoever asks something of a service that is away asks again when it is back. */
const ask = (world: World, what: (service: SimService) => void): void => {
  if (world.service) what(world.service);
  else later(world, awayMs, () => ask(world, what));
};

const stop = (world: World): void =>
  ask(world, ({ interpreter }) => {
    const event = eventOfCommand(plainCommands.STOP, 'somebody');
    const cause = { kind: 'command', actor: 'somebody' } as const;
    void interpreter.deliver(world.runId, { event, fence: null, cause });
  });

/** An answer that comes when nobody waits for it any more. */
const answerLate = (world: World, effect: EffectRow): void =>
  ask(world, ({ interpreter }) => {
    const event = answerEvent(effect, 'done');
    const late = { event, fence: fenceOf(effect), cause: { kind: 'effect' } } as const;
    void interpreter.deliver(world.runId, late).then((told) => {
      const detail = `a late answer of ${effect.id} moved the run`;
      if (told?.verdict === 'accepted') world.checks.breaks({ invariant: 'I6', detail });
    });
  });

const begins = (world: World, effect: EffectRow, plan: Plan): void => {
  const { script, checks, host, place, runId } = world;
  checks.begins(effect);
  const inTheMiddle = plan.ms === null ? 1 : Math.floor(plan.ms / 2);
  for (const what of duringAttempt(script, effect.input.stage ?? '', effect.attempt))
    later(world, inTheMiddle, () => (what === 'stop' ? stop(world) : die(world, what)));
  const process = host.of(effect);
  if (!plan.isLate || !process) return;
  world.coming += 1;
  const isAwaited = (): boolean =>
    loadedFrom(place, runId)?.effects.find(({ token }) => token === effect.token)?.state ===
    'started';
  void process.ended.promise.then(() => {
    world.coming -= 1;
    // Its own runner answers first where somebody still waits for it.
    later(world, 1, () => {
      if (!isAwaited()) answerLate(world, effect);
    });
  });
};

/** What comes before the n-th write. */
const beforeWrite = async (world: World, life: Life, one: Happening): Promise<void> => {
  const { story, clock } = world;
  if (one.what === 'crash-before') die(world, 'crash');
  if (one.what === 'slow-store') {
    story.happens(`the store takes ${one.ms / 1000} s for write ${one.write}`);
    await life.sleep(one.ms);
  }
  if (one.what === 'clock-step') {
    story.happens(`the wall clock is set by ${one.ms / 1000} s`);
    clock.step(one.ms);
  }
};
const afterWrite = (world: World): void => {
  world.checks.look();
  hear(world);
  const run = rowOf(world);
  if (run && run.endedAt !== null) world.endedMs ??= world.clock.elapsedMs();
  if (atWrite(world.script, world.writes).some(({ what }) => what === 'crash-after'))
    die(world, 'crash');
};

const born = (world: World): SimService => {
  const { clock, charts, host, place, script } = world;
  const life = clock.live();
  let isAlive = true;
  const store = watchedStore(openMemoryStore(place), {
    isAlive: () => isAlive,
    before: async () => {
      world.writes += 1;
      for (const one of atWrite(script, world.writes)) await beforeWrite(world, life, one);
    },
    after: () => afterWrite(world),
  });
  const service = createSimService({
    store,
    charts,
    clock: life,
    host,
    isAlive: () => isAlive,
    planOf: ({ input, attempt }) => planOf(script, input.stage ?? '', attempt),
    begins: (effect, plan) => begins(world, effect, plan),
  });
  return {
    ...service,
    die: () => {
      isAlive = false;
      service.die();
    },
  };
};

const startIn = ({ chart, definition, fate, runId }: World): PlannedStart => {
  const { hash, config, compilerVersion, machine, initial } = chart;
  const { key, limit } = definition.concurrency;
  return startOf({
    spec: {
      runId,
      pipeline: definition.name,
      chart: hash,
      definition,
      projectDir: '/',
      params: {},
      trigger: 'manual',
      onlyStage: null,
      reason: null,
      inputs: {},
      metadata: {},
    },
    config,
    compilerVersion,
    snapshot: initial,
    projection: projectSnapshot(machine, initial),
    at: fate.wallMs(),
    idempotency: null,
    lock: { key, limit, onConflict: 'refuse', queueMax: 1 },
    by: 'somebody',
  });
};

/** A service begins: it settles what was left, and whoever was not answered asks again. */
export const rise = (world: World): void => {
  const service = born(world);
  world.service = service;
  const cause = { kind: 'command', actor: 'somebody' } as const;
  void service.boot().then(() => {
    if (!world.place.runs.has(world.runId))
      void service.interpreter.begin(startIn(world), { cause });
  });
};
