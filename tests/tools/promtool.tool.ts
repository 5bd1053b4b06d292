import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serve } from '../support/serve.ts';
import type { Tool } from './run-tools.ts';

const cwd = fileURLToPath(new URL('../../ops/monitoring', import.meta.url));
/** A gauge of two quantiles: nothing there could be summed. */
const known =
  'stagewright_event_loop_lag_seconds non-summary metrics should not have "quantile" label';
const run = (program: string, args: string[], input?: string): void => {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    input,
    encoding: 'utf8',
  });
  if (error) throw error;
  const said = `${stdout}${stderr}`;
  const more = said.split('\n').filter((line) => line !== '' && line !== known);
  // 3 = the format holds and something is unusual.
  if (status !== 0 && !(status === 3 && more.length === 0)) throw new Error(said);
};
const settled = ['DONE', 'FAILED'];

/** A service that has run something, as people start it. */
const scrape = async (): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), 'stagewright-promtool-'));
  await mkdir(join(dir, 'pipelines'));
  await writeFile(
    join(dir, 'pipelines/p.yaml'),
    'name: p\nstages:\n  - { name: one, run: ["true"] }\nschedules:\n  - { cron: "0 0 1 1 *" }\n',
  );
  const service = await serve(dir);
  try {
    await service.post('/api/pipelines/p/runs');
    for (;;) {
      const { state } = await service.get<{ state: string }>('/api/pipeline/status?pipeline=p');
      if (settled.includes(state)) break;
    }
    return await (await fetch(new URL('/metrics', service.url))).text();
  } finally {
    await service.end();
    await rm(dir, { recursive: true, force: true });
  }
};

export const tool: Tool = {
  program: 'promtool',
  from: 'Debian: apt-get install prometheus; or name it with PROMTOOL=/path/to/promtool',
  checks: [
    {
      title: 'ops/monitoring/alerts.yaml holds',
      run: (program) => run(program, ['check', 'rules', '--lint-fatal', 'alerts.yaml']),
    },
    {
      title:
        'the alert rules fire when they should, and not when they should not (alerts.test.yaml)',
      run: (program) => run(program, ['test', 'rules', 'alerts.test.yaml']),
    },
    {
      title: 'ops/monitoring/prometheus.yaml holds',
      run: (program) => run(program, ['check', 'config', 'prometheus.yaml']),
    },
    {
      title: 'GET /metrics of a service that ran something is what Prometheus reads',
      run: async (program) => run(program, ['check', 'metrics'], await scrape()),
    },
  ],
};
