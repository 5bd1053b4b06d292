/**
 * `npm run bench:scheduler [seconds]`: how late a schedule of one second is, over ten minutes,
 * against a bare timer in the same process. Part of the long suite; asserts nothing.
 */
import { nodeCronWaker } from '../services/scheduler/waker.ts';
import { openPlace } from './place.ts';

const seconds = Number(process.argv[2] ?? 600);
const place = await openPlace(1, nodeCronWaker);
const { store } = place.parts;

/** Milliseconds after each full second at which a timer for it fires. */
const bare: number[] = [];
let timer: NodeJS.Timeout;
const next = (): void => {
  const due = Math.ceil((Date.now() + 1) / 1000) * 1000;
  timer = setTimeout(() => {
    bare.push(Date.now() - due);
    next();
  }, due - Date.now());
};

const show = (name: string, late: number[]): void => {
  const sorted = late.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    String(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? '-').padStart(
      6,
    );
  console.log(
    `${name.padEnd(46)} ${String(late.length).padStart(5)} times, ms late: p50 ${at(0.5)}  p95 ${at(0.95)}  p99 ${at(0.99)}  max ${at(1)}`,
  );
};

try {
  await place.orchestrator.createSchedule('each-second', 'p0', { every: 1000 }, { name: 'bench' });
  next();
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  clearTimeout(timer!);
  const slots = await store.slots({ scheduleId: 'each-second', limit: 2 * seconds });
  const { events } = await store.journal({ after: 0, limit: 100 * seconds });
  const fired = events.filter(({ event }) => event === 'fired');
  show('a bare timer for each full second', bare);
  show(
    'slot to the commit that begins its run',
    fired.map(({ timestamp, data }) => Date.parse(timestamp) - Date.parse(data.slot as string)),
  );
  const counts = Object.entries(Object.groupBy(slots, ({ decision }) => decision)).map(
    ([word, some]) => `${some?.length} ${word}`,
  );
  console.log(`${slots.length} slots in ${seconds} s: ${counts.join(', ')}`);
} finally {
  await place.close();
}
