import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../../services/host/clock.ts';
import { openSqliteStore } from '../../../services/sqlite/sqlite-store.ts';
import { liveRuns } from '../../../services/store/run-view.ts';
import { manualClock } from '../../support/manual-clock.ts';

const racer = fileURLToPath(new URL('./racer.ts', import.meta.url));
const rounds = 1000;

test('S01: two processes that decide the same thousand slots start one run for each', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'stagewright-slots-'));
  const children: ChildProcess[] = [];
  try {
    const path = join(dir, 'db.sqlite');
    await openSqliteStore({ path, synchronous: 'NORMAL', clock: systemClock }).close();
    const racers = ['a', 'b'].map((name) => {
      const child = spawn(process.execPath, [racer, path, name], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      children.push(child);
      const { stdin, stdout } = child;
      const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
      return { stdin, stdout, next: async () => (await lines.next()).value as string };
    });
    expect(await Promise.all(racers.map(({ next }) => next()))).toEqual(['ready', 'ready']);
    const begun = Math.ceil(manualClock().wallMs() / 5000) * 5000;
    for (let round = 1; round <= rounds; round += 1) {
      for (const { stdin } of racers) stdin.write(`${begun + round * 5000}\n`);
      await Promise.all(racers.map(({ next }) => next()));
    }
    await Promise.all(racers.map(({ stdin, stdout }) => stdin.end() && once(stdout, 'close')));
    const store = openSqliteStore({ path, synchronous: 'NORMAL', clock: systemClock });
    const live = await liveRuns(store);
    const slots = await store.slots({ scheduleId: 's', limit: 2 * rounds });
    expect(live.map(({ metadata }) => metadata.slot).toSorted()).toEqual(
      Array.from({ length: rounds }, (_, index) =>
        new Date(begun + (index + 1) * 5000).toISOString(),
      ),
    );
    expect([
      slots.length,
      new Set(slots.map(({ runId }) => runId)).size,
      slots.every(({ decision }) => decision === 'started'),
    ]).toEqual([rounds, rounds, true]);
    const { events } = await store.journal({ after: 0, limit: 10 * rounds });
    expect(events.filter(({ event }) => event === 'fired')).toHaveLength(rounds);
    await store.close();
  } finally {
    // Whoever a red test left waiting.
    for (const child of children) child.kill('SIGKILL');
    await rm(dir, { recursive: true });
  }
});
