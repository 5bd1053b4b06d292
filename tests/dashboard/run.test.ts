import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { type Served, serveHttp } from '../support/http.ts';
import { ended, eventually, startRequest } from '../support/service.ts';
import { until } from '../support/until.ts';
import { axe } from './axe.ts';
import { launchBrowser, visit, type Watched } from './browser.ts';

const sh = (text: string): string => JSON.stringify(['sh', '-c', text]);
const pipelines = {
  // Attempt 1 fails when the file `go-again` is there; then it waits a minute, so that only a
  // person brings the second one on.
  'again.yaml': `name: again
stages:
  - { name: first, run: ["true"] }
  - name: second
    run: ${sh('until [ -e go-again ]; do sleep 0.02; done; [ "$STAGEWRIGHT_ATTEMPT" -gt 1 ] || { echo "no bars" >&2; exit 3; }')}
    retry: { limit: 1, backoff: { initial: 60s, jitter: 0 } }
`,
  'bad.yaml': `name: bad
stages:
  - { name: first, run: ["true"] }
  - name: second
    run: ${sh('echo works; printf "\\033[31mERROR\\033[0m no bars for ES\\n" >&2; exit 3')}
    retry: { limit: 1, backoff: { initial: 10ms, jitter: 0 } }
  - { name: third, run: ["true"] }
`,
  'long.yaml': `name: long
stages:
  - { name: only, grace: 200ms, run: ${sh('i=0; while [ $i -lt 200 ]; do i=$((i+1)); echo "line $i"; done; until [ -e go-long ]; do sleep 0.02; done; while [ $i -lt 342 ]; do i=$((i+1)); echo "line $i"; done; sleep 60')} }
  - { name: next, run: ["true"] }
`,
  'stubborn.yaml': `name: stubborn
stages:
  - { name: only, grace: 1h, run: ${sh('trap "echo asked >> asked" TERM; echo up > up; while :; do sleep 0.05; done')} }
`,
  'loud.yaml': `name: loud
stages:
  - { name: loud, run: ${sh('seq 1 1000000; head -c 5000000 /dev/zero | tr "\\\\0" x; echo; echo the end')} }
`,
};

let browser: Browser;
let served: Served;
let watched: Watched;
let page: Page;
beforeAll(async () => {
  browser = await launchBrowser();
  served = await serveHttp({ pipelines });
});
afterAll(async () => {
  await served.close();
  await browser.close();
});
beforeEach(async () => {
  watched = await visit(browser, served.url);
  page = watched.page;
});
afterEach(async () => {
  for (const { run_id, ended_at } of (await served.ask('GET', '/api/runs')).json.items)
    if (ended_at === null) {
      await served.ask('POST', `/api/runs/${run_id}/commands`, {
        body: JSON.stringify({ type: 'STOP', grace_ms: 0 }),
      });
      await ended(served.orchestrator, run_id);
    }
  await watched.context.close();
});

const start = async (pipeline: string): Promise<string> =>
  (await served.orchestrator.start(startRequest(pipeline, { trigger: 'manual' }))).status
    .run_id as string;
const go = (pipeline: string): Promise<void> => writeFile(join(served.dir, `go-${pipeline}`), '');
/** A run page whose chart is drawn. */
const open = async (id: string, query = ''): Promise<void> => {
  await page.goto(`/runs/${id}${query}`);
  await page.locator('.chart-state').first().waitFor();
};
/** A state of the chart as it is said: `State backingOff, current, 57 s left`. */
const state = (name: RegExp) => page.locator('.chart').getByRole('button', { name });
const log = () => page.getByRole('log');
const atEnd = (): Promise<boolean> =>
  log().evaluate((element) => element.scrollHeight - element.scrollTop - element.clientHeight < 5);

