import fc from 'fast-check';
import type { RunContext, RunEvent } from '../../../machines/context.ts';
import { runFacts } from '../../../machines/run-facts.ts';
import { createEndings, type Prey } from '../../../services/launcher/endings.ts';
import { createDrain } from '../../../services/runners/drain.ts';
import type { EffectRow, Loaded, RunRow } from '../../../services/store/run-rows.ts';
import type { Ending } from '../../../stages/contract.ts';

import { manualClock } from '../../support/manual-clock.ts';

type Cause =
  /** A limit of the attempt, of the stage or of the run: another drain, with nothing asked. */
  | { type: 'limit' }
  | { type: 'stop'; graceMs: number | null }
  /** The leader is gone, and the runner ends what it left. */
  | { type: 'sweep' }
  /** The service dies and another one comes; its launcher ends what it knows of. */
  | { type: 'restart' };
type Step = { afterMs: number; cause: Cause };

const token = 'r_1.2.attempt-one';
const turn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * One attempt whose processes ignore SIGTERM, and everybody who may end it: the real drain runner
 * and the real endings; clock, processes and rows are the test's.
 */
const openWorld = (stageGraceMs: number) => {
  const clock = manualClock();
  const seen = { terms: [] as number[], killedAt: null as number | null };
  let context = {
    stage: 'one',
    stop: null,
    policy: { one: { graceMs: stageGraceMs } },
  } as unknown as RunContext;
  let row = {
    runId: 'r_1',
    id: 'attempt-one',
    stamp: 2,
    kind: 'stage',
    state: 'dropping',
  } as EffectRow;
  row = { ...row, token, input: { stage: 'one' }, process: null, ending: null };
  let told: Ending | null = null;

  const service = () => {
    let isDead = false;
    const prey: Prey = {
      look: (strike) => {
        if (isDead) return { found: true, unsure: false };
        if (strike) seen.killedAt ??= clock.monotonicMs();
        return { found: seen.killedAt === null, unsure: false };
      },
      ask: () => void seen.terms.push(clock.monotonicMs()),
    };
    const endings = createEndings({ clock });
    const life = new AbortController();
    const mark = (_effect: EffectRow, ending: Ending): void => {
      if (isDead) return;
      row = { ...row, ending };
      told = ending;
    };
    const drain = createDrain({
      store: {
        run: async () => ({ effects: [row] }) as Loaded & { headSeq: number },
        amend: async () => [true],
      },
      processes: {
        end: (_identity, of, graceMs, signal, order = {}) =>
          endings.end(of, prey, graceMs, signal, order),
        shorten: endings.shorten,
      },
      ending: mark,
      settled: async () => {},
      graceCapMs: () => Number.POSITIVE_INFINITY,
      clock,
      closing: life.signal,
    });
    return {
      drain: () => {
        const run = { runId: 'r_1', snapshot: { context } } as unknown as RunRow;
        drain(run).catch(() => {});
      },
      join: (graceMs: number, known: Ending | null) =>
        void endings
          .end(token, prey, graceMs, life.signal, {
            known,
            joins: true,
            changed: (ending) => mark(row, ending),
          })
          .catch(() => {}),
      die: () => {
        isDead = true;
        life.abort();
      },
    };
  };

  let alive = service();
  let isSecond = false;
  const launcher = service();
  const wishes: { at: number; graceMs: number }[] = [];
  const wish = (graceMs: number): void => {
    wishes.push({ at: clock.monotonicMs(), graceMs });
  };
  /** @returns whether anybody ends it from now on */
  const happen = (cause: Cause): void => {
    const { stop } = context;
    const isFirst = wishes.length === 0;
    if (cause.type === 'stop') {
      if (!stop) wish(cause.graceMs ?? stageGraceMs);
      else if (cause.graceMs !== null) wish(cause.graceMs);
      const event: RunEvent = {
        type: 'STOP',
        reason: null,
        by: 'ada',
        at: clock.wallMs(),
        grace_ms: cause.graceMs,
      };
      context = { ...context, ...runFacts.noteStop({ context, event }) };
      alive.drain();
    } else if (cause.type === 'limit') {
      wish(stop?.graceMs ?? stageGraceMs);
      alive.drain();
    } else if (cause.type === 'sweep') {
      // Another service has no runner of this attempt.
      if (isSecond) return;
      if (isFirst) wish(stageGraceMs);
      alive.join(stageGraceMs, null);
    } else {
      isSecond = true;
      alive.die();
      if (told) launcher.join(stageGraceMs, told);
      alive = service();
      if (isFirst) wish(stageGraceMs);
      alive.drain();
    }
  };
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 1) {
      clock.advance(1);
      await turn();
    }
  };
  return {
    seen,
    wishes,
    happen: async (cause: Cause): Promise<void> => {
      happen(cause);
      await turn();
    },
    pass,
    now: clock.monotonicMs,
    deadline: () => row.ending?.killAt ?? null,
    close: () => {
      alive.die();
      launcher.die();
    },
  };
};

