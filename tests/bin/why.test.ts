import { rm } from 'node:fs/promises';
import type { Why } from '../../wire/why-answer.ts';
import { type Served, serve, stagewright } from '../support/serve.ts';
import { projectWith } from '../support/service.ts';
import { until } from '../support/until.ts';

let dir: string;
let service: Served | null = null;
afterEach(async () => {
  if (service?.child.exitCode === null && service.child.signalCode === null) await service.end();
  await rm(dir, { recursive: true, force: true });
});
const file =
  'name: p\ntimezone: America/Chicago\nstages:\n  - { name: work, run: ["true"] }\nschedules:\n  - { cron: "30 3 1 1 *" }\n';

test('why: a person reads the reason first, then what else is known and what to do; a program reads JSON', async () => {
  dir = await projectWith({ 'p.yaml': file });
  service = await serve(dir);
  const asked = (...more: string[]) =>
    stagewright(['why', 'p', ...more, '--url', (service as Served).url]);
  const said = await asked('--at', '2001-05-07 17:30');
  const lines = said.out.split('\n');
  expect([said.code, lines[0]]).toEqual([0, 'p, 17:30 on 2001-05-07 in America/Chicago']);
  expect(lines[1]).toContain(
    'schedule p (cron "30 3 1 1 *", America/Chicago) has no slot at 2001-05-07 17:30',
  );
  expect(said.out).toContain('  → stagewright schedules preview p shows when it is due');
  const json = JSON.parse((await asked('--json')).out) as Why;
  expect([json.asked, json.facts[0]?.code]).toEqual([null, 'not-due']);

  const wrong = await asked('--at', 'noonish');
  expect([wrong.code, wrong.err]).toEqual([
    2,
    expect.stringContaining('expected a time such as 17:30'),
  ]);
  expect((await stagewright(['why'])).err).toContain('why: name a pipeline');
});

test('a service that was cut off is known to have been away from what it wrote last until the next one came', async () => {
  dir = await projectWith({ 'p.yaml': file });
  service = await serve(dir);
  await service.post('/api/schedules/pause');
  await service.end('SIGKILL');
  const killed = Date.now() + 1;
  await until(async () => Date.now() > killed);
  service = await serve(dir);
  const at = new Date(killed).toISOString();
  const { facts } = await service.get<Why>(`/api/pipelines/p/why?at=${at}`);
  const away = facts.find(({ code }) => code === 'service-away');
  expect(away?.text).toMatch(
    /^no service ran then: it was cut off, and wrote last at .* and came back at /,
  );
  const now = await service.get<Why>(`/api/pipelines/p/why?at=${new Date().toISOString()}`);
  expect(now.facts.map(({ code }) => code)).not.toContain('service-away');
});
