// One of several processes that start the same runs: a line is told to all, each starts as often as
// it was told at the same time, and says what its starts came to.
import { createInterface } from 'node:readline';
import { systemClock } from '../../services/host/clock.ts';
import { createRunIds } from '../../services/host/run-id.ts';
import { openAt } from './open-at.ts';
import { rigOn } from './rig.ts';

const [place, starts, limit] = process.argv.slice(2) as [string, string, string];
const store = await openAt(place, systemClock);
const on = rigOn(store, systemClock);
const nextId = createRunIds(systemClock.wallMs);
process.stdout.write('ready\n');
const start = async (round: string): Promise<[kind: string, owner: string]> => {
  const runId = nextId();
  const begun = await on.begin(on.requestOf(runId, { key: `key-${round}`, limit: Number(limit) }));
  return begun.kind === 'refused' ? ['refused', begun.owner.runId] : [begun.kind, runId];
};
for await (const round of createInterface({ input: process.stdin })) {
  const results = await Promise.all(Array.from({ length: Number(starts) }, () => start(round)));
  process.stdout.write(`${JSON.stringify(results)}\n`);
}
await store.close();
