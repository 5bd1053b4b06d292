import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Served, serveHttp } from '../support/http.ts';
import { until } from '../support/until.ts';

const pipeline = `name: a
stages:
  - name: one
    grace: 100ms
    run: ["sh", "-c", "mkdir -p $STAGEWRIGHT_WORKSPACE/artefacts; for i in 1 2 3; do until [ -e go$i ]; do sleep 0.02; done; echo '::stagewright {\\"progress\\":{\\"done\\":'$i',\\"total\\":50}}'; done; until [ -e go4 ]; do sleep 0.02; done; echo hi > $STAGEWRIGHT_WORKSPACE/artefacts/a.txt; sleep 600"]
`;
let served: Served;
beforeEach(async () => {
  served = await serveHttp({ pipelines: { 'a.yaml': pipeline } });
});
afterEach(() => served.close());
const go = (step: number) => writeFile(join(served.dir, `go${step}`), '');
const get = (path: string, headers = {}) => served.ask('GET', path, { headers });
const started = async (): Promise<string> => {
  const id = (await served.ask('POST', '/api/pipelines/a/runs')).json.run_id as string;
  await until(async () => (await get(`/api/runs/${id}`)).json.state === 'RUNNING_ONE');
  return id;
};

test('SEC-10: the ETag changes with progress and artefacts at the same version, so nobody is told 304 while they move', async () => {
  const path = `/api/runs/${await started()}`;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into answers of every shape
  const moves: [step: number, isThere: (run: Record<string, any>) => boolean][] = [
    [1, ({ progress }) => progress?.done === 1],
    [2, ({ progress }) => progress?.done === 2],
    [3, ({ progress }) => progress?.done === 3],
    [4, ({ artefacts }) => artefacts.length === 1],
  ];
  const seen = new Set<string>();
  const versions = new Set<number>();
  let before = (await get(path)).headers.etag as string;
  for (const [step, isThere] of moves) {
    await go(step);
    const fresh = await until(async () => {
      const answer = await get(path, { 'If-None-Match': before });
      return answer.status === 200 && isThere(answer.json) ? answer : null;
    });
    before = fresh.headers.etag as string;
    expect(before).toMatch(new RegExp(`^W/"${fresh.json.version}\\.${fresh.json.as_of_seq}\\.`));
    seen.add(before);
    versions.add(fresh.json.version);
  }
  expect([seen.size, versions.size]).toEqual([4, 1]);
  expect((await get(path, { 'If-None-Match': before })).status).toBe(304);
});

test('SEC-17: If-Match compares the version alone, however it is written; what names another version is 412, what is no tag 400', async () => {
  const id = await started();
  const { headers, json } = await get(`/api/runs/${id}`);
  const version = json.version as number;
  const send = async (header: string) => {
    const answer = await served.ask('POST', `/api/runs/${id}/commands`, {
      body: '{"type":"RESUME"}',
      headers: { 'If-Match': header },
    });
    return [header, answer.status, answer.json.code];
  };
  const etag = headers.etag as string;
  // RESUME is refused by the chart: it was asked, so the version held.
  for (const header of [
    `"${version}"`,
    `W/"${version}"`,
    String(version),
    etag,
    etag.replace('W/', ''),
    `"${version}.1.elsewhere"`,
    `"999", "${version}"`,
    `"abc",${etag}`,
    '*',
  ])
    expect(await send(header)).toEqual([header, 409, 'command-not-allowed']);
  for (const header of ['"999"', '"abc"', '""', '"1234567890"', '"998", "999"', 'W/"999.1.x"'])
    expect(await send(header)).toEqual([header, 412, 'version-moved']);
  for (const header of ['abc', '"1', '1"', '"1" "2"', '1, 2', '-1', '1.5', `"${'1'.repeat(2000)}"`])
    expect(await send(header)).toEqual([header, 400, 'bad-parameter']);
});
