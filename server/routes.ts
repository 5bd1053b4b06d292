import { notificationRoutes } from './notification-routes.ts';
import { pipelineRoutes } from './pipeline-routes.ts';
import type { Route } from './route.ts';
import { runRoutes } from './run-routes.ts';
import { scheduleRoutes } from './schedule-routes.ts';
import { serviceRoutes } from './service-routes.ts';
import { startRoutes } from './start-routes.ts';
import { whatIfRoutes } from './what-if-routes.ts';

/** Everything that REST answers: what is registered, validated and documented. */
export const routes: readonly Route[] = [
  ...startRoutes,
  ...pipelineRoutes,
  ...scheduleRoutes,
  ...runRoutes,
  ...notificationRoutes,
  ...whatIfRoutes,
  ...serviceRoutes,
];
