import chromium from '@sparticuz/chromium';
import { type Browser, type BrowserContext, chromium as driver, type Page } from 'playwright-core';
import { hangMs } from '../support/until.ts';

export type Watched = {
  page: Page;
  context: BrowserContext;
  /**
   * What a page must not do: errors in its console, exceptions, requests that fail or leave the
   * service.
   */
  faults: string[];
};
type Look = {
  width?: number;
  height?: number;
  theme?: 'light' | 'dark';
  scale?: number;
  reducedMotion?: 'reduce' | 'no-preference';
};

/** The real browser, from the registry; one for a whole test file. */
export const launchBrowser = async (): Promise<Browser> =>
  driver.launch({
    executablePath: await chromium.executablePath(),
    // Its own arguments are made for a cloud function; these are what a root user in a container
    // needs.
    args: [
      '--no-sandbox',
      '--disable-dev-shm-usage',
      '--font-render-hinting=none',
      '--force-color-profile=srgb',
    ],
    headless: true,
  });

/**
 * A visitor: a context of its own, and everything noted that a page must not do. While the service
 * is down on purpose, requests to it fail; `faults` then holds them, and the test says which it
 * expects.
 */
export const visit = async (browser: Browser, url: string, look: Look = {}): Promise<Watched> => {
  const { width = 1280, height = 800, theme = 'dark', scale = 1, reducedMotion = 'reduce' } = look;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    deviceScaleFactor: scale,
    reducedMotion,
    baseURL: url,
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
  // Order and content are tested, not speed.
  context.setDefaultTimeout(hangMs);
  const page = await context.newPage();
  const faults: string[] = [];
  const home = new URL(url).host;
  page.on(
    'console',
    (message) =>
      ['error', 'warning'].includes(message.type()) && faults.push(`console: ${message.text()}`),
  );
  page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
  page.on('request', (request) => {
    if (!request.url().startsWith('data:') && new URL(request.url()).host !== home)
      faults.push(`left the host: ${request.url()}`);
  });
  page.on('websocket', (socket) => {
    if (new URL(socket.url()).host !== home) faults.push(`left the host: ${socket.url()}`);
  });
  return { page, context, faults };
};
