import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verifyStore } from '../../../services/backup/verify-store.ts';
import type { Status } from '../../../wire/status.ts';
import { type Served, stagewright } from '../../support/serve.ts';
import { projectWith } from '../../support/service.ts';
import { until } from '../../support/until.ts';

const finals = ['DONE', 'FAILED', 'STOPPED'];
export const pipelines = {
  'quick.yaml':
    'name: quick\nstages:\n  - { name: one, run: ["sh", "-c", "echo said by one; echo kept > $STAGEWRIGHT_WORKSPACE/note"] }\n',
  // Works until its file is there.
  'held.yaml': `name: held
stages:
  - { name: first, run: ["true"] }
  - { name: wait, run: ["sh", "-c", "until [ -e $STAGEWRIGHT_WORKSPACE/go ]; do sleep 0.05; done"], retry: { limit: 5 } }
`,
};

export const project = (): Promise<string> => projectWith(pipelines);
/** An empty folder for files of backups. */
export const shelf = (): Promise<string> => mkdtemp(join(tmpdir(), 'stagewright-shelf-'));

export const start = async (service: Served, pipeline: string): Promise<string> =>
  ((await (await service.post(`/api/pipelines/${pipeline}/runs`)).json()) as Status)
    .run_id as string;
export const isAt = (service: Served, id: string, holds: (status: Status) => boolean) =>
  until(async () => {
    const status = await service.get<Status>(`/api/runs/${id}`);
    return holds(status) ? status : null;
  });
export const ended = (service: Served, id: string): Promise<Status> =>
  isAt(service, id, ({ state }) => finals.includes(state));
export const runIds = async (service: Served): Promise<string[]> =>
  (await service.get<{ items: Status[] }>('/api/runs?limit=200')).items
    .map(({ run_id }) => run_id as string)
    .toSorted();

/** @throws with what was said, when it was refused */
export const done = async (args: string[]): Promise<string> => {
  const { code, out, err } = await stagewright(args);
  if (code !== 0) throw new Error(`${args[0]}: ${code} ${err}`);
  return out;
};
export const faults = async (dataDir: string): Promise<string[]> =>
  (await verifyStore(dataDir)).findings
    .filter(({ level }) => level === 'fault')
    .map(({ detail }) => detail);
