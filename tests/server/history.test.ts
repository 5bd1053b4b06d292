import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { serveHttp } from '../support/http.ts';
import { ended, projectWith, runService, startRequest } from '../support/service.ts';

test('S47: with a thousand archived runs the service is healthy at once, and the first snapshot holds only what lives and what was last', async () => {
  const dir = await projectWith({
    'a.yaml': 'name: a\nstages:\n  - { name: one, run: ["true"] }\n',
  });
  const before = await runService({ dir });
  const { status } = await before.orchestrator.start(startRequest('a'));
  await ended(before.orchestrator, status.run_id as string);
  await before.close();
  const db = new DatabaseSync(join(dir, 'data/stagewright.sqlite'));
  db.exec('BEGIN');
  const copy = db.prepare(
    `INSERT INTO runs SELECT ?1, pipeline, ?2, chart, definition, spec, version, ledger_n, 0, snapshot, projection, state, progress,
     created_at, updated_at, ended_at, 1 FROM runs WHERE run_id = ?3`,
  );
  for (let index = 0; index < 1000; index += 1)
    copy.run(`r_7${String(index).padStart(25, '0')}`, 2 + index, status.run_id);
  db.exec('COMMIT');
  db.close();
  const archived = (await readdir(join(dir, 'data/archive'))).length;

  const served = await serveHttp({ dir });
  expect((await served.ask('GET', '/api/health')).json.status).toBe('ok');
  const socket = new WebSocket(`${served.url.replace('http', 'ws')}/ws/events?v=1`);
  const frame = await new Promise<string>((resolve) =>
    socket.addEventListener('message', ({ data }) => resolve(String(data)), { once: true }),
  );
  const snapshot = JSON.parse(frame);
  expect(snapshot.data.runs.map(({ number }: { number: number }) => number)).toEqual([1001]);
  expect(frame.length).toBeLessThan(256 * 1024);
  // Nothing was written for the old ones either: the archive is as it was.
  expect((await readdir(join(dir, 'data/archive'))).length).toBe(archived);
  socket.close();
  await served.close();
});
