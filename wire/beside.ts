import type { StageStatus, Status } from './status.ts';

/** In which states a stage can be what such a command means. */
const meantIn: Record<string, StageStatus['state'][]> = {
  RETRY_NOW: ['retrying'],
  SKIP_STAGE: ['running', 'retrying', 'paused'],
};
/** The stages that a command without a `stage` could mean; of more than one it has to name one. */
export const fittingStages = (
  type: string,
  stages: readonly Pick<StageStatus, 'name' | 'state'>[],
): string[] => stages.filter(({ state }) => meantIn[type]?.includes(state)).map(({ name }) => name);

/** The stages that a run is at: one, or those of a group. */
export const stagesNow = ({ stage, stages }: Pick<Status, 'stage' | 'stages'>): StageStatus[] =>
  stages.filter(({ name, group }) => stage !== null && (group ?? name) === stage);

/** The one of them that is looked at first: what works, else what waits, else the first. */
export const stageNow = (run: Pick<Status, 'stage' | 'stages'>): string | null => {
  const all = stagesNow(run);
  const found = ['running', 'retrying', 'paused', 'failed'].flatMap(
    (state) => all.find((one) => one.state === state) ?? [],
  );
  return found[0]?.name ?? all[0]?.name ?? run.stage;
};

/** `fetch → (schema ∥ volume) → publish` */
export const flowText = (
  stages: readonly { name: string; group?: string | undefined }[],
): string => {
  const steps: { group: string | undefined; names: string[] }[] = [];
  for (const { name, group } of stages) {
    const last = steps.at(-1);
    if (last && group !== undefined && last.group === group) last.names.push(name);
    else steps.push({ group, names: [name] });
  }
  return steps
    .map(({ group, names }) => (group === undefined ? names[0] : `(${names.join(' ∥ ')})`))
    .join(' → ');
};
