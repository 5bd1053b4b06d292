import { createWebSocketReceiver } from '@statelyai/inspect';
import type { InspectionFrame } from '../../wire/inspection.ts';
import { serveHttp } from '../support/http.ts';
import { ended, startRequest } from '../support/service.ts';
import { until } from '../support/until.ts';

test('try', async () => {
  const on = await serveHttp({
    pipelines: {
      'p.yaml': `
name: p
stages:
  - { name: first, run: [sh, -c, 'test -f flag || { touch flag; exit 3; }'], retry: { limit: 2, backoff: { initial: 10ms } } }
  - { name: second, run: [sh, -c, 'true'] }
`,
    },
  });
  const early: InspectionFrame[] = [];
  createWebSocketReceiver({ server: `${on.url.replace('http', 'ws')}/ws/inspect` }).subscribe((e) =>
    early.push(e as unknown as InspectionFrame),
  );
  await until(async () => /stagewright_inspectors 1/.test((await on.ask('GET', '/metrics')).text));
  const { status } = await on.orchestrator.start(startRequest('p'));
  await ended(on.orchestrator, status.run_id as string);
  const late: InspectionFrame[] = [];
  createWebSocketReceiver({
    server: `${on.url.replace('http', 'ws')}/ws/inspect/${status.run_id}`,
  }).subscribe((e) => late.push(e as unknown as InspectionFrame));
  await until(() => late.length >= early.length && late.length > 0);
  for (const f of late) {
    const text = JSON.stringify({ ...f, definition: undefined });
    console.log(text.slice(0, 900));
  }
  expect(late).toEqual(early);
  console.log(late.length, JSON.stringify(late).length);
  await on.close();
});
