import type { Browser } from 'playwright-core';
import { systemClock } from '../../services/host/clock.ts';
import { type Served, serveHttp } from '../support/http.ts';
import { axe } from './axe.ts';
import { launchBrowser, visit, type Watched } from './browser.ts';

const yaml = `name: job
title: Job
timezone: Asia/Kolkata
params:
  depth: { type: integer, default: 3 }
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
/** How far the service's clock is ahead: what was due meanwhile was missed. */
let aheadMs = 0;
const clock = { ...systemClock, wallMs: () => systemClock.wallMs() + aheadMs };
beforeEach(async () => {
  aheadMs = 0;
  served = await serveHttp({ pipelines: { 'job.yaml': yaml }, parts: () => ({ clock }) });
  watched = await visit(browser, served.url);
});
afterEach(async () => {
  await watched.context.close();
  await served.close();
});
const schedule = async (id = 'nightly') => (await served.ask('GET', `/api/schedules/${id}`)).json;

test('a schedule is changed after its preview by the planner, only in what was changed, and goes back to its file', async () => {
  const { page, faults } = watched;
  await page.goto('/schedules');
  await page.locator('.when', { hasText: 'At 03:00, every day 0 3 * * *' }).waitFor();
  await page.getByRole('button', { name: 'Change schedule nightly' }).click();
  const dialog = page.getByRole('dialog', { name: 'Schedule nightly' });
  await dialog.getByText('At 03:00, every day', { exact: true }).waitFor();
  await dialog.getByRole('textbox', { name: /When/ }).fill('15 4 * * *');
  await dialog.getByText('At 04:15, every day', { exact: true }).waitFor();
  // The clocks of the schedule, and those of this browser, which stands in UTC.
  await dialog
    .locator('.zoned', { hasText: /, 04:15 CES?T.*\(0[23]:15 UTC for you\)/ })
    .first()
    .waitFor();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('15 4 * * *').waitFor();
  const after = await schedule();
  expect([
    after.cron,
    after.timezone,
    after.overrides.map(({ field }: { field: string }) => field),
  ]).toEqual(['15 4 * * *', 'Europe/Berlin', ['cron']]);
  expect(after.overrides[0].by).toBe('dashboard');
  await page.getByRole('button', { name: 'Change schedule nightly' }).click();
  await dialog.getByText('the file says 0 3 * * *').waitFor();
  expect(await dialog.getByRole('button', { name: 'Delete…' }).count()).toBe(0);
  await dialog.getByRole('button', { name: 'Back to the file' }).click();
  await dialog.waitFor({ state: 'detached' });
  expect(await schedule()).toMatchObject({ cron: '0 3 * * *', overrides: [] });
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.locator('.next', { hasText: /Next .* in/ }).waitFor();
  expect(faults).toEqual([]);
});

test('what makes no sense is said at its field, and a schedule that somebody else changed is not overwritten', async () => {
  const { page } = watched;
  await page.goto('/schedules?edit=nightly');
  const dialog = page.getByRole('dialog', { name: 'Schedule nightly' });
  const field = dialog.getByRole('textbox', { name: /When/ });
  await field.fill('61 * * * *');
  await dialog.locator('.field-error', { hasText: 'field 1 (minute) is `61`' }).waitFor();
  expect([
    await field.getAttribute('aria-invalid'),
    await dialog.getByRole('alert').count(),
  ]).toEqual(['true', 0]);
  await field.fill('30 5 * * *');
  await dialog
    .getByText(/, 05:30 /)
    .first()
    .waitFor();
  await served.ask('PATCH', '/api/schedules/nightly', { body: '{"missed":"last"}' });
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.getByRole('alert').getByText('schedule-moved').waitFor();
  expect((await schedule()).cron).toBe('0 3 * * *');
});

test('schedules of each kind are made here, in the zone of their pipeline unless another is chosen, changed, and deleted when asked twice', async () => {
  const { page, faults } = watched;
  await page.goto('/schedules');
  const dialog = page.getByRole('dialog', { name: 'New schedule' });
  const create = async (fill: () => Promise<void>): Promise<void> => {
    await page.getByRole('button', { name: 'New schedule' }).click();
    await fill();
    await dialog.getByRole('region', { name: 'Next times' }).waitFor();
    await dialog.getByRole('button', { name: 'Create' }).click();
    await dialog.waitFor({ state: 'detached' });
  };
  await create(async () => {
    await dialog.getByRole('button', { name: 'Working days at 17:30' }).click();
    await dialog.getByText('At 17:30, Monday through Friday').waitFor();
    await dialog.getByText(/^More/).click();
    await dialog
      .getByRole('combobox', { name: 'When a run is live at a slot' })
      .selectOption('let one wait');
    await dialog.getByRole('spinbutton', { name: 'depth' }).fill('5');
  });
  expect(await schedule('job')).toMatchObject({
    cron: '30 17 * * 1-5',
    timezone: 'Asia/Kolkata',
    overlap: 'queue_one',
    missed: 'none',
    params: { depth: 5 },
    source: 'api',
    created: { by: 'dashboard' },
  });
  await create(async () => {
    await dialog.getByRole('textbox', { name: 'Name' }).fill('often');
    await dialog.getByRole('radio', { name: 'Every so often' }).check();
    await dialog.getByRole('textbox', { name: /Interval/ }).fill('90m');
    await dialog.getByText('Every 90 minutes', { exact: true }).waitFor();
  });
  expect((await schedule('often')).every_ms).toBe(5_400_000);
  await create(async () => {
    await dialog.getByRole('textbox', { name: 'Name' }).fill('once');
    await dialog.getByRole('radio', { name: 'At times' }).check();
    await dialog.getByLabel('A time, on the clocks').fill('2031-12-24T18:00');
    await dialog.getByRole('button', { name: 'Add' }).click();
    await dialog.getByText('Once: 24 Dec 2031, 18:00').waitFor();
    await dialog.getByRole('combobox', { name: 'Time zone' }).fill('America/Chicago');
  });
  expect(await schedule('once')).toMatchObject({
    at: ['2031-12-24T18:00'],
    timezone: 'America/Chicago',
  });

  await page.getByRole('button', { name: 'Change schedule often' }).click();
  const change = page.getByRole('dialog', { name: 'Schedule often' });
  await change.getByRole('button', { name: 'Every 6 hours' }).click();
  await change.getByRole('button', { name: 'Save' }).click();
  await page.locator('.when', { hasText: 'Every 6 hours every 6h' }).waitFor();
  await page.getByRole('button', { name: 'Change schedule often' }).click();
  await change.getByRole('button', { name: 'Delete…' }).click();
  await page
    .getByRole('dialog', { name: 'Delete schedule often?' })
    .getByRole('button', { name: 'Keep it' })
    .click();
  expect((await schedule('often')).every_ms).toBe(21_600_000);
  await page.goto('/schedules?delete=often');
  await page.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByText('Schedule often deleted').waitFor();
  expect((await served.ask('GET', '/api/schedules/often')).status).toBe(404);
  expect(faults).toEqual([]);
});

test('a name that is taken is refused at its field, and axe finds nothing on a new schedule in both themes, wide and narrow', async () => {
  const { page } = watched;
  await page.goto('/schedules?new=schedule');
  const dialog = page.getByRole('dialog', { name: 'New schedule' });
  const name = dialog.getByRole('textbox', { name: 'Name' });
  await name.fill('nightly');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await dialog.getByText('there is a schedule nightly already').waitFor();
  await page.waitForFunction(() => document.activeElement?.matches('[aria-invalid="true"]'));
  await dialog.getByText(/^More/).click();
  for (const width of [1280, 360])
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.setViewportSize({ width, height: 2400 });
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      expect([width, colorScheme, ...(await axe(page))]).toEqual([width, colorScheme]);
    }
});

test('what became of slots is readable with none, with one and with twenty of them, each with its reason and both clocks', async () => {
  const { page } = watched;
  const add = (body: object) =>
    served.ask('POST', '/api/schedules', {
      body: JSON.stringify({ timezone: 'Asia/Kolkata', ...body }),
    });
  await add({ id: 'never', cron: '0 0 29 2 *' });
  await add({ id: 'hourly', cron: '0 * * * *' });
  aheadMs = 25 * 3_600_000;
  // A change lets the scheduler decide what was due until now.
  for (const id of ['nightly', 'hourly'])
    await served.ask('PATCH', `/api/schedules/${id}`, { body: '{"overlap":"queue_one"}' });
  await page.goto('/schedules');
  const row = (id: string) =>
    page.locator('.schedule-row', {
      has: page.getByRole('button', { name: `Change schedule ${id}` }),
    });
  await row('never').getByText('No slot has been due yet.').waitFor();
  for (const [id, least] of [
    ['nightly', 1],
    ['hourly', 20],
  ] as const) {
    await row(id).getByText('Last: missed, missed slots are not made up for').waitFor();
    await row(id).getByText('Every slot, with its reason').click();
    const slots = row(id).locator('.slots li');
    await slots.first().waitFor();
    const texts = await slots.allInnerTexts();
    expect(texts.length).toBeGreaterThanOrEqual(least);
    for (const text of texts)
      expect(text.replaceAll(/\s+/g, ' ')).toMatch(
        /:00 (CES?T|GMT\+5:30) ?\(.* UTC for you\) missed: missed slots are not made up for$/,
      );
  }
  // Far off, behind the hundred slots that the list of all has room for.
  await row('never')
    .getByText(/29 Feb/)
    .first()
    .waitFor();
  expect(await axe(page)).toEqual([]);
});

test('a backfill says what would run before it runs, refuses a window of the future at its field, and then runs what was seen', async () => {
  const { page } = watched;
  await page.goto('/schedules');
  await page.getByRole('button', { name: 'Backfill schedule nightly' }).click();
  const dialog = page.getByRole('dialog', { name: 'Backfill of schedule nightly' });
  await dialog.getByLabel(/^From/).fill('2026-07-01T00:00');
  await dialog.getByLabel(/^To/).fill('2096-07-03T00:00');
  await dialog.getByRole('button', { name: 'Show what would run' }).click();
  await dialog.locator('.field-error', { hasText: 'must be in the past' }).waitFor();
  await dialog.getByLabel(/^From/).fill('2024-07-01T00:00');
  await dialog.getByLabel(/^To/).fill('2024-07-03T00:00');
  await dialog.getByRole('button', { name: 'Show what would run' }).click();
  await dialog
    .locator('.zoned', { hasText: /03:00 CEST.*01:00 UTC for you/ })
    .first()
    .waitFor();
  expect((await served.ask('GET', '/api/schedules/nightly/backfills')).json.items).toEqual([]);
  expect(await axe(page)).toEqual([]);
  await dialog.getByRole('button', { name: 'Run 2 slots' }).click();
  await dialog.waitFor({ state: 'detached' });
  const [made] = (await served.ask('GET', '/api/schedules/nightly/backfills')).json.items;
  expect(made).toMatchObject({
    by: 'dashboard',
    from: '2024-07-01T00:00:00.000Z',
    to: '2024-07-03T00:00:00.000Z',
  });
});

test('a schedule is switched off and on, and all of them are paused and resumed, each with the name of who did it', async () => {
  const { page } = watched;
  await page.goto('/schedules');
  const button = page.getByRole('switch', { name: 'Schedule nightly' });
  await button.click();
  await page.getByText(/by dashboard/).waitFor();
  expect([await button.getAttribute('aria-checked'), (await schedule()).enabled]).toEqual([
    'false',
    false,
  ]);
  await button.click();
  await page.getByRole('switch', { name: 'Schedule nightly', checked: true }).waitFor();
  await page.getByRole('button', { name: 'Pause all' }).click();
  await page.getByText(/All schedules are paused by dashboard/).waitFor();
  await page.getByRole('button', { name: 'Resume all' }).click();
  await page.getByRole('button', { name: 'Pause all' }).waitFor();
  expect((await served.ask('GET', '/api/schedules')).json.paused).toBeNull();
});

test('TRUTH-12, UI-1: what may go wrong stands beside a schedule before it is switched on, and one that is due each minute hides nobody', async () => {
  const { page, faults } = watched;
  const make = (body: object) =>
    served.ask('POST', '/api/schedules', { body: JSON.stringify({ pipeline: 'job', ...body }) });
  await make({ id: 'often', every: '10m', enabled: false });
  await make({ id: 'busy', every: '1m', overlap: 'skip' });
  await page.goto('/schedules');
  const row = (id: string) =>
    page.locator('.schedule-row', {
      has: page.getByRole('button', { name: `Change schedule ${id}` }),
    });
  await row('often').getByText('and the schedule, once enabled, starts one every 10m').waitFor();
  await row('nightly').locator('.coming li').nth(2).waitFor();
  expect(await row('busy').getByText('one every').count()).toBe(0);
  expect(faults).toEqual([]);
});
