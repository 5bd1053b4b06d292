import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../services/host/clock.ts';
import { liveRuns } from '../../services/store/run-view.ts';
import { openAt } from './open-at.ts';

const racer = fileURLToPath(new URL('./racer.ts', import.meta.url));
const [processes, startsEach] = [4, 3];
type Answer = [kind: string, owner: string];
type Place = { place: string; remove: () => Promise<void> };

/** Processes that start at the same time, round by round, each round with a lock of its own. */
const race = async (
  newPlace: () => Promise<Place>,
  limit: number,
  rounds: number,
  judge: (answers: Answer[]) => void,
): Promise<void> => {
  const { place, remove } = await newPlace();
  const children: ChildProcess[] = [];
  try {
    await (await openAt(place, systemClock)).close();
    const racers = Array.from({ length: processes }, () => {
      const child = spawn(process.execPath, [racer, place, String(startsEach), String(limit)], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      children.push(child);
      const { stdin, stdout } = child;
      const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
      return { stdin, stdout, next: async () => (await lines.next()).value as string };
    });
    expect(await Promise.all(racers.map(({ next }) => next()))).toEqual(racers.map(() => 'ready'));
    for (let round = 0; round < rounds; round += 1) {
      for (const { stdin } of racers) stdin.write(`${round}\n`);
      const answers = await Promise.all(
        racers.map(async ({ next }) => JSON.parse(await next()) as Answer[]),
      );
      judge(answers.flat());
    }
    await Promise.all(racers.map(({ stdin, stdout }) => stdin.end() && once(stdout, 'close')));
    const store = await openAt(place, systemClock);
    const live = await liveRuns(store);
    const numbers = new Set(live.map(({ number }) => number));
    expect([live.length, numbers.size]).toEqual([rounds * limit, rounds * limit]);
    const { events } = await store.journal({ after: 0, limit: 1_000_000 });
    const accepted = events.filter(({ event }) => event === 'accepted');
    // The number of a run is given in its transaction: both orders are those of the commits.
    expect(accepted.map(({ data }) => data.number)).toEqual(accepted.map((_, index) => index + 1));
    await store.close();
  } finally {
    // Whoever a red test left waiting.
    for (const child of children) child.kill('SIGKILL');
    await remove();
  }
};
const count = (answers: Answer[], kind: string): number =>
  answers.filter((answer) => answer[0] === kind).length;

/** What a store must do when several processes write to it. */
export const storeRaces = (name: string, newPlace: () => Promise<Place>): void =>
  describe(`${name} under racing processes`, () => {
    test(
      'S02, T2, I3: twelve starts at once from four processes, a thousand times: one begins, eleven are refused with its id',
      () =>
        race(newPlace, 1, 1000, (answers) => {
          expect([count(answers, 'begun'), count(answers, 'refused')]).toEqual([1, 11]);
          expect(new Set(answers.map(([, owner]) => owner)).size).toBe(1);
        }), // How long that takes says how busy the machine is, and nothing else.
      900_000,
    );

    test(
      'I3, I7: a lock of three under twelve starts at once lets three begin, and the journal has the order of the commits',
      () =>
        race(newPlace, 3, 100, (answers) => {
          expect([count(answers, 'begun'), count(answers, 'refused')]).toEqual([3, 9]);
          const begun = answers.filter(([kind]) => kind === 'begun').map(([, runId]) => runId);
          for (const [kind, owner] of answers)
            if (kind === 'refused') expect(begun).toContain(owner);
        }),
      900_000,
    );
  });
