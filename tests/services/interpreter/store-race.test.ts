import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../../services/host/clock.ts';
import { openSqliteStore } from '../../../services/sqlite/sqlite-store.ts';

const racer = fileURLToPath(new URL('./racer.ts', import.meta.url));
const [rounds, processes, startsEach] = [1000, 4, 3];

test('S02, T2, I3: twelve starts at once from four processes, a thousand times: one begins, eleven are refused with its id', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'stagewright-race-'));
  const children: ChildProcess[] = [];
  try {
    const path = join(dir, 'db.sqlite');
    await openSqliteStore({ path, synchronous: 'NORMAL', clock: systemClock }).close();
    const racers = Array.from({ length: processes }, () => {
      const child = spawn(process.execPath, [racer, path, String(startsEach)], {
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
      const answers = (
        await Promise.all(
          racers.map(async ({ next }) => JSON.parse(await next()) as [string, string][]),
        )
      ).flat();
      const count = (kind: string): number => answers.filter((answer) => answer[0] === kind).length;
      expect([count('begun'), count('refused')]).toEqual([1, processes * startsEach - 1]);
      expect(new Set(answers.map(([, owner]) => owner)).size).toBe(1);
    }
    await Promise.all(racers.map(({ stdin, stdout }) => stdin.end() && once(stdout, 'close')));
    const store = openSqliteStore({ path, synchronous: 'NORMAL', clock: systemClock });
    const live = await store.liveRuns();
    expect([live.length, new Set(live.map(({ number }) => number)).size]).toEqual([rounds, rounds]);
    await store.close();
  } finally {
    // Whoever a red test left waiting.
    for (const child of children) child.kill('SIGKILL');
    await rm(dir, { recursive: true });
  }
  // How long that takes says how busy the machine is, and nothing else.
}, 900_000);
