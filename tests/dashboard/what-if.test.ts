import type { Browser, Page } from 'playwright-core';
import { type Served, serveHttp } from '../support/http.ts';
import { ended, startRequest } from '../support/service.ts';
import { until } from '../support/until.ts';
import { launchBrowser, visit, type Watched } from './browser.ts';

const pipelines = {
  'steps.yaml': `name: steps
stages:
  - { name: translator, run: ["true"] }
  - { name: analyzer, run: ["true"], retry: { limit: 2, backoff: { initial: 40s, jitter: 0 } } }
  - { name: merger, run: ["true"] }
`,
};

let browser: Browser;
let served: Served;
let watched: Watched;
let page: Page;
let id: string;
beforeAll(async () => {
  browser = await launchBrowser();
  served = await serveHttp({ pipelines });
  id = (await served.orchestrator.start(startRequest('steps'))).status.run_id as string;
  await ended(served.orchestrator, id);
});
afterAll(async () => {
  await served.close();
  await browser.close();
});
beforeEach(async () => {
  watched = await visit(browser, served.url, { width: 1440, height: 900 });
  page = watched.page;
});
afterEach(() => watched.context.close());

const press = (name: RegExp) => page.locator('.press').getByRole('button', { name }).click();
const state = (name: RegExp) => page.locator('.chart').getByRole('button', { name });
const path = () => page.locator('.what-if-path > ol > li');

test('events of a pipeline are pressed until its retries are used up: guards say what they judged, and nothing is run', async () => {
  const before = (await served.ask('GET', '/api/events')).json.items.length;
  await page.goto('/pipelines/steps');
  await page.getByRole('link', { name: 'What if…' }).click();
  await page.waitForURL('/pipelines/steps/what-if');
  await state(/^State starting, current/).waitFor();
  await page.getByText(/over in .* at the latest/).waitFor();
  await press(/^the check before the first stage succeeds/);
  await press(/^attempt 1 of translator succeeds/);
  for (const attempt of [1, 2]) {
    await page
      .locator('.press', { hasText: `attempt ${attempt} of analyzer fails` })
      .first()
      .getByText(`canRetry · attempt ${attempt} < 3`)
      .waitFor();
    await press(new RegExp(`^attempt ${attempt} of analyzer fails(?! for)`));
    await state(/^State backingOff, current/).waitFor();
    await page
      .locator('.what-if-now')
      .getByText('the wait before analyzer is tried again')
      .waitFor();
    // The only event that leads to a state is pressed on the chart too.
    await press(/^the wait before analyzer is tried again is over/);
    await state(/^State attempting, current/).waitFor();
  }
  await press(/^attempt 3 of analyzer fails(?! for)/);
  await path().last().getByText('canRetry · attempt 3 ≥ 3').waitFor();
  expect(await path().count()).toBe(7);
  await page.getByRole('button', { name: 'Undo' }).click();
  await until(async () => (await path().count()) === 6);
  // The address says all of it.
  await page.reload();
  await state(/^State attempting, current/).waitFor();
  expect(await path().count()).toBe(6);
  await page.getByRole('button', { name: 'Begin again' }).click();
  await state(/^State starting, current/).waitFor();
  const after = (await served.ask('GET', '/api/events')).json.items.length;
  expect([after, watched.faults]).toEqual([before, []]);
});

test('a state of the chart that one event leads to is that event, and one that several lead to marks them', async () => {
  await page.goto('/pipelines/steps/what-if');
  await state(/^State starting, current/).waitFor();
  await state(/^State stopping/).press('Enter');
  await page.locator('.what-if-now').getByText('Stopping').waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await state(/^State failing/).press('Enter');
  await until(async () => (await page.locator('.press[data-marked]').count()) === 2);
  // So are the events that stand on the chart's lines.
  await page.locator('.chart-label[data-state="ready"]', { hasText: 'done' }).first().click();
  await state(/^State attempting, current/).waitFor();
  await page.getByRole('button', { name: 'Begin again' }).click();
  await state(/^State starting, current/).waitFor();
  await page.getByText('Not possible there').click();
  await page.getByText('no pause is asked for').waitFor();
  expect(watched.faults).toEqual([]);
});

test('a run is asked from the step that the inspector shows, and stays as it is', async () => {
  const { items } = (await served.ask('GET', `/api/runs/${id}/transitions`)).json;
  await page.goto(`/inspect/${id}?at=3`);
  await page.locator('.playback output').getByText('Step 3 of').waitFor();
  await page.locator('a[href$="/what-if?version=3"]', { hasText: 'What if…' }).click();
  await page.getByText('from version 3 of the run').waitFor();
  await press(/^attempt 1 of analyzer fails(?! for)/);
  await state(/^State backingOff, current/).waitFor();
  expect((await served.ask('GET', `/api/runs/${id}/transitions`)).json.items).toEqual(items);
  await page.goto(`/runs/${id}/what-if`);
  await page.getByText('it is over').waitFor();
  expect(watched.faults).toEqual([]);
});

test('who leaves right after a step was chosen is not brought back, however late the next view comes', async () => {
  const { page: other, context, faults } = await visit(browser, served.url);
  const isHeld = Promise.withResolvers<void>();
  await other.route(/what-if-page/, async (route) => {
    await isHeld.promise;
    await route.continue();
  });
  await other.goto(`/inspect/${id}?at=3`);
  await other.locator('a[href$="/what-if?version=3"]', { hasText: 'What if…' }).click();
  // The address says what is chosen when it has rested for 300 ms: that is over by then.
  await other.evaluate(() => new Promise((resolve) => setTimeout(resolve, 600)));
  isHeld.resolve();
  await other.getByText('from version 3 of the run').waitFor();
  expect([new URL(other.url()).search, faults]).toEqual(['?version=3', []]);
  await context.close();
});

test('"fail analyzer twice, then reboot at merger" is a story on the page, with the command that tells it again', async () => {
  await page.goto('/pipelines/steps/what-if');
  const script = page.getByRole('region', { name: 'Tell a story' });
  await script.getByRole('button', { name: 'Simulate' }).click();
  const story = page.getByRole('region', { name: 'The simulated run' });
  await story.getByRole('status').getByText('Done').waitFor();
  await story.getByText('the machine goes down').waitFor();
  await story.getByText('attempt 3 of analyzer started').waitFor();
  await story
    .getByText('stagewright simulate steps --fail analyzer:2 --reboot-at merger')
    .waitFor();
  // Many runs with faults of their own.
  await script.getByLabel('Random faults, seed').fill('7');
  await script.getByLabel('Runs', { exact: true }).fill('20');
  await script.getByRole('button', { name: 'Simulate' }).click();
  await page.getByRole('region', { name: 'All simulated runs' }).getByText('20 runs').waitFor();
  await page.getByText('Every invariant held after every write.').waitFor();
  expect(watched.faults).toEqual([]);
});

test('what cannot be asked says why', async () => {
  await page.goto('/pipelines/nothing/what-if');
  await page.getByText('unknown-pipeline').waitFor();
  await page.goto(`/runs/${id}/what-if?version=999`);
  await page.getByText('unknown-version').waitFor();
  await page.goto('/pipelines/steps/what-if?path=nonsense');
  await state(/^State starting, current/).waitFor();
});
