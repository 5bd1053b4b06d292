import { suggest } from '../../definition/suggest.ts';
import type { LogFile, LogStream, Logs } from '../history/logs.ts';
import { ServiceError } from '../host/service-error.ts';
import type { RunLookup } from '../lookup/run-lookup.ts';
import type { LogPlace, LogQueries } from './orchestrator-port.ts';

/** The output of stages: who asks for what does not exist is told what does. */
export const createLogQueries = ({
  logs,
  lookup,
}: {
  logs: Logs;
  lookup: RunLookup;
}): LogQueries => {
  const logPlaces: LogQueries['logPlaces'] = async (runId, stage) => {
    lookup.assertReady();
    const { run } = await lookup.requireRun(runId);
    const names = run.projection.stages.map(({ name }) => name);
    if (stage !== null && !names.includes(stage)) {
      const nearest = suggest(stage, names);
      throw new ServiceError(
        'unknown-stage',
        `run ${runId} has no stage ${stage}${nearest ? `; did you mean ${nearest}?` : ''}`,
      );
    }
    const places = run.projection.stages
      .filter(({ name }) => stage === null || name === stage)
      .flatMap(({ name, attempt }) =>
        Array.from({ length: attempt }, (_, index) => ({ stage: name, attempt: index + 1 })),
      );
    return { places, final: run.endedAt === null ? null : run.projection.state };
  };
  const fileOf = async (
    runId: string,
    place: LogPlace,
    stream: LogStream,
  ): Promise<LogFile & { isLive: boolean }> => {
    const { places, final } = await logPlaces(runId, place.stage);
    if (!places.some(({ attempt }) => attempt === place.attempt))
      throw new ServiceError(
        'unknown-attempt',
        `${place.stage} of run ${runId} had ${places.length} attempts`,
      );
    return { runId, stage: place.stage, attempt: place.attempt, stream, isLive: final === null };
  };
  const nothing = { bytes: Buffer.alloc(0), offset: 0, nextOffset: 0, size: 0 };
  /**
   * An attempt that has just begun (its folder may not be there yet), or never came to its program,
   * has written nothing: that is no missing log.
   */
  const orEmpty = async <T>(
    found: Promise<T | null>,
    { runId, isLive }: LogFile & { isLive: boolean },
    empty: T,
  ): Promise<T | null> => (await found) ?? (isLive || (await logs.isKept(runId)) ? empty : null);

  return {
    logPlaces,
    logSize: async (runId, place, stream) => logs.size(await fileOf(runId, place, stream)),
    logPart: async (runId, place, stream, range) => {
      const file = await fileOf(runId, place, stream);
      return orEmpty(logs.read(file, range), file, nothing);
    },
    logLines: async (runId, place, stream, range) => {
      const file = await fileOf(runId, place, stream);
      return orEmpty(logs.lines(file, range), file, {
        ...nothing,
        firstLine: range.fromLine,
        totalLines: 0,
        cut: false,
      });
    },
    logSearch: async (runId, place, stream, search, signal) => {
      const file = await fileOf(runId, place, stream);
      return orEmpty(logs.search(file, search, signal), file, {
        matches: [],
        nextOffset: null,
        size: 0,
        searchedTo: 0,
      });
    },
  };
};
