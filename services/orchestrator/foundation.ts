import { join, resolve } from 'node:path';
import { countSlots } from '../health/slot-tallies.ts';
import { watchPlace } from '../health/store-place.ts';
import { watchStore } from '../health/store-trouble.ts';
import { createArchive } from '../history/archive.ts';
import { createRetention } from '../history/retention.ts';
import { createUnknownFolders } from '../history/unknown-folders.ts';
import { createDisk } from '../host/disk.ts';
import type { Log } from '../host/logger.ts';
import { createRepeats } from '../host/repeats.ts';
import { createSecrets } from '../secrets/secrets.ts';
import { createServiceTimes } from '../why/service-times.ts';
import { createPhase } from './phase.ts';
import { createPublisher } from './publisher.ts';
import type { Parts, ServiceOptions } from './service-parts.ts';

export type Foundation = ReturnType<typeof createFoundation>;

/** What everything else stands on: the store and the disk, watched, and who is told of what is written. */
export const createFoundation = (
  { clock, logger, store: plain }: Parts,
  { disk: limits, freeBytes, ...options }: ServiceOptions,
) => {
  const dataDir = resolve(options.dataDir);
  const log: Log = (message, meta) => logger.warn(message, meta);
  const disk = createDisk({ dataDir, limits, clock, log, ...(freeBytes && { freeBytes }) });
  const { store: watched, trouble } = watchStore({
    store: plain,
    makeRoom: disk.makeRoom,
    moved: watchPlace(join(dataDir, 'stagewright.sqlite')),
  });
  const { store, ...slotTallies } = countSlots(watched);
  const retention = createRetention({
    store,
    clock,
    dataDir,
    limits: options.retention,
    log: (message, meta) => logger.info(message, meta),
  });
  const archive = createArchive({
    store,
    clock,
    dir: join(dataDir, 'archive'),
    log,
    // What stood in the way of removing old runs is over.
    caughtUp: retention.wake,
  });
  return {
    clock,
    dataDir,
    log,
    disk,
    store,
    trouble,
    slotTallies,
    retention,
    archive,
    unknownFolders: createUnknownFolders({ store, clock, dataDir, log }),
    publisher: createPublisher({ store, clock, archive }),
    secrets: createSecrets(options.secretsFrom),
    repeats: createRepeats({ clock, log }),
    phase: createPhase(),
    serviceTimes: createServiceTimes({ store, clock }),
    /** Aborted when the service closes: nobody waits for a process any more. */
    closing: new AbortController(),
  };
};
