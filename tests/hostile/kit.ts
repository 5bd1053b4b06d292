import { type Served, serveHttp } from '../support/http.ts';
import { processesOf } from '../support/processes.ts';
import { eventually } from '../support/service.ts';

/** A stage as a pipeline file says it; each is a pipeline of its own. */
type StageFile = { run: string[]; [key: string]: unknown };
export const sh = (script: string, more: Record<string, unknown> = {}): StageFile => ({
  run: ['sh', '-c', script],
  grace: '300ms',
  ...more,
});
export const node = (script: string, more: Record<string, unknown> = {}): StageFile => ({
  run: [process.execPath, '-e', script],
  grace: '300ms',
  ...more,
});

/** The whole service on its port, with hostile stages in it; asked as people ask, over HTTP. */
export const serveStages = async (stages: Record<string, StageFile>) => {
  const pipelines = Object.entries(stages).map(([name, stage]) => [
    `${name}.json`,
    JSON.stringify({ name, stages: [{ name: 'work', ...stage }] }),
  ]);
  const served: Served = await serveHttp({ pipelines: Object.fromEntries(pipelines) });
  const get = async (path: string) => {
    const answer = await served.ask('GET', path);
    if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${answer.text}`);
    return answer;
  };
  return {
    ...served,
    get,
    begin: async (name: string): Promise<string> => {
      const { status, text, json } = await served.ask('POST', `/api/pipelines/${name}/runs`, {
        body: '{}',
      });
      if (status !== 202) throw new Error(`${name} was not started: ${text}`);
      return json.run_id;
    },
    /**
     * Status is asked all the time meanwhile and must always answer; at the end no process and no
     * lock may be left.
     */
    ended: async (runId: string) => {
      const run = await eventually(served.orchestrator, async () => {
        const { json } = await get(`/api/runs/${runId}`);
        return ['DONE', 'FAILED', 'STOPPED'].includes(json.state) && json;
      });
      expect({ lock: run.lock, processes: processesOf(runId) }).toEqual({
        lock: null,
        processes: [],
      });
      return run;
    },
    eventsOf: async (runId: string) =>
      (await get(`/api/events?run_id=${runId}&after=0&limit=1000`)).json.items,
    /** Resolves once the stage has printed this. */
    said: (runId: string, text: string) =>
      eventually(served.orchestrator, async () => {
        const { text: log } = await served.ask('GET', `/api/runs/${runId}/logs/work/1?tail=1000`);
        return log.includes(text);
      }),
  };
};
export type Hostile = Awaited<ReturnType<typeof serveStages>>;
