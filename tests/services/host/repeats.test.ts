import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRepeats } from '../../../services/host/repeats.ts';
import { eventually, type Running, runService, startRequest } from '../../support/service.ts';

/** Minutes pass when the test says so; every other wait is real. */
const minutes = () => {
  const waiting = new Set<() => void>();
  return {
    after: (callback: () => void) => {
      waiting.add(callback);
      return () => void waiting.delete(callback);
    },
    pass: () => {
      for (const callback of [...waiting]) callback();
    },
    waiting: () => waiting.size,
  };
};

test('the first is recorded, equal ones are counted and told once when the minute is over; then it begins anew', async () => {
  const { after, pass } = minutes();
  const repeats = createRepeats({ clock: { after: (_ms, call) => after(call) }, log: () => {} });
  const told: string[] = [];
  const again = (key: string) =>
    repeats.isAgain(key, async (more) => void told.push(`${more} more of ${key}`));
  expect([again('a'), again('a'), again('b'), again('a')]).toEqual([false, true, false, true]);
  pass();
  expect(told).toEqual(['2 more of a']);
  expect([again('a'), again('a')]).toEqual([false, true]);
  await repeats.close();
  expect(told).toEqual(['2 more of a', '1 more of a']);
});

test('what is remembered is bounded, whoever invents new keys', () => {
  const { after, waiting } = minutes();
  const repeats = createRepeats({ clock: { after: (_ms, call) => after(call) }, log: () => {} });
  for (let index = 0; index < 3000; index += 1) repeats.isAgain(`k${index}`, async () => {});
  expect(waiting()).toBe(1000);
});

describe('in the service', () => {
  let on: Running;
  let time: ReturnType<typeof minutes>;
  beforeEach(async () => {
    time = minutes();
    const { after } = time;
    on = await runService({
      pipelines: {
        'a.yaml':
          'name: a\nstages:\n  - { name: one, grace: 100ms, run: ["sh", "-c", "until [ -e go ]; do sleep 0.02; done"] }\n  - { name: two, run: ["true"] }\n',
      },
      parts: ({ clock }) => ({
        clock: {
          ...clock,
          after: (ms, call) => (ms === 60_000 ? after(call) : clock.after(ms, call)),
        },
      }),
    });
  });
  afterEach(() => on.close());
  const actor = (name: string) => ({ kind: 'user' as const, name });
  const refusals = async () =>
    (await on.orchestrator.events({ event: 'refused', limit: 100 })).items;
  const begin = async () => {
    const { status } = await on.orchestrator.start(startRequest('a'));
    const id = status.run_id as string;
    await eventually(
      on.orchestrator,
      async () => (await on.orchestrator.run(id)).state === 'RUNNING_ONE',
    );
    return id;
  };
  const resume = (id: string, name: string, reason: string) =>
    on.orchestrator
      .command(id, {
        command: { type: 'RESUME', reason },
        actor: actor(name),
        ifVersion: null,
        idempotency: null,
      })
      .catch((error) => error);

  test('SEC-12: three hundred refused commands are one row and one event, and one of each for the rest', async () => {
    const id = await begin();
    for (let index = 0; index < 300; index += 1) {
      const error = await resume(id, 'ann', `${index} ${'x'.repeat(900)}`);
      expect([error.code, error.extra.state]).toEqual(['command-not-allowed', 'RUNNING_ONE']);
      expect(error.extra.allowed).toContain('STOP');
    }
    await resume(id, 'bob', 'somebody else');
    const rows = async () =>
      (await on.orchestrator.transitions(id, 0, 500)).items.filter(
        ({ verdict }) => verdict === 'refused',
      );
    expect((await refusals()).map(({ data }) => data.by).toSorted()).toEqual(['ann', 'bob']);
    expect(await rows()).toHaveLength(2);
    time.pass();
    const all = await eventually(on.orchestrator, async () => {
      const seen = await refusals();
      return seen.length === 3 ? seen : null;
    });
    expect(all.find(({ data }) => data.more)).toMatchObject({
      run_id: id,
      data: { command: 'RESUME', by: 'ann', more: 299, reason: null },
    });
    expect((await rows()).at(-1)?.why).toMatch(/\(299 more\)$/);
    // The minute is over: the next one is news again.
    await resume(id, 'ann', 'still');
    expect(await refusals()).toHaveLength(4);
  });

  test('SEC-12: what the run did in between makes a refusal another one', async () => {
    const id = await begin();
    await resume(id, 'ann', 'one');
    await on.orchestrator.command(id, {
      command: { type: 'PAUSE' },
      actor: actor('ann'),
      ifVersion: null,
      idempotency: null,
    });
    await on.orchestrator.command(id, {
      command: { type: 'RESUME' },
      actor: actor('ann'),
      ifVersion: null,
      idempotency: null,
    });
    await resume(id, 'ann', 'two');
    expect((await refusals()).map(({ data }) => data.reason).toSorted()).toEqual(['one', 'two']);
  });

  test('SEC-12: refused starts and reloads that change nothing are told once and then counted, also when the service ends', async () => {
    await begin();
    for (let index = 0; index < 20; index += 1) {
      await on.orchestrator.start(startRequest('a')).catch(() => {});
      await on.orchestrator.reload(actor('ann'));
    }
    const reloads = async () =>
      (await on.orchestrator.events({ event: 'changed', limit: 100 })).items;
    expect([(await refusals()).length, (await reloads()).length]).toEqual([1, 1]);
    // A reload that changes something is told whatever came before.
    await appendFile(join(on.dir, 'pipelines/a.yaml'), 'title: Another\n');
    await on.orchestrator.reload(actor('ann'));
    expect(await reloads()).toHaveLength(2);
    time.pass();
    await eventually(on.orchestrator, async () => {
      const more = [...(await refusals()), ...(await reloads())].map(({ data }) => data.more);
      return more.filter((count) => count === 19).length === 2;
    });
  });
});
