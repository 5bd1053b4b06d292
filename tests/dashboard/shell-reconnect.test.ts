import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { serveHttp } from '../support/http.ts';
import { serveProcess } from '../support/served-process.ts';
import { until } from '../support/until.ts';
import { launchBrowser, visit } from './browser.ts';

const dist = fileURLToPath(new URL('../../dashboard/dist', import.meta.url));
const yaml = `name: job
title: Job
stages:
  - { name: work, grace: 200ms, run: [sh, -c, 'until [ -e go ]; do sleep 0.02; done'] }
`;

let browser: Browser;
let served: Awaited<ReturnType<typeof serveProcess>>;
beforeAll(async () => {
  browser = await launchBrowser();
});
afterAll(() => browser.close());
beforeEach(async () => {
  served = await serveProcess({ 'job.yaml': yaml });
});
afterEach(() => served.close());

test('S49: the service is killed under the open page: the page says so, its timers stop, and it comes back by itself with one socket', async () => {
  const { page, context } = await visit(browser, served.url);
  const sockets = new Set<unknown>();
  page.on('websocket', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await page.goto('/');
  await page.getByText('Live', { exact: true }).waitFor();
  const started = (await (
    await fetch(`${served.url}/api/pipelines/job/runs`, {
      method: 'POST',
      body: '{}',
      headers: { 'Content-Type': 'application/json' },
    })
  ).json()) as { run_id: string };
  const row = page.locator('.row');
  await row.getByText('Running work').waitFor();
  await row.getByText(/for \d+ s/).waitFor();

  await served.kill();
  await page.getByText('Reconnecting').waitFor();
  // What was known stays; what would count on is not guessed.
  await row.getByText('Running work').waitFor();
  await row.getByText(/for –/).waitFor();
  expect(await page.getByRole('button', { name: 'Retry now' }).isEnabled()).toBe(true);

  // What is said then fits on a phone too.
  await page.setViewportSize({ width: 360, height: 800 });
  await until(() => page.evaluate(() => document.documentElement.scrollWidth === 360));
  await page.setViewportSize({ width: 1280, height: 800 });

  await context.setOffline(true);
  const banner = page.getByRole('alert');
  await banner.getByText(/What you see is of/).waitFor();
  expect(await row.getByRole('button').first().isDisabled()).toBe(true);
  await context.setOffline(false);

  await served.back();
  // It may come back by itself in this very moment, and the button is gone. What `retry` does is
  // asked in tests/client/follow.
  await page
    .getByRole('button', { name: 'Retry now' })
    .click({ timeout: 2000 })
    .catch(() => undefined);
  await page.getByText('Live', { exact: true }).waitFor();
  // Lost with the service, and tried again: the same run.
  await row.getByText('Running work').waitFor();
  await writeFile(join(served.dir, 'go'), '');
  await row.getByText('Done', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'Runs', exact: true }).click();
  await page.locator('.runs tbody tr').first().waitFor();
  expect(
    await page
      .locator('.runs tbody a')
      .evaluateAll((links) => links.map((link) => link.getAttribute('href'))),
  ).toEqual([`/runs/${started.run_id}`]);
  expect(sockets.size).toBe(1);
  await context.close();
});

test('a service with another journal is read anew, and the page says that it did', async () => {
  await fetch(`${served.url}/api/pipelines/job/runs`, {
    method: 'POST',
    body: '{}',
    headers: { 'Content-Type': 'application/json' },
  });
  const { page, context } = await visit(browser, served.url);
  await page.goto('/');
  const row = page.locator('.row');
  await row.getByText('Running work').waitFor();
  await served.kill();
  await until(async () =>
    rm(join(served.dir, 'data'), { recursive: true }).then(
      () => true,
      () => false,
    ),
  );
  await served.back();
  await page.getByRole('status').getByText('State read anew').waitFor();
  await row.getByText('Idle').waitFor();
  await context.close();
});

test('a page that is older than what the service serves asks to be loaded again', async () => {
  const other = await mkdtemp(join(tmpdir(), 'stagewright-dist-'));
  await cp(dist, other, { recursive: true });
  await writeFile(join(other, 'build.json'), '{"build":"newer"}');
  const newer = await serveHttp({ pipelines: { 'job.yaml': yaml } }, {}, other);
  const { page, context } = await visit(browser, newer.url);
  await page.goto('/');
  await page.getByRole('alert').getByText('A new version of the dashboard').waitFor();
  await context.close();
  await newer.close();
  await rm(other, { recursive: true });
});
