import type { Browser } from 'playwright-core';
import { settingsOf } from '../services/notifications/outbox-kit.ts';
import { answers, type Receiver, receiver } from '../services/notifications/receiver.ts';
import { type Served, serveHttp } from '../support/http.ts';
import { ended, startRequest } from '../support/service.ts';
import { until } from '../support/until.ts';
import { axe } from './axe.ts';
import { launchBrowser, visit, type Watched } from './browser.ts';

const yaml = (name: string, more = ''): string =>
  `name: ${name}\n${more}stages:\n  - { name: work, run: ["false"], retry: { limit: 0 } }\n`;
let browser: Browser;
let served: Served;
let watched: Watched;
let to: Receiver;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());
beforeEach(async () => {
  to = await receiver();
});
afterEach(async () => {
  await watched.context.close();
  await served.close();
  await to.close();
});
const open = async (file: object) => {
  const settings = settingsOf(file);
  served = await serveHttp({
    pipelines: { 'job.yaml': yaml('job'), 'calm.yaml': yaml('calm', 'notify: []\n') },
    service: { notify: { settings, reread: () => settings } },
  });
  watched = await visit(browser, served.url);
  return watched.page;
};
const failOnce = async () => {
  const { status } = await served.orchestrator.start(startRequest('job'));
  await ended(served.orchestrator, status.run_id as string);
};
const hook = () => ({ digest: '0s', webhook: { url: `${to.url}/hook`, allow_private: true } });
const told = {
  notify: [{ on: ['failed'], to: ['ops'], after: 1, quiet: '22:00-06:00', repeat: '4h' }],
};

test('without a channel the page says that nobody is told, and what to write', async () => {
  const page = await open({});
  await page.goto('/');
  await page.getByRole('link', { name: 'Notifications' }).click();
  await page.getByText('Nobody is told when something fails.').waitFor();
  await page.getByText('"channels"').waitFor();
  expect(await axe(page)).toEqual([]);
  expect(watched.faults).toEqual([]);
});

test('a message that does not arrive is shown with what was answered, and tried again at a press', async () => {
  // Given up at once: nothing is tried by itself any more.
  to.now.answer = answers(410, {}, 'out of order');
  const page = await open({ channels: { ops: hook() }, notify: [{ on: ['failed'], to: ['ops'] }] });
  await failOnce();
  await until(async () => {
    const { json } = await served.ask('GET', '/api/notifications');
    return json.items[0]?.state === 'given-up';
  });
  await page.goto('/notifications');
  const messages = page.getByRole('region', { name: 'Messages' });
  await messages.locator('.state', { hasText: 'Given up' }).waitFor();
  await messages.getByText('answered 410: out of order').waitFor();
  await page.getByRole('region', { name: 'Channels' }).getByText('Does not arrive').waitFor();
  to.now.answer = answers(200);
  await messages.getByRole('button', { name: 'Retry now: job failed: work (exit-code)' }).click();
  await page.getByText('It is tried again now.').waitFor();
  await until(async () => {
    const { json } = await served.ask('GET', '/api/notifications');
    return json.items[0].state === 'delivered';
  });
  await page.reload();
  await messages.locator('.state', { hasText: 'Delivered' }).waitFor();
  await messages.getByRole('link', { name: 'job failed: work (exit-code)' }).click();
  await page.waitForURL(/\/runs\/r_.*stage=work/);
  expect(watched.faults).toEqual([]);
});

test('a channel is tested from the page, which says what was answered', async () => {
  const page = await open({ channels: { ops: hook() }, ...told });
  await page.goto('/notifications');
  await page.getByRole('button', { name: 'Test ops' }).click();
  await page.getByText('answered 200').waitFor();
  expect(to.got[0]?.json.type).toBe('test');
  to.now.answer = answers(410);
  await page.getByRole('button', { name: 'Test ops' }).click();
  await page.getByText('answered 410').waitFor();
});

test('channels, rules and messages: axe finds nothing, dark, light and narrow; it fits from 320 pixels to 4K', async () => {
  const page = await open({
    channels: {
      ops: hook(),
      'a-channel-with-a-long-name': { slack: { url_file: '/none' }, digest: '0s' },
      alive: { ping: { url: `${to.url}/a`, pipelines: ['job', 'calm'], allow_private: true } },
    },
    notify: [
      { on: ['failed'], to: ['ops', 'a-channel-with-a-long-name'] },
      {
        on: ['failed', 'recovered', 'missed'],
        to: ['ops'],
        after: 3,
        quiet: '22:00-06:00',
        repeat: '4h',
      },
    ],
  });
  await failOnce();
  await until(async () => {
    const { json } = await served.ask('GET', '/api/notifications');
    return json.items.every(({ attempts }: { attempts: number }) => attempts > 0);
  });
  await page.goto('/notifications');
  await page.getByText('after 3 failed runs in a row, held from 22:00 to 06:00').waitFor();
  await page.getByText('notify: []').waitFor();
  await page.locator('.state', { hasText: 'Delivered' }).waitFor();
  await page.getByText('cannot be read (ENOENT)').first().waitFor();
  expect(await axe(page)).toEqual([]);
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  expect(await axe(page)).toEqual([]);
  for (const width of [320, 360, 768, 1280, 3840]) {
    await page.setViewportSize({ width, height: 4000 });
    await until(() => page.evaluate(() => document.documentElement.scrollWidth === innerWidth));
    expect(await page.evaluate(() => innerWidth)).toBe(width);
    if (width === 360) expect(await axe(page)).toEqual([]);
  }
  await page.getByRole('combobox', { name: 'Channel' }).selectOption('alive');
  await page.getByText('No message matches these filters.').waitFor();
  expect(page.url()).toContain('channel=alive');
  expect(watched.faults).toEqual([]);
});
