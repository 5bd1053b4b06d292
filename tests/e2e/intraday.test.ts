import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { serveHttp } from '../support/http.ts';
import { ended, startRequest } from '../support/service.ts';

const shipped = fileURLToPath(new URL('../../pipelines', import.meta.url));

test('the shipped intraday pipeline makes bars, break-outs, month files and a page that the API serves; the second run is noop (S20)', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'stagewright-intraday-'));
  await cp(shipped, join(dir, 'pipelines'), { recursive: true });
  const served = await serveHttp({ dir });
  const { orchestrator, ask, close } = served;
  try {
    const params = { instruments: ['ES', 'CL'], days: 12 };
    const begin = async () =>
      (await orchestrator.start({ ...startRequest('intraday'), params })).status.run_id as string;
    const id = await begin();
    const first = await ended(orchestrator, id);
    expect([first.error, first.state, first.outcome]).toEqual([null, 'DONE', 'success']);

    const merged = join(dir, 'data/intraday/merged');
    const files = (await readdir(merged, { recursive: true })).filter((name) =>
      name.endsWith('.parquet'),
    );
    expect(files.toSorted()).toEqual(
      ['CL/S1', 'CL/S2', 'ES/S1', 'ES/S2'].map((folder) => `${folder}/2025-01.parquet`),
    );
    const rows = (
      await Promise.all(
        files.map(async (name) =>
          parquetReadObjects({ file: await asyncBufferFromFile(join(merged, name)) }),
        ),
      )
    ).flat();
    const keys = rows.map(
      ({ date, slot, session, instrument }) =>
        `${new Date(date as Date).toISOString()} ${slot} ${session} ${instrument}`,
    );
    // Monday the 6th to Friday the 17th: ten trading days, seven slots, two instruments.
    expect([keys.length, new Set(keys).size]).toEqual([140, 140]);
    expect(first.stages.find(({ name }) => name === 'merger')?.outputs).toMatchObject({
      rows: 140,
      inserted: 140,
    });

    const { json: run } = await ask('GET', `/api/runs/${id}`);
    expect(run.artefacts).toMatchObject([
      { name: 'report.html', content_type: 'text/html; charset=utf-8', stage: 'report' },
    ]);
    const page = await ask('GET', `/api/runs/${id}/artefacts/report.html`);
    expect([page.status, Buffer.byteLength(page.text)]).toEqual([200, run.artefacts[0].bytes]);
    expect(page.text).toMatch(/<h1>Break-outs of opening ranges<\/h1>/);

    const second = await ended(orchestrator, await begin());
    expect([second.state, second.outcome, second.stages.map(({ state }) => state)]).toEqual([
      'DONE',
      'noop',
      Array(5).fill('skipped'),
    ]);
  } finally {
    await close();
    await rm(dir, { recursive: true });
  }
});
