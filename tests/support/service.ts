import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../services/host/clock.ts';
import type { Logger } from '../../services/host/logger.ts';
import { createLauncher } from '../../services/launcher/launcher.ts';
import { createProcessTable } from '../../services/launcher/process-table.ts';
import type { Orchestrator } from '../../services/orchestrator/orchestrator-port.ts';
import { createService, type Service } from '../../services/orchestrator/service.ts';
import type { Parts, ServiceOptions } from '../../services/orchestrator/service-parts.ts';
import { loadPipelines } from '../../services/pipelines/pipelines.ts';
import { noWaker } from '../../services/scheduler/waker.ts';
import { openSqliteStore } from '../../services/sqlite/sqlite-store.ts';
import type { StartRequest } from '../../services/start/start-request.ts';
import type { Store } from '../../services/store/store.ts';
import type { Status } from '../../wire/status.ts';
import { leftOpen } from './left-open.ts';
import { hangMs } from './until.ts';

const silent: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  close: async () => {},
};
export const baseEnv = { PATH: process.env.PATH ?? '/usr/bin:/bin', HOME: tmpdir() };

/** A project folder with pipeline files, as a user has it; removed after the test. */
export const projectWith = async (pipelines: Record<string, string>): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'stagewright-test-'));
  await mkdir(join(dir, 'pipelines'));
  for (const [name, text] of Object.entries(pipelines))
    await writeFile(join(dir, 'pipelines', name), text);
  return dir;
};

export type Running = {
  service: Service;
  orchestrator: Orchestrator;
  store: Store;
  dir: string;
  dataDir: string;
  close(): Promise<void>;
};

/**
 * The whole service without its network, on real SQLite and real processes. `dir` = go on in this
 * project folder.
 */
export const runService = async (options: {
  pipelines?: Record<string, string>;
  dir?: string;
  parts?: (real: Parts) => Partial<Parts>;
  boot?: boolean;
  defaultPipeline?: string;
  env?: Record<string, string>;
  service?: Partial<ServiceOptions>;
}): Promise<Running> => {
  const dir = options.dir ?? (await projectWith(options.pipelines ?? {}));
  const dataDir = join(dir, 'data');
  await mkdir(dataDir, { recursive: true });
  const real: Parts = {
    store: openSqliteStore({
      path: join(dataDir, 'stagewright.sqlite'),
      synchronous: 'NORMAL',
      clock: systemClock,
    }),
    launcher: createLauncher({ log: () => {} }),
    processes: createProcessTable({ clock: systemClock }),
    clock: systemClock,
    logger: silent,
    waker: noWaker,
  };
  const parts = { ...real, ...options.parts?.(real) };
  const service = createService(parts, {
    dataDir,
    baseEnv,
    loaded: await loadPipelines(join(dir, 'pipelines')),
    readPipelines: () => loadPipelines(join(dir, 'pipelines')),
    defaultPipeline: options.defaultPipeline ?? null,
    shutdownTimeoutMs: 3000,
    watchdogIntervalMs: 30_000,
    disk: { minFreeBytes: 0, ballastBytes: 0 },
    retention: { ageMs: null, runs: null, bytes: null },
    secretsFrom: { env: options.env ?? {}, readFile: (path) => readFileSync(path, 'utf8') },
    ...options.service,
  });
  let closed = false;
  const close = async (): Promise<void> => {
    if (closed) return;
    closed = true;
    await service.close();
    leftOpen.delete(close);
    if (!options.dir) await rm(dir, { recursive: true, force: true });
  };
  leftOpen.add(close);
  if (options.boot !== false) await service.boot();
  return {
    service,
    orchestrator: service.orchestrator,
    store: real.store,
    dir,
    dataDir,
    close,
  };
};

export const startRequest = (pipeline: string, more: Partial<StartRequest> = {}): StartRequest => ({
  pipeline,
  params: {},
  trigger: 'api',
  reason: null,
  actor: { kind: 'user', name: 'test' },
  onlyStage: null,
  onConflict: null,
  idempotency: null,
  ...more,
});

/**
 * Resolves when `check` holds; looked at after each commit, with a deadline that only a hang
 * reaches.
 */
export const eventually = async <T>(
  orchestrator: Orchestrator,
  check: () => Promise<T | null | false | undefined>,
): Promise<T> => {
  const found = Promise.withResolvers<T>();
  const look = () => {
    check().then((value) => value && found.resolve(value), found.reject);
  };
  const stop = orchestrator.onJournal(look);
  // Some facts (a file of a stage, a process that is gone) are not in the journal; they are looked
  // at every 20 ms.
  const poll = setInterval(look, 20);
  const hang = setTimeout(() => found.reject(new Error(`never held: ${check.toString()}`)), hangMs);
  look();
  try {
    return await found.promise;
  } finally {
    stop();
    clearInterval(poll);
    clearTimeout(hang);
  }
};

export const ended = (orchestrator: Orchestrator, runId: string): Promise<Status> =>
  eventually(orchestrator, async () => {
    const status = await orchestrator.run(runId);
    return ['DONE', 'FAILED', 'STOPPED'].includes(status.state) && status;
  });
