import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import type { JournalEvent } from '../../wire/events.ts';
import { applyPatch, type RunView, type StatusPatch } from '../../wire/patch.ts';
import type { Status } from '../../wire/status.ts';
import { type Served, serve } from '../support/serve.ts';
import { openSmallDisk, type SmallDisk } from '../support/small-disk.ts';
import { until } from '../support/until.ts';

// Minutes of whatever may go wrong, drawn from a seed: commands at any moment, the service killed,
// frozen and ended, its launcher killed, the disk filled, stages that leave odd files and processes.
// Afterwards the store and the process table must tell one whole truth.

const seed = Number(process.env.SOAK_SEED ?? 1);
const seconds = Number(process.env.SOAK_SECONDS ?? 60);

/** mulberry32: small, and the same everywhere. */
const randomFrom = (start: number) => {
  let state = start;
  return (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};
const random = randomFrom(seed);
const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;

const stage = (name: string, script: string, more = {}) => ({
  name,
  grace: '300ms',
  run: ['bash', '-c', script],
  ...more,
});
const retry = { limit: 2, backoff: { initial: '200ms', max: '500ms' } };
const queue = { concurrency: { on_conflict: 'queue' } };
const folder = '$(dirname $STAGEWRIGHT_OUTPUTS)';
const stages = {
  quick: [stage('a', 'echo hi'), stage('b', 'echo yo'), stage('c', 'sleep 0.2')],
  flaky: [stage('a', 'sleep 0.1; exit $((RANDOM % 3))', { retry })],
  stubborn: [stage('a', "trap '' TERM; while true; do sleep 0.05; done", { timeout: '2s' })],
  leaves: [stage('a', "(trap '' TERM; sleep 30) & sleep 0.1; exit 0"), stage('b', 'sleep 0.1')],
  pipes: [stage('a', `mkfifo $STAGEWRIGHT_OUTPUTS ${folder}/manifest.json; sleep 0.2`, { retry })],
  noLogs: [stage('a', `rm ${folder}/*.log; mkfifo ${folder}/stdout.log; exit 1`, { retry })],
  silent: [stage('a', 'echo up; sleep 60', { heartbeat: '1s', total_timeout: '4s', retry })],
  writes: [
    stage('a', 'for n in 1 2 3 4 5 6; do head -c 500000 /dev/zero | tr "\\0" x; sleep 0.1; done'),
  ],
  speaks: [
    stage(
      'a',
      'for n in 1 2 3; do echo "::stagewright {\\"progress\\":{\\"done\\":$n}}"; sleep 0.2; done',
    ),
  ],
};
const pipelines = Object.fromEntries(
  Object.entries(stages).map(([key, value]) => {
    const name = key.toLowerCase();
    const more = key === 'quick' || key === 'stubborn' ? queue : {};
    return [`${name}.json`, JSON.stringify({ name, stages: value, ...more })];
  }),
);
const names = Object.keys(stages).map((name) => name.toLowerCase());
const flags = [
  ...['--ballast', '4MB', '--min-free-disk', '8MB', '--watchdog-interval', '1s'],
  ...['--shutdown-timeout', '4s', '--log-level', 'error'],
];

let disk: SmallDisk;
let service: Served;
const ids = new Set<string>();
let isFull = false;
afterEach(async () => {
  await service.end('SIGKILL');
  await until(() => processes().length === 0).catch(() => {});
  await disk.remove();
});

/** Processes of stages. */
const processes = (): string[] =>
  readdirSync('/proc').flatMap((name) => {
    try {
      const environ = readFileSync(`/proc/${name}/environ`, 'latin1');
      return environ.includes(`STAGEWRIGHT_WORKSPACE=${disk.dir}`) ? [name] : [];
    } catch {
      return [];
    }
  });
const runs = async (): Promise<Status[]> => {
  const { items } = await service.get<{ items: Status[] }>('/api/runs?limit=200');
  for (const { run_id } of items) ids.add(run_id as string);
  return items;
};
const begin = async (): Promise<void> => {
  service = await serve(disk.dir, flags);
};
const clear = async (): Promise<void> => {
  if (isFull) await disk.clear();
  isFull = false;
};
const command = async (type: string, more = {}): Promise<void> => {
  const live = (await runs()).filter(({ ended_at }) => type === 'RETRY_FROM' || ended_at === null);
  if (live.length === 0) return;
  await service.post(`/api/runs/${pick(live).run_id}/commands`, { type, ...more });
};
const start = async (): Promise<void> => {
  await service.post(`/api/pipelines/${pick(names)}/runs`);
};
const deeds: [weight: number, () => Promise<unknown>][] = [
  [30, start],
  [5, () => command('STOP')],
  [2, () => command('STOP', { grace_ms: 0 })],
  [3, () => command('PAUSE')],
  [4, () => command('RESUME')],
  [3, () => command('RETRY_NOW')],
  [2, () => command('RETRY_FROM', { stage: 'a' })],
  [
    2,
    async () => {
      await service.end('SIGKILL');
      if (random() < 0.5) await clear();
      // On a full disk it may refuse to start.
      await begin().catch(async () => {
        await clear();
        await begin();
      });
    },
  ],
  [
    1,
    async () => {
      await service.end();
      await clear();
      await begin();
    },
  ],
  [
    2,
    async () => {
      service.child.kill('SIGSTOP');
      await delay(random() * 3000);
      service.child.kill('SIGCONT');
    },
  ],
  [
    1,
    async () => {
      const { pid } = service.child;
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
      if (children[0]) process.kill(Number(children[0]), 'SIGKILL');
    },
  ],
  [
    2,
    async () => {
      if (!isFull) disk.fill();
      isFull = true;
    },
  ],
  [4, clear],
  [
    1,
    async () => {
      const [run] = await runs();
      if (run) await mkdir(join(disk.dir, 'data/runs', run.run_id as string, 'odd'));
      await writeFile(join(disk.dir, 'data/archive/odd.jsonl'), 'no event');
    },
  ],
];
const total = deeds.reduce((sum, [weight]) => sum + weight, 0);
const deed = async (): Promise<void> => {
  let at = random() * total;
  const found = deeds.find(([weight]) => {
    at -= weight;
    return at < 0;
  });
  await found?.[1]();
};

const eventsOf = async (id: string): Promise<JournalEvent[]> =>
  (await service.get<{ items: JournalEvent[] }>(`/api/events?run_id=${id}&after=0&limit=1000`))
    .items;
const folded = (events: JournalEvent[]): RunView | null =>
  events.reduce<RunView | null>(
    (view, { data }) => (data.patch ? applyPatch(view, data.patch as StatusPatch) : view),
    null,
  );

test(`after ${seconds} s of trouble (seed ${seed}) every run has ended, its events are its status, and nothing is left`, async () => {
  disk = await openSmallDisk(pipelines);
  await begin();
  const until_ = performance.now() + seconds * 1000;
  while (performance.now() < until_) {
    await deed().catch(() => {});
    await delay(random() * 150);
  }
  await clear();
  await rm(join(disk.dir, 'data/archive/odd.jsonl'), { force: true });
  const live = () => runs().then((all) => all.filter(({ ended_at }) => ended_at === null));
  await until(async () => {
    for (const { run_id, allowed } of await live())
      if (allowed.includes('STOP'))
        await service.post(`/api/runs/${run_id}/commands`, { type: 'STOP' });
    await delay(200);
    return (await live()).length === 0;
  });
  await until(() => processes().length === 0);

  for (const id of ids) {
    const events = await eventsOf(id);
    expect(events.map(({ run_seq }) => run_seq)).toEqual(events.map((_, index) => index + 1));
    const shown = await service.get<Status & Record<string, unknown>>(`/api/runs/${id}`);
    const { as_of_seq: _, attempts: __, artefacts: ___, ...status } = shown;
    expect(folded(events)).toEqual(status);
    expect(status).toMatchObject({
      state: expect.stringMatching(/^(DONE|FAILED|STOPPED)$/),
      lock: null,
    });
  }
  expect(await service.end()).toBe(0);
  const db = new DatabaseSync(join(disk.dir, 'data/stagewright.sqlite'), { readOnly: true });
  const rows = (table: string) => db.prepare(`SELECT * FROM ${table}`).all();
  expect(['lock_holders', 'lock_waiters', 'effects', 'timers'].flatMap(rows)).toEqual([]);
  db.close();
});
