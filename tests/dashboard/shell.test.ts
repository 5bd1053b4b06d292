import type { Browser } from 'playwright-core';
import { type Served, serveHttp } from '../support/http.ts';
import { launchBrowser, visit } from './browser.ts';

let browser: Browser;
let served: Served;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());
afterEach(() => served.close());

test('a first visit draws the overview without an error and without a request to another host', async () => {
  served = await serveHttp({ pipelines: {} });
  const { page, faults, context } = await visit(browser, served.url);
  await page.goto('/');
  await page.getByRole('heading', { level: 1 }).waitFor();
  expect(await page.title()).toContain('Stagewright');
  expect(faults).toEqual([]);
  await context.close();
});
