import { lazy, Suspense } from 'react';
import { Route, Switch } from 'wouter';
import { HealthPage } from './health/health-page.tsx';
import { History } from './history/history-page.tsx';
import { Overview } from './overview/overview-page.tsx';
import { PipelinePage } from './pipelines/pipeline-page.tsx';
import { PipelinesPage } from './pipelines/pipelines-page.tsx';
import { SchedulesPage } from './schedules/schedules-page.tsx';
import { NotFound } from './shell/not-found.tsx';
import { Shell } from './shell/shell.tsx';
import { Loading } from './ui/loading.tsx';
import { useRefresh } from './use-reads.ts';

const RunPage = lazy(() =>
  import('./run/run-page.tsx').then(({ RunPage }) => ({ default: RunPage })),
);

const NotificationsPage = lazy(() =>
  import('./notifications/notifications-page.tsx').then((all) => ({
    default: all.NotificationsPage,
  })),
);

const InspectPage = lazy(() =>
  import('./inspect/inspect-page.tsx').then(({ InspectPage }) => ({ default: InspectPage })),
);

const WhatIfPage = lazy(() =>
  import('./what-if/what-if-page.tsx').then(({ WhatIfPage }) => ({ default: WhatIfPage })),
);

/** The views by their address. All that a view shows can be said by its address. */
export const App = () => {
  useRefresh();
  return (
    <Shell>
      <Suspense fallback={<Loading what="the page" />}>
        <Switch>
          <Route path="/">
            <Overview />
          </Route>
          <Route path="/runs">
            <History />
          </Route>
          <Route path="/pipelines">
            <PipelinesPage />
          </Route>
          <Route path="/pipelines/:name">
            {({ name }) => <PipelinePage key={name} name={name} />}
          </Route>
          <Route path="/schedules">
            <SchedulesPage />
          </Route>
          <Route path="/notifications">
            <NotificationsPage />
          </Route>
          <Route path="/health">
            <HealthPage />
          </Route>
          <Route path="/inspect/*?">
            <InspectPage />
          </Route>
          <Route path="/pipelines/:name/what-if">
            {({ name }) => <WhatIfPage key={name} of={{ pipeline: name }} />}
          </Route>
          <Route path="/runs/:id/what-if">
            {({ id }) => <WhatIfPage key={id} of={{ run: id }} />}
          </Route>
          <Route path="/runs/:id">{({ id }) => <RunPage key={id} id={id} />}</Route>
          <Route>
            <NotFound />
          </Route>
        </Switch>
      </Suspense>
    </Shell>
  );
};
