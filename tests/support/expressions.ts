import { parser } from '@prometheus-io/lezer-promql';

export type Expression = {
  /** Does Prometheus' own grammar take it? */
  isValid: boolean;
  metrics: string[];
  /** Labels that are matched, grouped by or joined on. */
  labels: string[];
  /** `outcome=~failed|rejected` as the values that are asked for, where they are words. */
  values: [label: string, value: string][];
};

/** What a PromQL expression asks for. Grafana's own names for intervals stand for five minutes. */
export const expressionOf = (text: string): Expression => {
  const query = text.replaceAll('$__rate_interval', '5m');
  const found: Expression = { isValid: true, metrics: [], labels: [], values: [] };
  parser.parse(query).iterate({
    enter: ({ name, from, to, node }) => {
      const word = query.slice(from, to);
      if (name === '⚠') found.isValid = false;
      if (name === 'Identifier') found.metrics.push(word);
      if (name === 'LabelName') found.labels.push(word);
      const value = name === 'StringLiteral' && node.parent?.getChild('LabelName');
      if (value && !word.includes('$'))
        for (const one of word.slice(1, -1).split('|'))
          found.values.push([query.slice(value.from, value.to), one]);
    },
  });
  return found;
};