test('a retry is watched live: the attempt, the backoff that counts down, and the attempt that a person brings on at once', async () => {
  const id = await start('again');
  await open(id);
  await state(/^State attempting, current, 1\/2/).waitFor();
  await go('again');
  await state(/^State backingOff, current, \d+ s left/).waitFor();
  await page.getByText(/next attempt in \d+ s/).waitFor();
  await page.getByRole('button', { name: 'Retry now' }).click();
  await state(/^State done, reached/).waitFor();
  expect(await page.locator('.chart-line[data-state="taken"]').count()).toBeGreaterThan(4);
  const ledger = page.locator('.ledger');
  await ledger.getByText('RETRY_NOW').waitFor();
  expect(await ledger.getByText('canRetry').count()).toBe(1);
  await page
    .locator('.gantt')
    .getByRole('button', { name: /^attempt 2 of second, succeeded/ })
    .waitFor();
  expect(watched.faults).toEqual([]);
});

test('a stop by the keyboard asks for its reason in place, and the reason is recorded', async () => {
  const id = await start('long');
  await open(id);
  await page.keyboard.press('s');
  await page.getByLabel('Reason (optional)').fill('the feed is wrong');
  await page.keyboard.press('Enter');
  await state(/^State stopped, reached/).waitFor();
  await page.getByText('stopped: the feed is wrong').first().waitFor();
  await page.locator('.gantt-moment[data-kind="stop"]').waitFor();
  expect((await served.ask('GET', `/api/runs/${id}`)).json.state).toBe('STOPPED');
  expect(watched.faults).toEqual([]);
});

test('a run that takes its time to stop can be stopped now, and another plain stop is not offered', async () => {
  const id = await start('stubborn');
  await until(() => existsSync(join(served.dir, 'up')));
  await open(id);
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Stop now' }).click();
  expect(await page.getByRole('button', { name: 'Stop', exact: true }).count()).toBe(0);
  await page.getByText('The processes are killed at once').waitFor();
  await page.keyboard.press('Enter');
  await state(/^State stopped, reached/).waitFor();
  const { items } = (await served.ask('GET', `/api/runs/${id}/transitions`)).json;
  const stops = items.filter(({ event }: { event: { type: string } }) => event.type === 'STOP');
  expect(stops.map(({ event }: { event: { grace_ms: unknown } }) => event.grace_ms)).toEqual([
    null,
    0,
  ]);
  expect(watched.faults).toEqual([]);
});

test('a failed run shows first what failed, why nothing is tried again, and goes on from there in a new run', async () => {
  const id = await start('bad');
  await ended(served.orchestrator, id);
  await open(id);
  const failure = page.locator('.failure');
  await failure.getByRole('heading', { name: 'second failed in attempt 2' }).waitFor();
  await failure.getByText('exit code 3', { exact: true }).waitFor();
  await failure.locator('.ansi-red', { hasText: 'ERROR' }).waitFor();
  await failure.getByText('all 2 attempts are used').waitFor();
  expect(await page.locator('main h2').first().textContent()).toContain('second failed');
  await log().locator('.ansi-red', { hasText: 'ERROR' }).waitFor();
  await failure.getByRole('button', { name: 'Retry from second' }).click();
  await failure.getByRole('button', { name: 'Retry from second' }).last().click();
  await page.waitForURL((url) => /\/runs\/r_/.test(url.pathname) && !url.pathname.includes(id));
  await failure.getByRole('heading', { name: /second failed/ }).waitFor();
  const run = (await served.ask('GET', new URL(page.url()).pathname.replace('/runs', '/api/runs')))
    .json;
  expect([run.trigger, run.stages[0].state]).toEqual(['retry', 'reused']);
  expect(watched.faults).toEqual([]);
});

