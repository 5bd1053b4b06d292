import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
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
    const racers = [0, 1].map(() => spawn(process.execPath, [racer, path, String(rounds)], { stdio: ['pipe', 'pipe', 'inherit'] }));
    await Promise.all(racers.map(({ stdout }) => once(stdout, 'data')));
    const ends = racers.map(async ({ stdin, stdout }) => {
      stdin.write('go');
      return JSON.parse(await text(stdout)) as [string, string][];
    });
    const [a, b] = (await Promise.all(ends)) as [[string, string][], [string, string][]];
    const wins = { a: 0, b: 0 };
    for (let round = 0; round < rounds; round += 1) {
      const [one, other] = [a[round], b[round]] as [[string, string], [string, string]];
      expect([one[0], other[0]].sort()).toEqual(['begun', 'refused']);
      expect(one[1]).toBe(other[1]);
      wins[one[0] === 'begun' ? 'a' : 'b'] += 1;
    }
    // Both processes raced: neither was simply first everywhere.
    expect(Math.min(wins.a, wins.b)).toBeGreaterThan(0);
    const store = openSqliteStore({ path, synchronous: 'NORMAL', clock: systemClock });
    const live = await store.liveRuns();
    expect([live.length, new Set(live.map(({ number }) => number)).size]).toEqual([rounds, rounds]);
    await store.close();
  } finally {
    await rm(dir, { recursive: true });
  }
});
