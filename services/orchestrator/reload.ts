import type { Actor } from '../../wire/actor.ts';
import type { ReloadReport } from '../../wire/pipeline-answers.ts';
import type { Repeats } from '../host/repeats.ts';
import type { RunLookup } from '../lookup/run-lookup.ts';
import type { LoadedPipeline, LoadedPipelines } from '../pipelines/pipelines.ts';
import type { Store } from '../store/store.ts';

const said = (entry: LoadedPipeline): string => JSON.stringify([entry.definition, entry.schedules]);

/**
 * Reads the pipeline files again. What is live goes on by the chart it is pinned to; a file that
 * does not hold keeps what it said when it last did, and health says so (Q20).
 */
export const createReload = (deps: {
  /** Shared with everybody who looks at pipelines; changed in place. */
  loaded: LoadedPipelines;
  lookup: Pick<RunLookup, 'assertReady'>;
  read: () => Promise<LoadedPipelines>;
  /** Before anything changes: what is due by the old files is decided by them. */
  before: () => Promise<void>;
  /** The schedules of the files. @returns the pipelines of which a calendar file has changed */
  after: () => Promise<string[]>;
  note: (event: Parameters<Store['note']>[0]) => Promise<void>;
  repeats: Repeats;
  /** Reads channels and rules again. @returns what does not fit in their file */
  settings: () => string | null;
}): ((actor: Actor) => Promise<ReloadReport>) => {
  const { loaded, note } = deps;
  let turn: Promise<unknown> = Promise.resolve();

  const reload = async (actor: Actor): Promise<ReloadReport> => {
    const next = await deps.read();
    await deps.before();
    const before = loaded.pipelines;
    // A folder that cannot be read says nothing about what is in it.
    const isFolderGone =
      next.pipelines.size === 0 && next.problems.some(({ code }) => code === 'unreadable');
    const broken = new Set(next.problems.map(({ file }) => file));
    const kept = [...before.values()].filter(
      ({ definition, file }) =>
        (isFolderGone || broken.has(file)) && !next.pipelines.has(definition.name),
    );
    for (const entry of kept) next.pipelines.set(entry.definition.name, entry);
    const names = [...next.pipelines.keys()];
    const report: ReloadReport = {
      added: names.filter((name) => !before.has(name)),
      changed: names.filter(
        (name) =>
          before.has(name) &&
          said(before.get(name) as LoadedPipeline) !==
            said(next.pipelines.get(name) as LoadedPipeline),
      ),
      removed: [...before.keys()].filter((name) => !next.pipelines.has(name)),
      kept: kept.map(({ definition }) => definition.name),
      problems: next.problems,
    };
    loaded.pipelines = next.pipelines;
    loaded.problems = next.problems;
    const fault = deps.settings();
    if (fault !== null)
      report.problems = [
        ...report.problems,
        { file: 'settings', line: null, pointer: '', code: 'invalid', detail: fault },
      ];
    const calendars = await deps.after();
    report.changed = names.filter(
      (name) => report.changed.includes(name) || (before.has(name) && calendars.includes(name)),
    );
    const { added, changed, removed, problems } = report;
    const parts = Object.entries({ added, changed, removed, kept: report.kept }).flatMap(
      ([word, some]) => (some.length > 0 ? [`${word}: ${some.join(', ')}`] : []),
    );
    const msg = `pipeline files read again by ${actor.name}; ${parts.join('; ') || 'nothing changed'}${problems.length > 0 ? `; ${problems.length} faults` : ''}`;
    const data = { command: 'RELOAD', by: actor.name, added, changed, removed, kept: report.kept };
    const fact = {
      runId: null,
      pipeline: null,
      stage: 'system',
      event: 'changed' as const,
      severity: problems.length > 0 ? ('warning' as const) : ('info' as const),
      msg,
      data,
    };
    const isSame = added.length + changed.length + removed.length === 0;
    const tellMore = (more: number): Promise<void> =>
      note({ ...fact, msg: `${msg}, ${more} more times`, data: { ...data, more } });
    if (!isSame || !deps.repeats.isAgain(`RELOAD ${msg}`, tellMore)) await note(fact);
    return report;
  };

  // One after the other: two at once would each compare with what the other is changing.
  return async (actor) => {
    deps.lookup.assertReady();
    const result = turn.then(() => reload(actor));
    turn = result.catch(() => undefined);
    return result;
  };
};