test('a command for a run that has moved on is refused, and the refusal stands where the command was', async () => {
  // The page hears nothing more of the run: what it shows is old.
  await page.routeWebSocket(/\/ws\/events/, (socket) => {
    const server = socket.connectToServer();
    let heard = 0;
    server.onMessage((message) => {
      heard += 1;
      if (heard === 1) socket.send(message);
    });
  });
  const id = await start('long');
  await eventually(
    served.orchestrator,
    async () => (await served.orchestrator.run(id)).state === 'RUNNING_ONLY',
  );
  await open(id);
  await page.getByRole('button', { name: 'Stop', exact: true }).click();
  await served.ask('POST', `/api/runs/${id}/commands`, { body: JSON.stringify({ type: 'PAUSE' }) });
  await page.locator('.commands-ask').getByRole('button', { name: 'Stop' }).click();
  const refusal = page.locator('.commands').getByRole('alert');
  await refusal.getByText('version-moved').waitFor();
  expect((await served.ask('GET', `/api/runs/${id}`)).json.state).toBe('RUNNING_ONLY');
});

test('a link shows the run as it was: the attempt, the step and the pane; choosing in one place moves the others', async () => {
  const id = await start('bad');
  await ended(served.orchestrator, id);
  const { items } = (await served.ask('GET', `/api/runs/${id}/transitions`)).json;
  const back = items.find(({ to }: { to: string }) => to.endsWith('.backingOff'));
  await open(id, `?stage=second&attempt=1&n=${back.n}&side=events`);
  await state(/^State backingOff, current/).waitFor();
  await page.getByText(`Version ${back.version} of ${items.length}`).waitFor();
  await page.getByRole('log', { name: 'stderr of second, attempt 1' }).waitFor();
  await page.locator('.events').getByText('attempt 1 of second started').waitFor();
  // The timeline moves the log.
  await page
    .locator('.gantt')
    .getByRole('button', { name: /^attempt 2 of second/ })
    .click();
  await page.getByRole('log', { name: 'stderr of second, attempt 2' }).waitFor();
  // The ledger moves the chart.
  await page.getByRole('radio', { name: 'Ledger' }).check();
  await page.locator('.ledger-row').last().getByRole('button').click();
  await state(/^State starting, current/).waitFor();
  await page.keyboard.press('.');
  await state(/^State attempting, current/).waitFor();
  await page.keyboard.press(',');
  await state(/^State starting, current/).waitFor();
  await page.getByRole('button', { name: 'Back to the end' }).click();
  await state(/^State failed, reached/).waitFor();
  // The chart moves the log; `[` and `]` walk through the attempts.
  await page.keyboard.press('[');
  await page.getByRole('log', { name: /of second, attempt 1/ }).waitFor();
  await page.keyboard.press('[');
  await page.getByRole('log', { name: /of first, attempt 1/ }).waitFor();
  expect(new URL(page.url()).searchParams.get('stage')).toBe('first');
  expect(watched.faults).toEqual([]);
});

test('follow is being at the end and nothing else: a reader who scrolled up stays there and is told how many lines are new', async () => {
  const id = await start('long');
  await open(id);
  await log().getByText('line 200', { exact: true }).waitFor();
  expect(await atEnd()).toBe(true);
  await log().evaluate((element) => {
    element.scrollTop = 400;
  });
  await page.getByRole('button', { name: 'To the end' }).waitFor();
  // Nothing newer takes the place of what is read.
  expect(new URL(page.url()).search).toBe('?stage=only&attempt=1&stream=stdout');
  await go('long');
  await page.getByRole('button', { name: '142 new lines' }).waitFor();
  expect(await log().evaluate((element) => element.scrollTop)).toBe(400);
  await page.keyboard.press('f');
  await log().getByText('line 342', { exact: true }).waitFor();
  expect(await atEnd()).toBe(true);
  expect(watched.faults).toEqual([]);
});