const graceMs = fc.integer({ min: 0, max: 150 });
const anyStep = fc.record({
  afterMs: fc.integer({ min: 0, max: 60 }),
  cause: fc.oneof(
    fc.constant<Cause>({ type: 'limit' }),
    fc.record({ type: fc.constant('stop' as const), graceMs: fc.option(graceMs) }),
    fc.constant<Cause>({ type: 'sweep' }),
    fc.constant<Cause>({ type: 'restart' }),
  ),
});

test('REL-1, REL-12, TRUTH-2: SIGTERM is sent once, and SIGKILL comes with the smallest grace that was asked for so far, whatever follows', async () => {
  const property = fc.asyncProperty(
    graceMs,
    fc.array(anyStep, { minLength: 1, maxLength: 12 }),
    async (stageGraceMs, steps: Step[]) => {
      const world = openWorld(stageGraceMs);
      for (const { afterMs, cause } of steps) {
        await world.pass(afterMs);
        await world.happen(cause);
        if (world.seen.killedAt !== null) break;
      }
      // A hang guard: longer than any grace that can have been asked for.
      for (let ms = 0; ms < 500 && world.seen.killedAt === null; ms += 1) await world.pass(1);
      world.close();
      const { terms, killedAt } = world.seen;
      expect(terms.length).toBeLessThanOrEqual(1);
      const begun = terms[0] ?? world.wishes[0]?.at ?? 0;
      // A wish counts from the SIGTERM, and from when it was said.
      const due = world.wishes.map((wish) => Math.max(wish.at, begun + wish.graceMs));
      expect(killedAt).toBe(Math.min(...due));
    },
  );
  await fc.assert(property, { numRuns: 150 });
});

test('the first stop may give a longer grace than the stage; another without one changes nothing; 0 is at once', async () => {
  const world = openWorld(50);
  await world.happen({ type: 'stop', graceMs: 400 });
  const deadline = world.deadline();
  expect(deadline).toBe(world.now() + 400);
  await world.pass(100);
  for (const graceMs of [null, 400, 1000, null]) {
    await world.happen({ type: 'stop', graceMs });
    expect(world.deadline()).toBe(deadline);
  }
  expect(world.seen).toMatchObject({ terms: [expect.any(Number)], killedAt: null });
  await world.happen({ type: 'stop', graceMs: 0 });
  expect(world.seen.killedAt).toBe(world.now());
  world.close();
});

test('TRUTH-3: a busy machine that stretches every pause does not stretch the grace', async () => {
  const clock = manualClock();
  let strikes = 0;
  const prey: Prey = {
    look: (strike) => {
      if (strike) strikes += 1;
      return { found: strikes === 0, unsure: false };
    },
    ask: () => {},
  };
  const termedAt = clock.monotonicMs();
  const endings = createEndings({ clock });
  const over = endings.end('t', prey, 4000, new AbortController().signal, {});
  // Each turn of the loop takes a second, whatever pause it asked for.
  for (let turns = 0; turns < 4; turns += 1) {
    await turn();
    expect(strikes).toBe(0);
    clock.advance(1000);
  }
  await over;
  expect([strikes, clock.monotonicMs() - termedAt]).toEqual([1, 4000]);
});
