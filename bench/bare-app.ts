import express, { type Express } from 'express';

/** The limit for an HTTP answer: express with one route and nothing else. */
export const createBareApp = (body: unknown): Express => {
  const app = express();
  app.disable('x-powered-by').disable('etag');
  app.get('/', (_request, response) => void response.json(body));
  return app;
};
