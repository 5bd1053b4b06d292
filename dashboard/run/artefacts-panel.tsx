import { useQuery } from '@tanstack/react-query';
import { api } from '../service-api.ts';
import { size } from '../ui/format-bytes.ts';
import { At } from '../ui/time-text.tsx';

/** A file that a stage left for people. */
type Artefact = {
  name: string;
  bytes: number;
  content_type: string;
  stage: string | null;
  at: string;
};

/**
 * The files that the run left so far; nothing when there are none. They are asked for anew at each
 * version of the run.
 */
export const Artefacts = ({ runId, version }: { runId: string; version: number }) => {
  const { data } = useQuery({
    queryKey: ['artefacts', runId, version],
    queryFn: async () => {
      const run: object = await api.ask('GET /api/runs/{id}', { path: { id: runId } });
      // A service that is older than the page lists none.
      return 'artefacts' in run ? (run.artefacts as Artefact[]) : [];
    },
    placeholderData: (before) => before,
  });
  if (!data || data.length === 0) return null;
  return (
    <>
      <h3>Artefacts</h3>
      <dl className="values">
        {data.map(({ name, bytes, content_type, stage, at }) => (
          <div key={name}>
            <dt>{stage ?? 'run'}</dt>
            <dd>
              <a
                href={`/api/runs/${runId}/artefacts/${encodeURIComponent(name)}`}
                target="_blank"
                rel="noreferrer"
              >
                {name}
              </a>{' '}
              <span className="muted">
                {size(bytes)}, {content_type}, <At iso={at} />
              </span>
            </dd>
          </div>
        ))}
      </dl>
    </>
  );
};