test('a million lines and one of 5 MB: end, home, search and a link to a line, without the page standing still', async () => {
  const id = await start('loud');
  await ended(served.orchestrator, id);
  await page.addInitScript(() => {
    const seen = { longest: 0 };
    Object.assign(globalThis, { seen });
    let before = performance.now();
    const look = (now: number): void => {
      seen.longest = Math.max(seen.longest, now - before);
      before = now;
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  await open(id);
  await log().getByText('the end', { exact: true }).waitFor();
  await page.getByText('1,000,002 lines').waitFor();
  await page.evaluate(() =>
    Object.assign((globalThis as unknown as { seen: object }).seen, { longest: 0 }),
  );
  expect((await log().getByText('xxxxxxxxxx').textContent())?.length).toBe(8192);
  expect(
    await log().getByRole('link', { name: '… the whole line' }).getAttribute('href'),
  ).toContain('from_line=1000001');
  await log().focus();
  await page.keyboard.press('Home');
  await log().getByText('1', { exact: true }).first().waitFor();
  await log().getByRole('link', { name: 'Line 1', exact: true }).waitFor();
  await page.keyboard.press('End');
  await log().getByText('the end', { exact: true }).waitFor();
  await page.getByPlaceholder('Search the whole log').fill('77777');
  await page.keyboard.press('Enter');
  await log().locator('[data-shown]', { hasText: '77777' }).waitFor();
  expect(new URL(page.url()).searchParams.get('line')).toBe('77777');
  expect(await log().locator('.log-line').count()).toBeLessThan(150);
  const longest = await page.evaluate(
    () => (globalThis as unknown as { seen: { longest: number } }).seen.longest,
  );
  expect(longest).toBeLessThan(1500);
  const link = await log()
    .getByRole('link', { name: 'Line 77777', exact: true })
    .getAttribute('href');
  await page.goto(`/runs/${id}${link?.replace('77777', '543210')}`);
  await log().locator('[data-shown]', { hasText: '543210' }).waitFor();
  expect(watched.faults).toEqual([]);
});

test('raw is every byte of the file, also beyond what the service sends at once', async () => {
  const id = await start('loud');
  await ended(served.orchestrator, id);
  await open(id);
  const waiting = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Raw' }).click();
  const stream = await (await waiting).createReadStream();
  let bytes = 0;
  for await (const chunk of stream) bytes += (chunk as Buffer).length;
  expect(bytes).toBe(6_888_896 + 5_000_001 + 8);
});

test.each([
  ['light', 1280],
  ['dark', 1280],
  ['light', 360],
] as const)(
  'axe finds nothing on a failed and on a live run, and nothing is wider than the page: %s, %d px',
  async (theme, width) => {
    const failed = await start('bad');
    await ended(served.orchestrator, failed);
    const live = await start('long');
    // So high that the bar at the bottom of a narrow page lies over nothing.
    const look = await visit(browser, served.url, { theme, width, height: 4000 });
    for (const path of [`/runs/${failed}?n=4&side=details`, `/runs/${live}?side=events`]) {
      await look.page.goto(path);
      await look.page.locator('.chart-state').first().waitFor();
      await look.page.locator('.log-line').first().waitFor();
      // Not by clicks: on a live page one may go while it is looked for.
      await look.page.evaluate(() => {
        for (const one of document.querySelectorAll('details')) one.open = true;
      });
      expect([path, await axe(look.page)]).toEqual([path, []]);
      // A drawing that follows its box does so a frame later.
      await until(() =>
        look.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth),
      );
    }
    expect(look.faults).toEqual([]);
    await look.context.close();
  },
);

test.each([1280, 1440])(
  'in a window of %d px what is seen first of the chart can be read, and Fit shows all of it',
  async (width) => {
    await go('again');
    const id = await start('again');
    const look = await visit(browser, served.url, { width, height: 900 });
    await look.page.goto(`/runs/${id}`);
    await look.page
      .locator('.chart')
      .getByRole('button', { name: /^State backingOff, current/ })
      .waitFor();
    /**
     * The smallest text in px of the window, and whether the stage and the whole drawing are in
     * view from side to side.
     */
    const seen = () =>
      look.page.evaluate(() => {
        const svg = document.querySelector('.chart svg[role="group"]') as SVGSVGElement;
        const panel = svg.getBoundingClientRect();
        const isIn = (selector: string): boolean =>
          [...svg.querySelectorAll(selector)].every((element) => {
            const { left, right } = element.getBoundingClientRect();
            return left >= panel.left && right <= panel.right;
          });
        const sizes = [...svg.querySelectorAll('text')].map(
          (text) =>
            Number.parseFloat(getComputedStyle(text).fontSize) * (text.getScreenCTM()?.a ?? 0),
        );
        return {
          smallest: Math.min(...sizes),
          isStageIn: isIn('[data-path="running.second"]'),
          isAllIn: isIn('.chart-state'),
        };
      });
    const first = await seen();
    expect(first.smallest).toBeGreaterThanOrEqual(11);
    expect(first.isStageIn).toBe(true);
    await look.page.getByRole('button', { name: 'Fit' }).click();
    await look.page.getByRole('button', { name: 'Back to a readable size' }).waitFor();
    expect((await seen()).isAllIn).toBe(true);
    await look.page.getByRole('button', { name: 'Back to a readable size' }).click();
    await look.page.getByRole('button', { name: 'Fit' }).waitFor();
    expect(await seen()).toEqual(first);
    expect(look.faults).toEqual([]);
    await look.context.close();
  },
);

test('what is not possible now is one closed line, and opened by the keyboard it says the reasons of the service', async () => {
  const id = await start('long');
  await open(id);
  const reasons = page.locator('.commands-not li');
  const { items } = (await served.ask('GET', `/api/runs/${id}/commands`)).json;
  const refused = items.filter(({ allowed }: { allowed: boolean }) => !allowed);
  expect(refused.length).toBeGreaterThan(0);
  const line = page.getByText('Not available now');
  await line.waitFor();
  expect(await reasons.first().isVisible()).toBe(false);
  await line.focus();
  await page.keyboard.press('Enter');
  await reasons.first().waitFor();
  const told = (await reasons.allTextContents()).join('\n');
  // What follows the colon is what the run waits for, and the page says it above.
  for (const { why_not } of refused) expect(told).toContain(why_not.split(':')[0]);
});

test('the line numbers of a log are one stop of the Tab key, and arrows go from one to the next', async () => {
  const id = await start('long');
  await open(id, '?line=100');
  await log().getByText('line 100', { exact: true }).waitFor();
  expect(await log().locator('.log-number[tabindex="0"]').count()).toBe(1);
  await log().getByRole('link', { name: 'Line 100' }).focus();
  await page.keyboard.press('ArrowDown');
  expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe(
    'Line 101',
  );
});

test('UI-21: an address of no run says so in the title, and shows the way back', async () => {
  await page.goto('/runs/r_nothing');
  await page.getByRole('heading', { name: 'Run not found' }).waitFor();
  expect(await page.title()).toContain('Run not found');
  await page.getByRole('main').getByRole('link', { name: 'Overview' }).click();
  await page.waitForURL('/');
});

test('by the keyboard alone: panes by number, states by arrow, and what is chosen is said', async () => {
  const id = await start('bad');
  await ended(served.orchestrator, id);
  await open(id);
  await page.keyboard.press('3');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Log');
  await page.keyboard.press('1');
  await page.locator('.chart-press[tabindex="0"]').focus();
  const said = (): Promise<string | null | undefined> =>
    page.evaluate(() => document.activeElement?.getAttribute('aria-label'));
  const before = await said();
  await page.keyboard.press('ArrowRight');
  expect(await said()).not.toBe(before);
  await page.keyboard.press('Enter');
  expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-pressed'))).toBe(
    'true',
  );
  expect(new URL(page.url()).searchParams.get('path')).not.toBeNull();
  await page.getByRole('button', { name: 'In words' }).click();
  await page.locator('.chart-twin').getByText('attempting').first().waitFor();
});
