import { readdirSync, readFileSync, statSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { piecesOf } from '../../support/encodings.ts';
import { type Served, serveHttp } from '../../support/http.ts';
import { look } from '../../support/inspector.ts';
import { ended, eventually, projectWith, startRequest } from '../../support/service.ts';

const stage = fileURLToPath(new URL('../../support/leaking-stage.ts', import.meta.url));
const pipeline = (name: string) => [
  `${name}.json`,
  JSON.stringify({
    name,
    secrets: ['LONG', 'DIGITS', 'LINES', 'ROTATED'],
    stages: [{ name: 'tells', run: [process.execPath, '--no-warnings', stage, name] }],
  }),
];
const env = {
  LONG: 'Zq7/kP+x"Wm\\4 vT&e~b9!yR=c2%h@L$u8#s[d]K',
  DIGITS: '8675309001234',
  LINES: 'first-line-of-it-A1?x\nsecond-line/B2+with-more\nlast-line-C3-goes-here',
};
const rotated = ['rotated-away-value-0001', 'the-value-that-is-valid-now-0002'];
const pieces = new Set([...Object.values(env), ...rotated].flatMap(piecesOf));
const [length] = [...pieces].map((piece) => piece.length);

/** Where a piece of a secret stands in any of these. */
const leaks = (places: Record<string, string>): string[] =>
  Object.entries(places).flatMap(([place, text]) => {
    for (let at = 0; at + (length ?? 0) <= text.length; at += 1)
      if (pieces.has(text.slice(at, at + (length ?? 0))))
        return [`${place}: ${text.slice(Math.max(0, at - 40), at + 40)}`];
    return [];
  });
const filesBelow = (dir: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(dir, { recursive: true, encoding: 'utf8' })
      .map((name) => join(dir, name))
      .filter((path) => statSync(path).isFile())
      .map((path) => [path, readFileSync(path, 'latin1')]),
  );

let dir: string;
let on: Served;
const logged: string[] = [];
const serve = async (values: Record<string, string>): Promise<void> => {
  const log = (...said: unknown[]) => void logged.push(JSON.stringify(said));
  const logger = { debug: log, info: log, warn: log, error: log, close: async () => {} };
  on = await serveHttp({ dir, env: values, parts: () => ({ logger }) });
};
beforeEach(async () => {
  dir = await projectWith(Object.fromEntries(['tells', 'waits', 'fails'].map(pipeline)));
  await writeFile(join(dir, 'rotated'), rotated[0] as string);
});
afterEach(async () => {
  await on.close();
  await rm(dir, { recursive: true });
});

/** All that anybody is told of a run. */
const toldOf = async (id: string): Promise<Record<string, string>> => {
  const run = await on.orchestrator.run(id);
  const versions = Array.from({ length: run.version + 1 }, (_, version) => version);
  const paths = [
    `/api/runs/${id}`,
    `/api/runs/${id}/transitions?limit=1000`,
    `/api/events?run_id=${id}&after=0&limit=1000`,
    '/api/runs',
    '/api/pipelines',
    `/api/pipelines/${run.pipeline}`,
    `/api/pipeline/status?pipeline=${run.pipeline}`,
    `/api/pipeline/snapshot?pipeline=${run.pipeline}`,
    '/api/health',
    '/metrics',
  ];
  const answers = await Promise.all(paths.map((path) => on.ask('GET', path)));
  expect(answers.map(({ status }, index) => [paths[index], status])).toEqual(
    paths.map((path) => [path, 200]),
  );
  const texts = answers.map(({ text }, index) => [paths[index] as string, text] as const);
  const told: Record<string, string> = Object.fromEntries(texts);
  for (const version of versions)
    told[`version ${version}`] = JSON.stringify(
      await on.orchestrator.snapshotAt(id, version).catch(() => null),
    );
  if (run.ended_at !== null) {
    const inspected = look(on.url, `/ws/inspect/${id}`);
    expect((await inspected.closed).code).toBe(1000);
    told.inspected = JSON.stringify(inspected.frames);
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    const place = { stage: 'tells', attempt: 1 };
    const size = (await on.orchestrator.logSize(id, place, stream)) ?? 0;
    for (const step of [997, 65_536, 300_000])
      for (let offset = 0; offset < size; offset += step) {
        const part = await on.orchestrator.logPart(id, place, stream, { offset, limit: step });
        told[`${stream} ${offset}+${step}`] = part?.bytes.toString('latin1') ?? '';
      }
    const whole = `/api/runs/${id}/logs/tells/1?stream=${stream}`;
    for (const query of ['tail=5000', 'from_line=1&lines=1000', 'q=x%3D', 'q=err', 'q=y'])
      told[`${stream} ${query}`] = (await on.ask('GET', `${whole}&${query}`)).text;
    for (const text of [...Object.values(env), ...rotated]) {
      const q = encodeURIComponent((text.split('\n')[0] as string).slice(0, 6));
      const found = (await on.ask('GET', `${whole}&q=${q}`)).json;
      expect([stream, q, found.matches]).toEqual([stream, q, []]);
    }
  }
  return told;
};
const listen = (path: string) => {
  const socket = new WebSocket(`${on.url.replace('http', 'ws')}${path}`);
  const heard: string[] = [];
  socket.addEventListener('message', ({ data }) => heard.push(String(data)));
  return { heard, close: () => socket.close() };
};
const start = async (name: string): Promise<string> =>
  (await on.orchestrator.start(startRequest(name))).status.run_id as string;

test('secrets of forty characters, of digits, of several lines and rotated ones, in thirteen encodings and at every edge, leave the process nowhere', async () => {
  const values = { ...env, ROTATED_FILE: join(dir, 'rotated') };
  await serve(values);
  const events = listen('/ws/events?v=1');
  const inspector = listen('/ws/inspect');
  const waits = await start('waits');
  const logs = listen(`/ws/logs/${waits}?tail=1000000`);
  await eventually(on.orchestrator, async () =>
    (await on.orchestrator.run(waits)).progress?.note?.startsWith('last'),
  );
  const logsLater = listen(`/ws/logs/${waits}?tail=1000000`);
  // Rotated under a stage that was given the old value, and prints on.
  await writeFile(join(dir, 'rotated'), rotated[1] as string);
  expect(leaks(await toldOf(waits))).toEqual([]);
  await eventually(on.orchestrator, async () => events.heard.join('').includes('last ***'));
  await writeFile(join(dir, 'go'), '');
  const done = await ended(on.orchestrator, waits);
  expect(done).toMatchObject({ state: 'DONE', outcome: 'partial' });
  expect(done.stages[0]?.outputs).toMatchObject({ n: '***', list: ['***'], file: '***' });
  expect(done.stages[0]?.metrics).toMatchObject({ kept: 1 });
  const fails = await start('fails');
  const failed = await ended(on.orchestrator, fails);
  expect(failed.error?.message).toBe(`${'f'.repeat(1990)}***`);
  expect(failed.error?.stderr_tail).toBe(`***${'e'.repeat(2039)}`);
  const tells = await start('tells');
  await ended(on.orchestrator, tells);

  const told = { ...(await toldOf(waits)), ...(await toldOf(fails)), ...(await toldOf(tells)) };
  expect(leaks(told)).toEqual([]);
  const live = {
    events: events.heard.join('\n'),
    inspector: inspector.heard.join('\n'),
    logs: logs.heard.join('\n'),
    later: logsLater.heard.join('\n'),
  };
  expect(Object.entries(live).filter(([, text]) => text.length < 1000)).toEqual([]);
  const frames = [...logs.heard, ...logsLater.heard].map((frame) => JSON.parse(frame).text ?? '');
  expect(leaks({ ...live, frames: frames.join('') })).toEqual([]);
  for (const { close } of [events, inspector, logs, logsLater]) close();
  await on.close();
  expect(leaks({ log: logged.join('\n') })).toEqual([]);
  expect(leaks(filesBelow(join(dir, 'data')))).toEqual([]);
  expect(readdirSync(join(dir, 'data/unmasked'))).toEqual([]);

  // After a start without any of these values the logs are as they were.
  await serve({ LONG: 'another-1', DIGITS: '1111', LINES: 'another-2', ROTATED: 'another-3' });
  for (const id of [waits, fails, tells]) expect(leaks(await toldOf(id))).toEqual([]);
});
