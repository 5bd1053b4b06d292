import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../services/clock.ts';
import { openSqliteStore } from '../../services/sqlite/sqlite-store.ts';

const racer = fileURLToPath(new URL('./racer.ts', import.meta.url));
const rounds = 1000;

test('S02, T2: two processes that start the same thousand runs: one begins each, the other is refused with its id', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'stagewright-race-'));
  try {
    const path = join(dir, 'db.sqlite');
    await openSqliteStore({ path, synchronous: 'NORMAL', clock: systemClock }).close();
    const racers = [0, 1].map(() => {
      const { stdin, stdout } = spawn(process.execPath, [racer, path], { stdio: ['pipe', 'pipe', 'inherit'] });
      const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
      return { stdin, stdout, next: async () => (await lines.next()).value as string };
    });
    expect(await Promise.all(racers.map(({ next }) => next()))).toEqual(['ready', 'ready']);
    for (let round = 0; round < rounds; round += 1) {
      for (const { stdin } of racers) stdin.write(`${round}\n`);
      const answers = await Promise.all(racers.map(async ({ next }) => JSON.parse(await next()) as [string, string]));
      expect(answers.map(([kind]) => kind).toSorted()).toEqual(['begun', 'refused']);
      expect(answers[0]?.[1]).toBe(answers[1]?.[1]);
    }
    await Promise.all(racers.map(({ stdin, stdout }) => stdin.end() && once(stdout, 'close')));
    const store = openSqliteStore({ path, synchronous: 'NORMAL', clock: systemClock });
    const live = await store.liveRuns();
    expect([live.length, new Set(live.map(({ number }) => number)).size]).toEqual([rounds, rounds]);
    await store.close();
  } finally {
    await rm(dir, { recursive: true });
  }
});
