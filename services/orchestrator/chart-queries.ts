import { chartGraph } from '../../drawing/graph.ts';
import { chartMermaid } from '../../drawing/mermaid.ts';
import { chartScxml } from '../../drawing/scxml.ts';
import { chartSvg } from '../../drawing/svg.ts';
import type { ChartConfig } from '../../machines/chart-config.ts';
import { commandTypeSchema } from '../../wire/status.ts';
import type { Charts } from '../interpreter/charts.ts';
import { outlook } from '../lifecycle/outlook.ts';
import type { RunLookup } from '../lookup/run-lookup.ts';
import type { Store } from '../store/store.ts';
import type { ChartFormat, Queries } from './orchestrator-port.ts';

const drawings: Record<
  ChartFormat,
  { type: string; draw: (config: ChartConfig, title: string) => string }
> = {
  json: { type: 'application/json', draw: (config) => JSON.stringify(chartGraph(config)) },
  xstate: { type: 'application/json', draw: (config) => JSON.stringify(config) },
  svg: { type: 'image/svg+xml', draw: (config, title) => chartSvg(chartGraph(config), { title }) },
  mermaid: { type: 'text/plain', draw: (config) => chartMermaid(chartGraph(config)) },
  scxml: { type: 'application/scxml+xml', draw: (config) => chartScxml(chartGraph(config)) },
};

/** The chart of a pipeline or of a run, drawn, and what it allows now. */
export const createChartQueries = (deps: {
  store: Pick<Store, 'chart'>;
  charts: Charts;
  lookup: RunLookup;
}): Pick<Queries, 'commands' | 'chart'> => {
  const { store, charts } = deps;
  const { requirePipeline, assertReady, requireRun } = deps.lookup;
  return {
    commands: async (runId) => {
      assertReady();
      const { run, headSeq } = await requireRun(runId);
      const reasons = outlook(await charts.loaded(run.chart), run.snapshot, run.projection);
      const items = commandTypeSchema.options.map((type) => ({
        type,
        allowed: reasons[type] === null,
        why_not: reasons[type],
      }));
      return { run_id: runId, version: run.version, items, as_of_seq: headSeq };
    },
    chart: async (of, format) => {
      const { type, draw } = drawings[format];
      if ('pipeline' in of) {
        const { definition } = requirePipeline(of.pipeline);
        return { type, body: draw(charts.pin(definition).config, definition.title) };
      }
      assertReady();
      const { run } = await requireRun(of.runId);
      const stored = await store.chart(run.chart);
      if (!stored) throw new Error(`the chart of run ${of.runId} is not in the store`);
      return { type, body: draw(stored.config, `${run.definition.title}, run ${run.number}`) };
    },
  };
};
