import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import {
  type AsyncApiDocument,
  hostileAddresses,
  hostileRequests,
  type OpenApiDocument,
} from '../support/hostile-input.ts';
import { spawnService } from '../support/spawned.ts';
import { until } from '../support/until.ts';

const pipeline = `name: a
concurrency: { key: a, on_conflict: queue, queue: { max: 2 } }
params:
  list: { type: array, default: [] }
  any: { type: object, default: {} }
stages:
  - { name: one, run: ["echo", "hi"] }
schedules:
  - { id: s, cron: "0 0 * * *" }
`;
let service: Awaited<ReturnType<typeof spawnService>>;
let fill: Record<string, string>;
beforeAll(async () => {
  service = await spawnService({ 'a.yaml': pipeline });
  const started = await fetch(`${service.url}/api/pipelines/a/runs`, { method: 'POST' });
  const { run_id } = (await started.json()) as { run_id: string };
  const state = async () =>
    ((await (await fetch(`${service.url}/api/runs/${run_id}`)).json()) as { state: string }).state;
  await until(async () => (await state()) === 'DONE');
  fill = { name: 'a', stage: 'one', attempt: '1', version: '1', run_id };
});
afterAll(() => service.end());

/** CPU time of the thread of a process's event loop, in milliseconds (proc(5): ticks of 10 ms). */
const loopMs = (pid: number): number => {
  const text = readFileSync(`/proc/${pid}/task/${pid}/stat`, 'utf8');
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
};
const ruler =
  '(() => { const b = process.cpuUsage(); let s = 0; for (let i = 0; i < 2e8; i++) s = (Math.imul(s, 31) + i) | 0; const c = process.cpuUsage(b); console.log((c.user + c.system) / 1000, s); })()';
/**
 * What 200 ms of an idle core of 2024 are here and now: the loop is the ruler, so that a slow or
 * busy machine measures with a longer one. In a process of its own: in a test's sandbox each look
 * at a global is slow. The least of five: now and then the compiler leaves it slow.
 */
const calibration = (): number =>
  Math.min(
    ...Array.from({ length: 5 }, () =>
      Number(execFileSync(process.execPath, ['-e', ruler]).toString().split(' ')[0]),
    ),
  );
// A connection that idles while the ruler is made would be closed.
const agent = new Agent({ keepAlive: false });
const send = (one: { method: string; path: string; body: string | null; headers: object }) =>
  new Promise<void>((resolve, reject) => {
    const { port } = new URL(service.url);
    const headers = {
      ...(one.body !== null && { 'Content-Type': 'application/json' }),
      ...one.headers,
    };
    const sent = request({ agent, port, method: one.method, path: one.path, headers }, (answer) => {
      answer.resume();
      answer.on('end', resolve);
    });
    sent.on('error', reject);
    sent.end(one.body ?? undefined);
  });

/**
 * What the work cost the loop, in lengths of the ruler. Where it seems too much it is measured
 * again, with a ruler of that moment: others work on this machine, too.
 */
const cost = async (rulerMs: number, work: () => Promise<unknown>): Promise<number> => {
  let least = Number.POSITIVE_INFINITY;
  for (let time = 0; time < 4 && least > 1; time += 1) {
    const nowMs = time === 0 ? rulerMs : calibration();
    const before = loopMs(service.pid);
    await work();
    least = Math.min(least, (loopMs(service.pid) - before) / nowMs);
  }
  return least;
};

test('no input of a MiB to any route holds the loop for more than 200 ms of CPU', async () => {
  const document = (await (await fetch(`${service.url}/openapi.json`)).json()) as OpenApiDocument;
  const rulerMs = calibration();
  const slow: string[] = [];
  let sent = 0;
  let most = 0;
  for (const [path, methods] of Object.entries(document.paths)) {
    const given = { ...fill, id: path.startsWith('/api/runs') ? (fill.run_id as string) : 's' };
    for (const one of hostileRequests({ paths: { [path]: methods } }, given)) {
      const rulers = await cost(rulerMs, () => send(one));
      sent += 1;
      most = Math.max(most, rulers);
      if (rulers > 1)
        slow.push(
          `${rulers}: ${one.operation} ${one.path.slice(0, 120)} ${one.body?.slice(0, 80)}`,
        );
    }
  }
  process.stdout.write(
    `${sent} requests, at most ${most.toFixed(2)} of 200 ms each (${rulerMs} ms here)\n`,
  );
  expect(slow).toEqual([]);
});

test('no address of any socket holds the loop for more than 200 ms of CPU, nor do the events that follow', async () => {
  const document = (await (await fetch(`${service.url}/asyncapi.json`)).json()) as AsyncApiDocument;
  const rulerMs = calibration();
  const slow: string[] = [];
  for (const path of hostileAddresses(document, fill)) {
    const rulers = await cost(rulerMs, async () => {
      const socket = new WebSocket(`${service.url.replace('http', 'ws')}${path}`);
      await new Promise((resolve) => {
        for (const event of ['message', 'close', 'error']) socket.addEventListener(event, resolve);
      });
      // An event that every filter must judge.
      await send({
        method: 'POST',
        path: '/api/pipeline/reset?pipeline=a',
        body: '{}',
        headers: {},
      });
      socket.close();
    });
    if (rulers > 1) slow.push(`${rulers}: ${path.slice(0, 200)}`);
  }
  expect(slow).toEqual([]);
});
