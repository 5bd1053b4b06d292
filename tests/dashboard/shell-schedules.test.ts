import type { Browser } from 'playwright-core';
import { type Served, serveHttp } from '../support/http.ts';
import { launchBrowser, visit, type Watched } from './browser.ts';

const yaml = `name: job
title: Job
timezone: UTC
schedules:
  - { id: nightly, cron: "0 3 * * *", timezone: Europe/Berlin }
stages:
  - { name: work, run: ["true"] }
`;

let browser: Browser;
let served: Served;
let watched: Watched;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());
beforeEach(async () => {
  served = await serveHttp({ pipelines: { 'job.yaml': yaml } });
  watched = await visit(browser, served.url);
});
afterEach(async () => {
  await watched.context.close();
  await served.close();
});
const schedule = async () => (await served.ask('GET', '/api/schedules/nightly')).json;

test('a schedule is changed after its preview by the planner, only in what was changed, and the overview says when it is due', async () => {
  const { page, faults } = watched;
  await page.goto('/schedules');
  await page.getByRole('button', { name: 'Change schedule nightly' }).click();
  const dialog = page.getByRole('dialog', { name: 'Schedule nightly' });
  await dialog.getByText(/03:00/).first().waitFor();
  await dialog.getByRole('textbox', { name: /When/ }).fill('15 4 * * *');
  await dialog.getByText(/04:15/).first().waitFor();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('15 4 * * *').waitFor();
  const after = await schedule();
  expect([after.cron, after.timezone, after.overrides.map(({ field }: { field: string }) => field)]).toEqual([
    '15 4 * * *',
    'Europe/Berlin',
    ['cron'],
  ]);
  expect(after.overrides[0].by).toBe('dashboard');
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.locator('.next', { hasText: /Next .* in/ }).waitFor();
  expect(faults).toEqual([]);
});

test('a schedule that makes no sense is refused in the preview, and one that somebody else changed is not overwritten', async () => {
  const { page } = watched;
  await page.goto('/schedules?edit=nightly');
  const dialog = page.getByRole('dialog', { name: 'Schedule nightly' });
  const field = dialog.getByRole('textbox', { name: /When/ });
  await field.fill('61 * * * *');
  await dialog.getByRole('alert').getByText('invalid-schedule').waitFor();
  await field.fill('30 5 * * *');
  await dialog.getByText(/05:30/).first().waitFor();
  await served.ask('PATCH', '/api/schedules/nightly', { body: '{"missed":"last"}' });
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('alert').getByText('schedule-moved').waitFor();
  expect((await schedule()).cron).toBe('0 3 * * *');
});

test('a schedule is switched off and on, and all of them are paused and resumed, each with the name of who did it', async () => {
  const { page } = watched;
  await page.goto('/schedules');
  const button = page.getByRole('switch', { name: 'Schedule nightly' });
  await button.click();
  await page.getByText(/by dashboard/).waitFor();
  expect([await button.getAttribute('aria-checked'), (await schedule()).enabled]).toEqual(['false', false]);
  await button.click();
  await page.getByRole('switch', { name: 'Schedule nightly', checked: true }).waitFor();
  await page.getByRole('button', { name: 'Pause all' }).click();
  await page.getByText(/All schedules are paused by dashboard/).waitFor();
  await page.getByRole('button', { name: 'Resume all' }).click();
  await page.getByRole('button', { name: 'Pause all' }).waitFor();
  expect((await served.ask('GET', '/api/schedules')).json.paused).toBeNull();
});
