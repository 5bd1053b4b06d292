import { suggest } from '../machines/suggest.ts';
import type { LogFile, LogStream, Logs } from './logs/logs.ts';
import type { Look } from './look.ts';
import type { LogPlace, LogQueries } from './orchestrator-port.ts';
import { ServiceError } from './service-error.ts';

/** The output of stages: who asks for what does not exist is told what does. */
export const createLogQueries = ({ logs, look }: { logs: Logs; look: Look }): LogQueries => {
  const logPlaces: LogQueries['logPlaces'] = async (runId, stage) => {
    look.truthful();
    const { run } = await look.runOr404(runId);
    const names = run.projection.stages.map(({ name }) => name);
    if (stage !== null && !names.includes(stage)) {
      const nearest = suggest(stage, names);
      throw new ServiceError('unknown-stage', `run ${runId} has no stage ${stage}${nearest ? `; did you mean ${nearest}?` : ''}`);
    }
    const places = run.projection.stages
      .filter(({ name }) => stage === null || name === stage)
      .flatMap(({ name, attempt }) => Array.from({ length: attempt }, (_, index) => ({ stage: name, attempt: index + 1 })));
    return { places, final: run.endedAt === null ? null : run.projection.state };
  };
  const fileOf = async (runId: string, place: LogPlace, stream: LogStream): Promise<LogFile> => {
    const { places } = await logPlaces(runId, place.stage);
    if (!places.some(({ attempt }) => attempt === place.attempt))
      throw new ServiceError('unknown-attempt', `${place.stage} of run ${runId} had ${places.length} attempts`);
    return { runId, stage: place.stage, attempt: place.attempt, stream };
  };
  return {
    logPlaces,
    logSize: async (runId, place, stream) => logs.size(await fileOf(runId, place, stream)),
    logPart: async (runId, place, stream, range) => logs.read(await fileOf(runId, place, stream), range),
    logLines: async (runId, place, stream, range) => logs.lines(await fileOf(runId, place, stream), range),
    logSearch: async (runId, place, stream, search, signal) => logs.search(await fileOf(runId, place, stream), search, signal),
  };
};
