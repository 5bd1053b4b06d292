import { useRun } from '../live/use-run.ts';
import { Loading } from '../ui/loading.tsx';
import { Page } from '../ui/page.tsx';

/** One run. */
export const RunPage = ({ id }: { id: string }) => {
  const { state } = useRun(id);
  const run = state?.runs[id];
  if (!run) return <Loading what="the run" />;
  return (
    <Page title={`${run.pipeline} · run ${run.number}`}>
      <p>
        {run.state}: {run.why}
      </p>
    </Page>
  );
};
