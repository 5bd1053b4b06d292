import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { Operations } from '../client/operations.ts';
import { useLiveStore } from './live/use-live.ts';
import { api, queries } from './service-api.ts';

export type PipelineFacts = Operations['GET /api/pipelines']['answer']['items'][number];
export type RunFacts = Operations['GET /api/runs']['answer']['items'][number];

const quietMs = 300;
const edges: readonly string[] = ['accepted', 'acknowledged', 'blocked', 'recovered', 'changed'];

/**
 * Keeps what REST said in step with the journal: a run that began or ended makes lists of runs old,
 * files read again those of pipelines.
 */
export const useRefresh = (): void => {
  const store = useLiveStore();
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = store.onFrame((frame) => {
      const isEdge = frame === null || frame.stage === 'scheduler' || edges.includes(frame.event);
      const isEnd =
        frame?.event === 'state_change' &&
        ['DONE', 'FAILED', 'STOPPED'].includes(String(frame.data.to));
      if (!isEdge && !isEnd) return;
      clearTimeout(timer);
      timer = setTimeout(
        () =>
          void queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'chart' }),
        quietMs,
      );
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [store]);
};

export const usePipelines = () =>
  useQuery({
    queryKey: ['pipelines'],
    queryFn: () => api.ask('GET /api/pipelines'),
    staleTime: 60_000,
  });

/** One pipeline as the service understands its file. */
export const usePipeline = (name: string) =>
  useQuery({
    queryKey: ['pipeline', name],
    queryFn: () => api.ask('GET /api/pipelines/{name}', { path: { name } }),
    staleTime: 60_000,
  });

/** The newest runs of a pipeline, newest first. */
export const useRecentRuns = (pipeline: string, limit: number) =>
  useQuery({
    queryKey: ['runs', 'recent', pipeline, limit],
    queryFn: () => api.ask('GET /api/runs', { query: { pipeline, limit } }),
  });

export type Schedule = Operations['GET /api/schedules']['answer']['items'][number];
export type Coming = Operations['GET /api/schedules/upcoming']['answer']['items'][number];
/** A schedule that is due each minute must leave room for the others. */
const mostComing = { limit: 200, per_schedule: 50 };

export const useSchedules = () =>
  useQuery({
    queryKey: ['schedules'],
    queryFn: () => api.ask('GET /api/schedules'),
    staleTime: 20_000,
  });

/**
 * The slots to come of all pipelines, and what they will meet: from the planner that fires them,
 * never from arithmetic of ours.
 */
export const useUpcoming = () =>
  useQuery({
    queryKey: ['schedules', 'upcoming'],
    queryFn: () => api.ask('GET /api/schedules/upcoming', { query: mostComing }),
    staleTime: 20_000,
  });

const slotEvents = 100;
/**
 * What the scheduler said of a pipeline: slots that fired, and those that became no run, with the
 * reason.
 */
export const useSlotEvents = (pipeline: string) =>
  useQuery({
    queryKey: ['slots', pipeline],
    queryFn: () =>
      api.ask('GET /api/events', { query: { pipeline, stage: 'scheduler', limit: slotEvents } }),
    staleTime: 20_000,
  });
