import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { type Served, serveHttp } from '../support/http.ts';
import { ended, eventually, startRequest } from '../support/service.ts';
import { axe } from './axe.ts';
import { launchBrowser, visit, type Watched } from './browser.ts';

const script = (name: string, text: string, more = ''): string =>
  `name: ${name}\ntitle: ${name} title\n${more}stages:\n  - { name: one, run: [sh, -c, ${JSON.stringify(text)}] }\n`;
const pipelines = {
  'good.yaml': script('good', 'echo hi'),
  'slow.yaml': `name: slow\nstages:\n  - { name: wait, grace: 200ms, run: ["sleep", "60"] }\n`,
  'held.yaml': script('held', 'exit 3', 'on_failures: { pause_after: 2 }\n'),
  'bad.yaml': script('bad', 'echo broken >&2; exit 3'),
  'again.yaml': `name: again
stages:
  - name: one
    run: [sh, -c, 'until [ -e go ]; do sleep 0.02; done; [ "$STAGEWRIGHT_ATTEMPT" -gt 1 ]']
    retry: { limit: 1, backoff: { initial: 50s, jitter: 0 } }
`,
  'asks.yaml': script(
    'asks',
    'true',
    'params:\n  count: { type: integer, default: 3 }\n  day: { type: string, format: date, default: "2020-01-01" }\n  words: { type: array, items: { type: string }, default: [] }\n  mode: { type: string, enum: [a, b], default: a }\n  deep: { type: object, default: {} }\n',
  ),
};

let browser: Browser;
let served: Served;
let watched: Watched;
let page: Page;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());
beforeEach(async () => {
  served = await serveHttp({ pipelines, defaultPipeline: 'good' });
  watched = await visit(browser, served.url);
  page = watched.page;
});
afterEach(async () => {
  await watched.context.close();
  await served.close();
});
/** A view that is drawn and live. */
const open = async (path: string): Promise<void> => {
  await page.goto(path);
  await page.getByText('Live', { exact: true }).waitFor();
};
const row = (title: string) =>
  page.locator('.row').filter({ has: page.getByRole('heading', { name: title, exact: true }) });

test('a first visit to a service where nothing ran shows three steps, and the start of the default pipeline leads to its run', async () => {
  await open('/');
  await page.getByRole('heading', { name: 'Ready for a first run' }).waitFor();
  expect(await page.locator('.steps > li').count()).toBe(3);
  expect(await axe(page)).toEqual([]);
  await page.getByRole('button', { name: 'Start good title', exact: true }).first().click();
  await page.getByRole('dialog').getByRole('button', { name: 'Start', exact: true }).click();
  await page.waitForURL(/\/runs\/r_/);
  const { items } = (await served.ask('GET', '/api/runs')).json;
  expect(items.map(({ pipeline, trigger }: Record<string, string>) => [pipeline, trigger])).toEqual(
    [['good', 'manual']],
  );
  expect(page.url()).toContain(items[0].run_id);
  expect(watched.faults).toEqual([]);
});

test('pressing Start twice in the dialog is one run, and a run that is live is announced as a refusal before it is one', async () => {
  await open('/');
  const start = async (): Promise<void> => {
    await page.keyboard.press('n');
    await page.getByLabel('Pipeline').selectOption('slow');
  };
  await start();
  await page.getByRole('dialog').getByRole('button', { name: 'Start', exact: true }).dblclick();
  await page.waitForURL(/\/runs\/r_/);
  expect((await served.ask('GET', '/api/runs')).json.items).toHaveLength(1);
  await start();
  await page.getByText(/will refuse this start until run 1 ends/).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Start', exact: true }).click();
  const problem = page.getByRole('alert');
  await problem.getByText('already-running').waitFor();
  expect(await problem.textContent()).toMatch(/request [0-9a-f-]{36}/);
});

