import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JournalEvent } from '../../wire/events.ts';
import type { Status } from '../../wire/status.ts';
import { baseEnv, projectWith } from '../support/service.ts';
import { until } from '../support/until.ts';

const program = fileURLToPath(new URL('./doomed-service.ts', import.meta.url));
const finals = ['DONE', 'FAILED', 'STOPPED'];

type Doomed = { process: ChildProcess; url: string; gone: Promise<void>; log: string };
/**
 * `point`: where it kills itself; `aheadMs`: as if the last service had gone that long ago; `more`:
 * further arguments.
 */
type Begun = { point?: string; aheadMs?: number; more?: string[] };

/** A project folder on which services live and die; `close` ends whoever is left. */
export const openProject = async (pipelines: Record<string, string>) => {
  const dir = await projectWith(pipelines);
  const services: Doomed[] = [];
  /** Resolves when the service answers with state, or is gone again. */
  const begin = async ({ point = 'none', aheadMs = 0, more = [] }: Begun = {}): Promise<Doomed> => {
    const data = join(dir, 'data');
    const folders = ['--data-dir', data, '--pipelines', join(dir, 'pipelines'), ...more];
    const child = spawn(process.execPath, [program, '--port', '0', '--ballast', '0', ...folders], {
      env: { ...baseEnv, CRASH_POINT: point, CLOCK_AHEAD_MS: String(aheadMs) },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const service: Doomed = { process: child, url: '', gone, log: '' };
    services.push(service);
    child.stderr?.on('data', (chunk) => {
      service.log += String(chunk);
    });
    let out = '';
    child.stdout?.on('data', (chunk) => {
      out += String(chunk);
      const line = out.split('\n').find((one) => one.includes('listening'));
      if (line) service.url = (JSON.parse(line) as { url: string }).url;
    });
    await until(() => service.url !== '' || child.exitCode !== null || child.signalCode !== null);
    return service;
  };
  const get = async <T>(service: Doomed, path: string): Promise<T> =>
    (await fetch(new URL(path, service.url))).json() as Promise<T>;
  const post = (service: Doomed, path: string, body = {}) =>
    fetch(new URL(path, service.url), {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
  const run = (service: Doomed, id: string) => get<Status>(service, `/api/runs/${id}`);
  const events = async (service: Doomed, id: string) =>
    (await get<{ items: JournalEvent[] }>(service, `/api/events?run_id=${id}&after=0&limit=1000`))
      .items;
  return {
    dir,
    begin,
    get,
    post,
    run,
    events,
    start: async (service: Doomed, pipeline: string): Promise<string> =>
      ((await (await post(service, `/api/pipelines/${pipeline}/runs`)).json()) as Status)
        .run_id as string,
    command: (service: Doomed, id: string, type: string, more = {}) =>
      post(service, `/api/runs/${id}/commands`, { type, ...more }),
    is: (service: Doomed, id: string, holds: (status: Status) => boolean) =>
      until(async () => {
        const now = await run(service, id);
        return holds(now) ? now : null;
      }),
    ended: (service: Doomed, id: string) =>
      until(async () => {
        const now = await run(service, id);
        return finals.includes(now.state) ? now : null;
      }),
    kill: async (service: Doomed): Promise<void> => {
      service.process.kill('SIGKILL');
      await service.gone;
    },
    lines: async (name: string) =>
      (await readFile(join(dir, name), 'utf8').catch(() => '')).split('\n').filter(Boolean),
    /** What the first attempt of a stage has printed, whether a service looks or not. */
    logOf: (id: string, stage: string) =>
      readFile(join(dir, 'data/runs', id, stage, '1', 'stdout.log'), 'utf8').catch(() => ''),
    /** Processes of stages: whatever works in this project's data directory. */
    stageProcesses: (): string[] =>
      readdirSync('/proc').flatMap((name) => {
        try {
          const environ = readFileSync(`/proc/${name}/environ`, 'latin1');
          return environ.includes(`STAGEWRIGHT_WORKSPACE=${dir}`) ? [name] : [];
        } catch {
          return [];
        }
      }),
    close: async (): Promise<void> => {
      for (const service of services) {
        // A frozen one is ended as well.
        service.process.kill('SIGKILL');
        await service.gone;
      }
      await rm(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
    },
  };
};
