import type { ChartConfig } from '../../machines/chart-config.ts';
import { ChartNotSupported, type Charts, initialOf } from '../interpreter/charts.ts';
import type { Interpreted } from '../interpreter/lifecycle.ts';
import type { Secrets, SecretsOf } from '../secrets/secrets.ts';
import type { EffectRow, RunRow } from '../store/run-rows.ts';
import type { Store } from '../store/store.ts';
import type { Subject } from './frame-writer.ts';
import { redacted } from './redaction.ts';
import { createTeller, type Teller } from './teller.ts';

/** Makes tellers of runs: of their whole story, or from where they stand. */
export type Subjects = {
  cleanerOf(of: SecretsOf): (value: unknown) => unknown;
  fromTheStart(run: RunRow): Promise<Teller>;
  /** @param effects those of the run, read together with it */
  fromHere(run: RunRow, effects: readonly EffectRow[]): Promise<Teller>;
};

/** What the machine of a run is told when it begins. */
export const inputOf = ({ pipeline, number, trigger, params, reason, onlyStage }: RunRow) => ({
  pipeline,
  number,
  trigger,
  params,
  reason,
  only_stage: onlyStage,
});

/** The same text for every run of a chart, where nothing in it is to be hidden. */
const texts = new WeakMap<ChartConfig, string>();
const definitionOf = (config: ChartConfig, clean: Subject['clean']): string => {
  const context = clean(config.context);
  if (context !== config.context) return JSON.stringify({ ...config, context });
  const text = texts.get(config) ?? JSON.stringify(config);
  texts.set(config, text);
  return text;
};

export const createSubjects = (deps: {
  store: Pick<Store, 'chart'>;
  charts: Charts;
  secrets: Pick<Secrets, 'maskOf'>;
}): Subjects => {
  const { store, charts, secrets } = deps;
  const { lifecycle } = charts;
  const cleanerOf: Subjects['cleanerOf'] = (of) => {
    const mask = secrets.maskOf(of);
    return (value) => mask.json(redacted(value));
  };
  /** A chart that this version cannot execute is shown all the same. */
  const chartOf = async (
    hash: string,
  ): Promise<{ config: ChartConfig; interpreted: Interpreted | null }> => {
    try {
      const machine = await charts.loaded(hash);
      return { config: machine.config as ChartConfig, interpreted: { machine, lifecycle } };
    } catch (error) {
      if (!(error instanceof ChartNotSupported)) throw error;
      const stored = await store.chart(hash);
      return { config: stored?.config ?? { id: 'run', context: {} }, interpreted: null };
    }
  };
  const subjectOf = (run: RunRow, config: ChartConfig): Subject => {
    const clean = cleanerOf(run);
    const { runId, pipeline, number } = run;
    return { runId, pipeline, number, definition: definitionOf(config, clean), clean };
  };
  return {
    cleanerOf,
    fromTheStart: async (run) => {
      const { config, interpreted } = await chartOf(run.chart);
      const { initial, context } = config;
      const snapshot = interpreted
        ? initialOf(interpreted.machine)
        : { status: 'active', value: initial, context };
      const from = { n: 0, version: 0, at: run.createdAt, snapshot };
      return createTeller(subjectOf(run, config), interpreted, from);
    },
    fromHere: async (run, effects) => {
      const { config, interpreted } = await chartOf(run.chart);
      const { ledgerN: n, version, updatedAt: at, snapshot } = run;
      const live = effects.filter(({ state }) => state !== 'dropping');
      const born = Object.fromEntries(live.map(({ id, stamp }) => [id, stamp]));
      return createTeller(subjectOf(run, config), interpreted, { n, version, at, snapshot }, born);
    },
  };
};
