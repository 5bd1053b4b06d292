import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../services/host/clock.ts';
import { createLauncher } from '../services/launcher/launcher.ts';
import { createProcessTable } from '../services/launcher/process-table.ts';
import type { Orchestrator } from '../services/orchestrator/orchestrator-port.ts';
import { createService } from '../services/orchestrator/service.ts';
import type { Parts } from '../services/orchestrator/service-parts.ts';
import { loadPipelines } from '../services/pipelines/pipelines.ts';
import { noWaker, type Waker } from '../services/scheduler/waker.ts';
import { openSqliteStore } from '../services/sqlite/sqlite-store.ts';
import type { StartRequest } from '../services/start/start-request.ts';

export type Place = {
  dir: string;
  parts: Parts;
  orchestrator: Orchestrator;
  close(): Promise<void>;
};

const silent = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  close: async () => {},
};

/**
 * The whole service without its port, in a folder of its own, with as many pipelines `p0`, `p1`, …
 * of three /bin/true.
 */
export const openPlace = async (pipelines: number, waker: Waker = noWaker): Promise<Place> => {
  const dir = await mkdtemp(join(tmpdir(), 'stagewright-bench-'));
  await mkdir(join(dir, 'pipelines'));
  await mkdir(join(dir, 'data'));
  const stages = ['a', 'b', 'c']
    .map((name) => `  - { name: ${name}, run: ["/bin/true"] }`)
    .join('\n');
  for (let index = 0; index < pipelines; index += 1)
    await writeFile(
      join(dir, 'pipelines', `p${index}.yaml`),
      `name: p${index}\nstages:\n${stages}\n`,
    );
  const parts: Parts = {
    store: openSqliteStore({
      path: join(dir, 'data/stagewright.sqlite'),
      synchronous: 'FULL',
      clock: systemClock,
    }),
    launcher: createLauncher({ log: () => {} }),
    processes: createProcessTable({ clock: systemClock }),
    clock: systemClock,
    logger: silent,
    waker,
  };
  const service = createService(parts, {
    dataDir: join(dir, 'data'),
    baseEnv: { PATH: '/usr/bin:/bin' },
    loaded: await loadPipelines(join(dir, 'pipelines')),
    readPipelines: () => loadPipelines(join(dir, 'pipelines')),
    defaultPipeline: null,
    shutdownTimeoutMs: 1000,
    watchdogIntervalMs: 30_000,
    disk: { minFreeBytes: 0, ballastBytes: 0 },
    retention: { ageMs: null, runs: null, bytes: null },
    secretsFrom: { env: {}, readFile: () => '' },
  });
  await service.boot();
  return {
    dir,
    parts,
    orchestrator: service.orchestrator,
    close: async () => {
      await service.close();
      await rm(dir, { recursive: true });
    },
  };
};

const request = (pipeline: string): StartRequest => ({
  pipeline,
  params: {},
  trigger: 'api',
  reason: null,
  onlyStage: null,
  onConflict: null,
  idempotency: null,
  actor: { kind: 'system', name: 'bench' },
});

/** Starts a run and resolves when its end is committed. */
export const runOnce = async ({ orchestrator }: Place, pipeline: string): Promise<void> => {
  const over = Promise.withResolvers<void>();
  const { status } = await orchestrator.start(request(pipeline));
  const look = (): void => {
    void orchestrator.run(status.run_id as string).then(({ state }) => {
      if (state === 'DONE') over.resolve();
      if (state === 'FAILED') over.reject(new Error('the run failed'));
    });
  };
  const stop = orchestrator.onJournal(look);
  look();
  await over.promise;
  stop();
};
