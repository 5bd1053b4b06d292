import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse as parseYaml } from 'yaml';
import { metricTable } from '../../server/metric-table.ts';
import { attemptResults } from '../../wire/attempts.ts';
import { outcomes } from '../../wire/status.ts';
import { expressionOf } from '../support/expressions.ts';
import { type Served, serveHttp } from '../support/http.ts';

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8');

type Rule = {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; description: string; runbook_url: string };
};
const rules = (
  parseYaml(read('ops/monitoring/alerts.yaml')) as { groups: { rules: Rule[] }[] }
).groups.flatMap((group) => group.rules);
type Panel = { title: string; id: number; targets: { expr: string }[] };
const dashboard = JSON.parse(read('ops/monitoring/grafana-dashboard.json')) as {
  panels: Panel[];
  templating: { list: { name: string; definition?: string }[] };
};
const asked = [
  ...rules.map(({ alert, expr }) => ({ by: alert, expr })),
  ...dashboard.panels.flatMap(({ title, targets }) =>
    targets.map(({ expr }) => ({ by: title, expr })),
  ),
];

/** Series as Prometheus has them: a histogram is three of them. */
const known = new Map(
  metricTable.flatMap(({ name, type, labels }) =>
    type === 'histogram'
      ? [
          [`${name}_bucket`, [...labels, 'le']] as const,
          [`${name}_sum`, labels] as const,
          [`${name}_count`, labels] as const,
        ]
      : [[name, labels] as const],
  ),
);
/** What Prometheus itself adds. */
const targetLabels = ['job', 'instance'];
const words: Record<string, readonly string[]> = {
  outcome: outcomes,
  result: attemptResults,
  decision: ['started', 'queued', 'skipped', 'missed', 'blocked', 'refused', 'cancelled'],
  state: ['queued', 'running'],
};

test('the alert rules and the dashboard are valid PromQL over metrics, labels and words that exist', () => {
  expect(asked.length).toBeGreaterThan(40);
  for (const { by, expr } of asked) {
    const { isValid, metrics, labels, values } = expressionOf(expr);
    expect([by, isValid]).toEqual([by, true]);
    expect([by, metrics.filter((name) => name !== 'up' && !known.has(name))]).toEqual([by, []]);
    const may = [...targetLabels, ...metrics.flatMap((name) => known.get(name) ?? [])];
    expect([by, labels.filter((label) => !may.includes(label))]).toEqual([by, []]);
    const odd = values.filter(([label, value]) => words[label] && !words[label].includes(value));
    expect([by, odd]).toEqual([by, []]);
  }
  expect(expressionOf('sum(stagewright_blocked{').isValid).toBe(false);
});

test('what the dashboard lets one choose comes from a metric that is always there', () => {
  const chosen = dashboard.templating.list.flatMap(({ definition }) => {
    const [, name, label] = /^label_values\((\w+), (\w+)\)$/.exec(definition ?? '') ?? [];
    return name === undefined ? [] : [[name, label]];
  });
  expect(chosen.length).toBe(2);
  for (const [name = '', label = ''] of chosen)
    expect([...(known.get(name) ?? []), ...targetLabels]).toContain(label);
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

test('docs/monitoring.md names every metric with its type, labels and meaning, and no other', () => {
  const rows = [
    ...read('docs/monitoring.md').matchAll(
      /^\| `(stagewright_\w+)(?:\{([^}]*)\})?` \| (\w+) \| (.+) \|$/gm,
    ),
  ].map(([, name, labels = '', type, help]) => ({ name, labels, type, help }));
  expect(rows).toEqual(
    metricTable.map(({ name, labels, type, help }) => ({
      name,
      labels: labels.join(', '),
      type,
      help,
    })),
  );
});

test('every alert says what it is, how bad, and where docs/monitoring.md says what to do', () => {
  const headings = [...read('docs/monitoring.md').matchAll(/^### (\w+)$/gm)].map(
    ([, name]) => name,
  );
  expect(headings).toEqual(rules.map(({ alert }) => alert));
  for (const { alert, labels, annotations } of rules) {
    expect(['info', 'warning', 'critical']).toContain(labels.severity);
    expect(annotations.summary.length).toBeGreaterThan(10);
    expect(annotations.description.length).toBeGreaterThan(30);
    expect(annotations.runbook_url).toBe(`docs/monitoring.md#${alert.toLowerCase()}`);
  }
});

let on: Served | null = null;
afterEach(() => on?.close());

test('a scrape has every metric of the table, each with its help and type', async () => {
  on = await serveHttp({
    pipelines: { 'p.yaml': 'name: p\nstages:\n  - { name: one, run: ["true"] }\n' },
  });
  const { text } = await on.ask('GET', '/metrics');
  for (const { name, type, help } of metricTable)
    expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
});
