import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Request, RequestHandler, Response } from 'express';

export type Dashboard = {
  /** Names the build that is served; a page of another one says so. Null when there is none. */
  build: string | null;
  serve: RequestHandler;
};

const csp = [
  ...[
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "font-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
  ],
  ...["worker-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"],
].join('; ');
const year = 'public, max-age=31536000, immutable';
/** A view of the page has any other address; there a missing thing is an error, not the page. */
const machineOnly = /^\/(api|ws|docs|assets)(\/|$)/;
const encodings = [
  ['br', '.br'],
  ['gzip', '.gz'],
] as const;

const notBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Stagewright</title>
<h1>The dashboard is not built</h1>
<p>The service runs; only its pages are missing. Run <code>npm run build</code> and start the service again.</p>
<p>Until then: <a href="/docs/">the API</a>, <a href="/api/pipeline/status">the status</a>, or <code>stagewright status</code>.</p>`;

const filesOf = (dir: string): Set<string> => {
  try {
    const entries = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    return new Set(
      entries.map(({ parentPath, name }) => `/${relative(dir, join(parentPath, name))}`),
    );
  } catch {
    return new Set();
  }
};

const buildOf = (dir: string): string | null => {
  try {
    return (JSON.parse(readFileSync(join(dir, 'build.json'), 'utf8')) as { build: string }).build;
  } catch {
    return null;
  }
};

const isPage = (request: Request): boolean => {
  const accept = request.get('accept') ?? '*/*';
  // At the front door also whoever takes anything, as curl does.
  return (
    !machineOnly.test(request.path) &&
    (accept.includes('text/html') || (request.path === '/' && accept.includes('*/*')))
  );
};

/** The built dashboard: its files by name, and for every other address of a view its one page. */
export const openDashboard = (dir: string): Dashboard => {
  const build = buildOf(dir);
  // Looked up, never joined with what was asked for: there is no way out of the folder.
  const files = build === null ? new Set<string>() : filesOf(dir);

  const send = (name: string, request: Request, response: Response): void => {
    const [encoding, ending] = encodings.find(
      ([word, end]) => files.has(name + end) && request.acceptsEncodings(word),
    ) ?? [null, ''];
    response.vary('Accept-Encoding').type(name.slice(name.lastIndexOf('.')));
    if (encoding) response.set('Content-Encoding', encoding);
    response
      .set('Cache-Control', name.startsWith('/assets/') ? year : 'no-store')
      .set('Content-Security-Policy', csp);
    response.sendFile(name.slice(1) + ending, {
      root: dir,
      cacheControl: false,
      lastModified: false,
      etag: false,
    });
  };

  return {
    build,
    serve: (request, response, next) => {
      if (request.method !== 'GET' && request.method !== 'HEAD') return next();
      if (request.path !== '/index.html' && files.has(request.path))
        return send(request.path, request, response);
      if (!isPage(request)) return next();
      if (build !== null) return send('/index.html', request, response);
      response.status(503).type('html').send(notBuilt);
    },
  };
};
