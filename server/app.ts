import { randomUUID } from 'node:crypto';
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
import type { z } from 'zod';
import { closed } from '../definition/closed.ts';
import type { Logger } from '../services/host/logger.ts';
import {
  type FieldError,
  ServiceError,
  type ServiceErrorCode,
} from '../services/host/service-error.ts';
import type { Orchestrator } from '../services/orchestrator/orchestrator-port.ts';
import { asyncApi } from './asyncapi.ts';
import type { Dashboard } from './dashboard.ts';
import {
  type HostRules,
  hostOf,
  hostRefusal,
  isOwnFetch,
  isOwnHost,
  isOwnOrigin,
  originRefusal,
} from './hosts.ts';
import { protoPointers, verifyBody } from './json-body.ts';
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
/** A misspelt parameter is told wherever it stands. */
const noQuery = closed({});
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

const fixedHeaders = [
  ['X-Content-Type-Options', 'nosniff'],
  ['Referrer-Policy', 'no-referrer'],
  // A page of another site cannot even show our icon, and so learn that we run here.
  ['Cross-Origin-Resource-Policy', 'same-origin'],
  ['Cache-Control', 'no-store'],
  [
    'Content-Security-Policy',
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  ],
] as const;

const guard =
  (rules: HostRules): RequestHandler =>
  (request, response, next) => {
    response.locals.requestId = randomUUID();
    response.setHeader('X-Request-Id', response.locals.requestId as string);
    for (const [name, value] of fixedHeaders) response.setHeader(name, value);
    const { origin } = request.headers;
    const host = hostOf(request);
    if (!isOwnHost(host, rules)) throw hostRefusal();
    const site = request.get('sec-fetch-site');
    if (!isOwnOrigin(origin, host, rules) || !isOwnFetch(request.method, site, origin, rules))
      throw originRefusal();
    const hasBody =
      request.headers['transfer-encoding'] !== undefined ||
      Number(request.headers['content-length'] ?? 0) > 0;
    if (hasBody && !request.is('application/json'))
      throw new ServiceError('unsupported-media-type', 'a body must be sent as application/json');
    next();
  };

const serve =
  (route: Route, orchestrator: Orchestrator): RequestHandler =>
  async (request, response) => {
    const answer = await route.handle(orchestrator, {
      params: parametersOf(route, request),
      query:
        checked(
          route.query ?? noQuery,
          request.query,
          'bad-parameter',
          'a query parameter does not fit',
        ) ?? {},
      body: bodyOf(route, request),
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
    if (answer.stream)
      return sendStream(
        request,
        response.type(answer.type ?? 'application/octet-stream'),
        answer.stream,
      );
    if (answer.type) response.type(answer.type).send(answer.body);
    else response.json(answer.body);
  };

const sendStream = async (
  request: Request,
  response: Response,
  { read, close }: NonNullable<RouteAnswer['stream']>,
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

const bodyOf = (route: Route, request: Request): Record<string, unknown> => {
  const detail = 'the body does not fit the schema';
  if (route.body) {
    const errors = protoPointers(request.body).map((pointer) => ({
      pointer,
      detail: 'unknown key `__proto__`',
    }));
    const code = errors[0]?.pointer.startsWith('/params/') ? 'invalid-params' : 'invalid-body';
    if (errors.length > 0) throw new ServiceError(code, detail, { errors });
  }
  return checked(route.body, request.body ?? {}, 'invalid-body', detail) ?? {};
};

const parametersOf = (route: Route, request: Request): Record<string, string> =>
  Object.fromEntries(
    Object.entries(route.params ?? {}).map(([name, schema]) => {
      const result = schema.safeParse(request.params[name]);
      if (!result.success)
        throw new ServiceError('invalid-id', `${name}: ${result.error.issues[0]?.message}`);
      return [name, result.data as string];
    }),
  );

const checked = (
  schema: z.ZodType | undefined,
  value: unknown,
  code: ServiceErrorCode,
  detail: string,
): Record<string, unknown> | undefined => {
  if (!schema) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data as Record<string, unknown>;
  const errors: FieldError[] = result.error.issues.map(({ path, message }) => ({
    pointer: path.map((key) => `/${String(key)}`).join(''),
    detail: message,
  }));
  throw new ServiceError(code, detail, { errors });
};

/**
 * The documents for people, without a byte from elsewhere: REST in Swagger UI, the sockets in a
 * page of ours.
 */
const documentPages = (): RequestHandler => {
  const pages = express.Router();
  const swaggerDir = dirname(fileURLToPath(import.meta.resolve('swagger-ui-dist/package.json')));
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
    const requestId = response.locals.requestId as string;
    const fault = callersFault(error);
    if (!fault)
      logger.error('a request failed', {
        request_id: requestId,
        path: request.path,
        stack: (error as Error | null)?.stack,
      });
    const told =
      fault ??
      new ServiceError('internal', 'something is wrong on our side; the log has the request id');
    if (told.status === 503) response.set('Retry-After', '1');
    response.status(told.status).type('application/problem+json');
    response.send(JSON.stringify(problemOf(told, { instance: request.path, requestId })));
  };
