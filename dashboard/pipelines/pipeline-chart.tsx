/** The lifecycle chart of a pipeline, as the service draws it. */
export const PipelineChart = ({ name, title }: { name: string; title: string }) => (
  <img className="pipeline-chart" src={`/api/pipelines/${name}/chart?format=svg`} alt={`The lifecycle chart of ${title}`} />
);
