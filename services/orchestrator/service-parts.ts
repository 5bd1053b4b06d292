import type { Launcher, ProcessTable } from '../../stages/launcher-port.ts';
import type { RetentionLimits } from '../history/retention.ts';
import type { Clock } from '../host/clock.ts';
import type { DiskLimits } from '../host/disk.ts';
import type { Logger } from '../host/logger.ts';
import type { NotifySource } from '../notifications/notify-source.ts';
import type { LoadedPipelines } from '../pipelines/pipelines.ts';
import type { Waker } from '../scheduler/waker.ts';
import type { Store } from '../store/store.ts';

/**
 * The parts with a life of their own: real ones in production, wrapped ones where a test kills at a
 * named point.
 */
export type Parts = {
  store: Store;
  launcher: Launcher;
  processes: ProcessTable;
  clock: Clock;
  logger: Logger;
  waker: Waker;
};
export type ServiceOptions = {
  dataDir: string;
  baseEnv: Record<string, string>;
  loaded: LoadedPipelines;
  /** Reads the pipeline files again. */
  readPipelines: () => Promise<LoadedPipelines>;
  /** Where stages of this machine reach the service; absent, or null, where nothing listens. */
  url?: () => string | null;
  defaultPipeline: string | null;
  shutdownTimeoutMs: number;
  watchdogIntervalMs: number;
  disk: DiskLimits;
  retention: RetentionLimits;
  /** Another measure of free space than the file system's own. */
  freeBytes?: (path: string) => Promise<number>;
  /** Who is told of what; absent = nobody. */
  notify?: NotifySource;
  secretsFrom: { env: Record<string, string | undefined>; readFile: (path: string) => string };
};
