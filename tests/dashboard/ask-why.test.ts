import type { Browser } from 'playwright-core';
import { type Served, serveHttp } from '../support/http.ts';
import { ended, startRequest } from '../support/service.ts';
import { axe } from './axe.ts';
import { launchBrowser, visit, type Watched } from './browser.ts';

const yaml = `name: job
timezone: Asia/Kolkata
schedules:
  - { id: yearly, cron: "0 3 1 1 *" }
stages:
  - { name: work, run: ["false"] }
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

test('the page of a pipeline answers why nothing happened, with the runs that are meant, and names what is no time where it was typed', async () => {
  const { status } = await served.orchestrator.start(startRequest('job'));
  await ended(served.orchestrator, status.run_id as string);
  const { page, faults } = watched;
  await page.goto('/pipelines/job');
  const section = page.getByRole('region', { name: 'Why did nothing happen?' });
  await section.getByText('in Asia/Kolkata; empty means now').waitFor();
  await section.getByRole('button', { name: 'Ask' }).click();
  await section.getByText('schedule yearly (cron "0 3 1 1 *") is due next at').waitFor();

  await section.getByRole('textbox', { name: 'When' }).fill('2099-01-01 03:00');
  await section.getByRole('textbox', { name: 'When' }).press('Enter');
  await section.getByText('the slot 2099-01-01 03:00 of schedule yearly is to come').waitFor();

  // As 2026-11-24 17:30:15: a day that is named stays that day.
  const shown = { dateStyle: 'short', timeStyle: 'medium', timeZone: 'Asia/Kolkata' } as const;
  const now = new Intl.DateTimeFormat('sv-SE', shown).format(Date.now());
  await section.getByRole('textbox', { name: 'When' }).fill(now);
  await section.getByRole('button', { name: 'Ask' }).click();
  await section.getByRole('link', { name: 'Open the run' }).waitFor();
  expect(await section.getByRole('link').getAttribute('href')).toBe(`/runs/${status.run_id}`);
  expect(await axe(page)).toEqual([]);
  expect(faults).toEqual([]);

  await section.getByRole('textbox', { name: 'When' }).fill('noonish');
  await section.getByRole('button', { name: 'Ask' }).click();
  await section.getByText('expected a time such as 17:30').waitFor();
  expect(await section.getByRole('textbox', { name: 'When' }).getAttribute('aria-invalid')).toBe(
    'true',
  );
});
