import type { Browser } from 'playwright-core';
import { type Served, serveHttp } from '../support/http.ts';
import { ended, eventually, startRequest } from '../support/service.ts';
import { axe } from './axe.ts';
import { launchBrowser, visit } from './browser.ts';

const job = {
  name: 'job',
  labels: ['nightly'],
  stages: [
    { name: 'sign-off', approval: { message: 'Publish the figures?', deadline: '4h' } },
    { name: 'publish', script: 'echo published' },
  ],
  finally: [{ name: 'clean-up', script: 'true' }],
};

let browser: Browser;
let served: Served;
beforeAll(async () => {
  browser = await launchBrowser();
  served = await serveHttp({ pipelines: { 'job.json': JSON.stringify(job) } });
});
afterAll(async () => {
  await served.close();
  await browser.close();
});

test('whoever opens the page of a run that waits reads what is asked, and approves it with a reason', async () => {
  const { page } = await visit(browser, served.url);
  const { orchestrator } = served;
  const { status } = await orchestrator.start(startRequest('job'));
  const id = status.run_id as string;
  await eventually(
    orchestrator,
    async () => (await orchestrator.run(id)).state === 'AWAITING_APPROVAL',
  );
  await page.goto(`${served.url}/runs/${id}`);
  await page.getByText('Publish the figures?').first().waitFor();
  await page.getByText('Waits for approval').first().waitFor();
  expect(await axe(page)).toEqual([]);
  await page.getByRole('button', { name: 'Approve', exact: true }).first().click();
  await page.getByLabel('Reason').fill('figures seen');
  await page.keyboard.press('Enter');
  const end = await ended(orchestrator, id);
  expect([end.outcome, end.stages[0]?.reason]).toEqual([
    'success',
    expect.stringMatching(/^approved by .+: figures seen$/),
  ]);
  await page.getByText('Done', { exact: true }).first().waitFor();
});