test('a parameter that does not fit is named at its field, and the values are sent as their types', async () => {
  await open('/');
  await page.keyboard.press('n');
  await page.getByLabel('Pipeline').selectOption('asks');
  await page.getByLabel('count').fill('1.5');
  await page.getByLabel('deep').fill('{"a": 1');
  const dialog = page.getByRole('dialog');
  const press = () => dialog.getByRole('button', { name: 'Start', exact: true }).click();
  // Not JSON: known here, without asking.
  await dialog.locator('form').evaluate((form: HTMLFormElement) => {
    form.noValidate = true;
  });
  await press();
  await dialog.getByText('is not valid JSON').waitFor();
  await page.getByLabel('deep').fill('{"a": 1}');
  await press();
  await dialog.locator('.field-error').first().waitFor();
  expect(await page.getByLabel('count').getAttribute('aria-invalid')).toBe('true');
  await page.getByLabel('count').fill('7');
  await page.getByLabel('words').fill('x\ny\n');
  await page.getByLabel('mode').selectOption('"b"');
  await press();
  await page.waitForURL(/\/runs\/r_/);
  const { items } = (await served.ask('GET', '/api/runs')).json;
  expect(items[0].params).toEqual({
    count: 7,
    day: '2020-01-01',
    words: ['x', 'y'],
    mode: 'b',
    deep: { a: 1 },
  });
});

test('a retry is seen as it happens: the backoff counts down, then the run is done', async () => {
  await open('/');
  await row('again').getByRole('button', { name: 'Start again' }).waitFor();
  const { status } = await served.orchestrator.start(startRequest('again'));
  await row('again').getByText('Running one').waitFor();
  await writeFile(join(served.dir, 'go'), '');
  await row('again').getByText('Retrying', { exact: true }).waitFor();
  await row('again')
    .getByText(/retry in \d+ s/)
    .waitFor();
  // The wait is the test's: it ends when the page has been seen.
  await served.orchestrator.command(status.run_id as string, {
    command: { type: 'RETRY_NOW' },
    actor: { kind: 'user', name: 'test' },
    ifVersion: null,
    idempotency: null,
  });
  await row('again').getByText('Done', { exact: true }).waitFor();
  await ended(served.orchestrator, status.run_id as string);
  // The list is asked for again when the journal says that a run has ended.
  await row('again').locator('.barcode a').first().waitFor();
  expect(await row('again').locator('.barcode a').count()).toBe(1);
  expect(watched.faults).toEqual([]);
});

test('stop asks for a reason, stops, and the reason stands in the ledger', async () => {
  const { status } = await served.orchestrator.start(startRequest('slow'));
  await open('/');
  await row('slow').getByRole('button', { name: 'Stop slow' }).click();
  await page.getByLabel('Reason').fill('wrong day');
  await page.getByRole('dialog').getByRole('button', { name: 'Stop' }).click();
  await row('slow').getByText('Stopped', { exact: true }).waitFor();
  const { items } = (await served.ask('GET', `/api/runs/${status.run_id}/transitions`)).json;
  expect(JSON.stringify(items)).toContain('wrong day');
  expect(await row('slow').getByRole('button', { name: 'Start slow' }).isEnabled()).toBe(true);
});

test('S17: a run that fails within a second leaves every button usable and the error visible, until it is acknowledged', async () => {
  await open('/');
  const { status } = await served.orchestrator.start(startRequest('bad'));
  await ended(served.orchestrator, status.run_id as string);
  await page.getByRole('link', { name: 'bad title failed in one' }).waitFor();
  await row('bad title').getByText('ended with exit code 3').waitFor();
  for (const button of await page.getByRole('button').all())
    expect(await button.isEnabled()).toBe(true);
  await page.getByRole('button', { name: 'Acknowledge' }).click();
  await row('bad title').getByText('Idle').waitFor();
  expect(await page.getByRole('link', { name: 'bad title failed in one' }).count()).toBe(0);
});

test('a pipeline that failures hold back says so, and goes on once it is said what was done about them', async () => {
  for (let times = 0; times < 2; times += 1)
    await ended(
      served.orchestrator,
      (await served.orchestrator.start(startRequest('held'))).status.run_id as string,
    );
  await open('/');
  await page.getByText('held title: automatic runs are held back').waitFor();
  await page
    .getByLabel('What was done about the failures of held title')
    .fill('the disk is larger now');
  await page.getByRole('button', { name: 'Let it go on' }).click();
  await page.getByText('held title is no longer held back').waitFor();
  const { policy } = (await served.ask('GET', '/api/pipelines/held')).json;
  expect(policy).toMatchObject({
    blocked: false,
    acknowledged: { by: 'dashboard', reason: 'the disk is larger now' },
  });
});

