import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Measures } from '../services/health/measures.ts';
import { nextTurn } from '../services/host/clock.ts';
import {
  type Metric,
  metricTable,
  type Sample,
  type Seen,
  type SpreadSample,
} from './metric-table.ts';

export type Metrics = { contentType: string; render(): Promise<string> };

type Value = Sample & { metricName?: string };
/** So many lines are made before others have their turn: a thousand pipelines are megabytes. */
const linesATurn = 1000;

/** The numbers are ours, kept where they come about: they are given when the text is made, and not kept twice. */
class GivenGauge extends Gauge {
  values: Value[] = [];
  override async get() {
    return { ...(await super.get()), values: this.values };
  }
}
class GivenCounter extends Counter {
  values: Value[] = [];
  override async get() {
    return { ...(await super.get()), values: this.values };
  }
}
class GivenHistogram extends Histogram {
  values: Value[] = [];
  told = { name: '', help: '' };
  /** What prom-client makes its text of. */
  async getForPromString() {
    return { ...this.told, type: 'histogram', values: this.values };
  }
}

/** What Prometheus calls a histogram: counts that include all smaller ones. */
const seriesOf = (
  name: string,
  bounds: readonly number[],
  { labels, counts, sum }: SpreadSample,
): Value[] => {
  let count = 0;
  const buckets = counts.map((own, index) => {
    count += own;
    const le = String(bounds[index] ?? '+Inf');
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ];
};
const valuesOf = (metric: Metric, seen: Seen): Value[] => {
  if (metric.type !== 'histogram') return metric.samples(seen);
  const { bounds, samples } = metric.spread(seen);
  return samples.flatMap((sample) => seriesOf(metric.name, bounds, sample));
};

const madeOf = ({ name, help, labels, type }: Metric) => {
  const told = { name, help, labelNames: [...labels], registers: [] };
  if (type !== 'histogram')
    return type === 'counter' ? new GivenCounter(told) : new GivenGauge(told);
  const made = new GivenHistogram(told);
  made.told = { name, help };
  return made;
};

const withoutHead = (text: string): string =>
  text.slice(text.indexOf('\n', text.indexOf('\n') + 1) + 1);
const textOf = async (metric: Metric, seen: Seen): Promise<string> => {
  const registry = new Registry();
  const made = madeOf(metric);
  registry.registerMetric(made);
  const values = valuesOf(metric, seen);
  const parts: string[] = [];
  for (let from = 0; from === 0 || from < values.length; from += linesATurn) {
    made.values = values.slice(from, from + linesATurn);
    const text = await registry.getSingleMetricAsString(metric.name);
    parts.push(from === 0 ? text : withoutHead(text));
    await nextTurn();
  }
  return parts.join('\n');
};

/** The measures as Prometheus text. */
export const createMetrics = (deps: {
  measures: () => Promise<Measures>;
  sockets: () => number;
  inspectors: () => number;
  inspectionFailures: () => number;
}): Metrics => {
  const render = async (): Promise<string> => {
    const seen: Seen = Object.assign(await deps.measures(), {
      sockets: deps.sockets(),
      inspectors: deps.inspectors(),
      inspectionFailures: deps.inspectionFailures(),
      residentBytes: process.memoryUsage.rss(),
    });
    const parts: string[] = [];
    for (const metric of metricTable) parts.push(await textOf(metric, seen));
    return `${parts.join('\n\n')}\n`;
  };
  let asked: Promise<string> | null = null;
  return {
    contentType: Registry.PROMETHEUS_CONTENT_TYPE,
    // Whoever asks while it is made gets the same text: many who scrape at once cost as much as one.
    render: () => {
      asked ??= render().finally(() => {
        asked = null;
      });
      return asked;
    },
  };
};
