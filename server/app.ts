import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import express, {
  type ErrorRequestHandler,
  type Express,
  type Request,
  type RequestHandler,
  type Response,
} from 'express';
import type { Logger } from '../services/host/logger.ts';
import { ServiceError } from '../services/host/service-error.ts';
import type { Orchestrator } from '../services/orchestrator/orchestrator-port.ts';
import { asyncApi } from './asyncapi.ts';
import type { Dashboard } from './dashboard.ts';
import { assertOwnRequest, fixedHeaders } from './guard.ts';
import type { HostRules } from './hosts.ts';
import { verifyBody } from './json-body.ts';
import type { Metrics } from './metrics.ts';
import { openApi } from './openapi.ts';
import { callersFault, problemOf } from './problem.ts';
import type { Route, RouteAnswer } from './route.ts';
import { routes } from './routes.ts';

type Deps = {
  orchestrator: Orchestrator;
  logger: Logger;
  rules: HostRules;
  version: string;
  dashboard: Dashboard;
  metrics: Metrics;
};
const docsDir = fileURLToPath(new URL('./docs', import.meta.url));

/**
 * REST as a translation: check who asks, check what is asked, ask the orchestrator, say what it
 * said.
 */
export const createApp = ({
  orchestrator,
  logger,
  rules,
  version,
  dashboard,
  metrics,
}: Deps): Express => {
  const app = express();
  app.disable('x-powered-by').disable('etag').set('query parser', 'simple');
  // One address for one thing: neither `/api/runs/` nor `/API/runs` is another name of it.
  app.enable('strict routing').enable('case sensitive routing');
  app.use(guard(rules));
  app.use(
    express.json({ limit: '1mb', strict: true, type: 'application/json', verify: verifyBody }),
  );
  const document = openApi(version);
  app.get('/openapi.json', (_request, response) => void response.json(document));
  const sockets = asyncApi(version);
  app.get('/asyncapi.json', (_request, response) => void response.json(sockets));
  app.get(
    '/metrics',
    async (_request, response) =>
      void response.type(metrics.contentType).send(await metrics.render()),
  );
  app.use('/docs', documentPages());
  const isFixed = ({ path }: Route): boolean => !path.includes('{');
  for (const route of routes.filter(isFixed))
    app[route.method](route.path, serve(route, orchestrator));
  // Before those with a name in them, which would take `reload` for one.
  for (const { path } of routes.filter(isFixed)) app.all(path, otherMethod);
  for (const route of routes.filter((one) => !isFixed(one)))
    app[route.method](route.path.replaceAll(/\{(\w+)\}/g, ':$1'), serve(route, orchestrator));
  app.use(otherMethod);
  app.use(dashboard.serve);
  app.use(nothingHere);
  app.use(answerError(logger));
  return app;
};

const guard =
  (rules: HostRules): RequestHandler =>
  (request, response, next) => {
    const requestId = randomUUID();
    response.locals.requestId = requestId;
    response.set({ 'X-Request-Id': requestId, ...fixedHeaders });
    assertOwnRequest(request, rules);
    next();
  };

const serve =
  (route: Route, orchestrator: Orchestrator): RequestHandler =>
  async (request, response) => {
    const answer = await route.answer(orchestrator, {
      params: request.params,
      query: request.query,
      body: request.body,
      header: (name) => request.get(name),
      // Made when asked for: few routes work long enough.
      get signal() {
        const left = new AbortController();
        response.once('close', () => left.abort());
        return left.signal;
      },
    });
    response.status(answer.status);
    if (answer.headers) response.set(answer.headers);
    if (answer.status === 503) response.set('Retry-After', '1');
    if (!('type' in answer)) return void response.json(answer.body);
    response.type(answer.type);
    if ('stream' in answer) return sendStream(request, response, answer.stream);
    response.send(answer.body);
  };

const sendStream = async (
  request: Request,
  response: Response,
  { read, close }: Extract<RouteAnswer, { stream: unknown }>['stream'],
): Promise<void> => {
  try {
    if (request.method === 'HEAD') response.end();
    else await pipeline(read(), response);
  } catch {
    // The client has left, or the file was cut short: the length of the answer tells.
    response.destroy();
  } finally {
    await close();
  }
};

/**
 * The documents for people, without a byte from elsewhere: REST in Swagger UI, the sockets in a
 * page of ours.
 */
const documentPages = (): RequestHandler => {
  const pages = express.Router();
  // The npm package has its two files beside our own.
  const swaggerDir = existsSync(join(docsDir, 'swagger-ui.css'))
    ? docsDir
    : dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/package.json')));
  pages.use((_request, response, next) => {
    // Swagger UI styles its elements and carries its icons inline.
    const csp =
      "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";
    response.set('Content-Security-Policy', csp);
    next();
  });
  for (const name of ['swagger-ui.css', 'swagger-ui-bundle.js'])
    pages.get(`/${name}`, (_request, response) => response.sendFile(join(swaggerDir, name)));
  pages.use(express.static(docsDir, { index: 'index.html', cacheControl: false, redirect: true }));
  return pages;
};

/** What is served beside the routes, and only read. */
const readOnly = /^\/(?:openapi\.json|asyncapi\.json|metrics|docs(?:\/.*)?)?$/;

const methodsAt = (path: string): string[] => {
  const fitting = routes.filter((route) => matches(route.path, path));
  const exact = fitting.filter((route) => route.path === path);
  const methods = (exact.length > 0 ? exact : fitting).map(({ method }) => method.toUpperCase());
  return readOnly.test(path) ? ['GET'] : methods;
};

/** OPTIONS says what is possible at an address; what is not is 405 with the same list. */
const otherMethod: RequestHandler = (request, response, next) => {
  const methods = methodsAt(request.path);
  if (methods.length === 0) return next();
  const all = methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  const allowed = [...all, 'OPTIONS'];
  if (request.method !== 'OPTIONS' && allowed.includes(request.method)) return next();
  response.set('Allow', allowed.join(', '));
  if (request.method === 'OPTIONS') return void response.status(204).end();
  throw new ServiceError(
    'method-not-allowed',
    `${request.method} is not possible here; use ${methods.join(' or ')}`,
  );
};

const nothingHere: RequestHandler = () => {
  throw new ServiceError('not-found', 'there is nothing at this address');
};
const matches = (path: string, given: string): boolean =>
  new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(given);

const answerError =
  (logger: Logger): ErrorRequestHandler =>
  (error: unknown, request, response: Response, next) => {
    if (response.headersSent) return next(error);
    const requestId = String(response.locals.requestId);
    const fault = callersFault(error);
    if (!fault)
      logger.error('a request failed', {
        request_id: requestId,
        path: request.path,
        stack: error instanceof Error ? error.stack : String(error),
      });
    const told =
      fault ??
      new ServiceError('internal', 'something is wrong on our side; the log has the request id');
    if (told.status === 503) response.set('Retry-After', '1');
    response.status(told.status).type('application/problem+json');
    response.send(JSON.stringify(problemOf(told, { instance: request.path, requestId })));
  };