test('S16: the page, the status and the stream agree, and a late answer cannot bring back an older state', async () => {
  const { status } = await served.orchestrator.start(startRequest('slow'));
  const release = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  // The answer is of now, and arrives when it is old.
  await page.route(/\/api\/runs\?/, async (route) => {
    const answer = await route.fetch();
    asked.resolve();
    await release.promise;
    await route.fulfill({ response: answer });
  });
  await open('/runs');
  await asked.promise;
  await served.ask('POST', '/api/pipeline/stop?pipeline=slow', { body: '{}' });
  await ended(served.orchestrator, status.run_id as string);
  const head = await eventually(
    served.orchestrator,
    async () => (await served.orchestrator.status('slow')).state === 'STOPPED' && true,
  );
  expect(head).toBe(true);
  release.resolve();
  await page.locator('.runs').getByText('Stopped', { exact: true }).waitFor();
  expect(await page.locator('.runs').getByText('Running').count()).toBe(0);
});

test('filters stand in the address: a link shows the same, and Back leaves the view', async () => {
  for (const name of ['good', 'bad', 'good'])
    await ended(
      served.orchestrator,
      (await served.orchestrator.start(startRequest(name))).status.run_id as string,
    );
  await open('/');
  await page.getByRole('link', { name: 'Runs', exact: true }).click();
  await page.getByRole('row').nth(3).waitFor();
  await page.getByLabel('State').selectOption('FAILED');
  await page.waitForURL(/state=FAILED/);
  const rows = page.locator('.runs tbody tr');
  await rows.getByText('Failed').waitFor();
  expect(await rows.count()).toBe(1);
  const link = page.url();
  await page.getByLabel('Search').fill('nothing like it');
  await page.getByText('No run matches these filters.').waitFor();
  await page.goBack();
  await page
    .getByRole('heading', { name: /pipelines|failed/ })
    .first()
    .waitFor();
  await open(link);
  await rows.getByText('Failed').waitFor();
  expect([await rows.count(), await page.getByLabel('State').inputValue()]).toEqual([1, 'FAILED']);
});

test('the duration of runs is a plot, and the same figures are a table', async () => {
  for (let index = 0; index < 3; index += 1)
    await ended(
      served.orchestrator,
      (await served.orchestrator.start(startRequest('good'))).status.run_id as string,
    );
  await open('/runs?pipeline=good');
  await page.locator('.trend-plot canvas').waitFor();
  await page.getByRole('radio', { name: 'Table' }).check();
  await page.waitForURL(/view=table/);
  expect(await page.getByRole('region', { name: 'Durations' }).getByRole('row').count()).toBe(4);
  expect(watched.faults).toEqual([]);
});

test('everything is reached by keys alone: the sheet names them, g goes, the palette finds, and Escape gives the focus back', async () => {
  await served.orchestrator.start(startRequest('slow'));
  await open('/');
  await page.getByRole('heading', { level: 1 }).waitFor();
  await page.keyboard.press('?');
  const sheet = page.getByRole('dialog', { name: 'Keys' });
  await sheet.getByText('Go to').waitFor();
  await page.keyboard.press('Escape');
  await sheet.waitFor({ state: 'detached' });
  await page.keyboard.press('g');
  await page.keyboard.press('h');
  await page.getByRole('heading', { name: 'Health' }).waitFor();
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Find or do' }).waitFor();
  await page.keyboard.type('stop slow');
  await page.getByRole('option', { name: 'Stop slow, run 1' }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'Stop: slow, run 1' }).waitFor();
  expect(await page.evaluate(() => (document.activeElement as HTMLInputElement).type)).toBe('text');
});

test('a command that is not possible stands in the palette with the reason of the service', async () => {
  await ended(
    served.orchestrator,
    (await served.orchestrator.start(startRequest('good'))).status.run_id as string,
  );
  await open('/');
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').fill('stop good');
  const option = page.getByRole('option', { name: /Stop good title, run 1/ });
  await option.waitFor();
  expect([await option.getAttribute('aria-disabled'), await option.textContent()]).toEqual([
    'true',
    expect.stringContaining('DONE'),
  ]);
});

test('a chosen theme stays, also over a reload, and system follows the system again', async () => {
  await open('/');
  const ground = () =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const dark = await ground();
  await page.keyboard.press('t');
  const light = await ground();
  expect(light).not.toBe(dark);
  await page.reload();
  expect(await ground()).toBe(light);
  await page.getByRole('button', { name: 'Theme: light' }).click();
  await page.getByRole('button', { name: 'Theme: dark' }).click();
  await page.getByRole('button', { name: 'Theme: system' }).waitFor();
  expect(await ground()).toBe(dark);
});
