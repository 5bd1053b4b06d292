import type { Clock } from '../../services/host/clock.ts';
import { ServiceError } from '../../services/host/service-error.ts';
import type { LogPlace, Orchestrator } from '../../services/orchestrator/orchestrator-port.ts';
import type { LogsRequest } from './handshake.ts';
import type { Peer } from './peer.ts';

type Deps = { orchestrator: Orchestrator; clock: Clock };
const streams = ['stdout', 'stderr'] as const;
const chunkBytes = 64 * 1024;
/** How often a growing log is looked at: what a person calls live. */
const lookEveryMs = 200;

/** Where a client stands in the output of an attempt. */
type Place = LogPlace & { offsets: Record<'stdout' | 'stderr', number> };
const cursorOf = ({ stage, attempt, offsets }: Place): string =>
  `${stage}.${attempt}.${offsets.stdout}.${offsets.stderr}`;
const placeOf = (cursor: string): Place => {
  const [stage = '', attempt, stdout, stderr] = cursor.split('.');
  return {
    stage,
    attempt: Number(attempt),
    offsets: { stdout: Number(stdout), stderr: Number(stderr) },
  };
};

/** How many of these bytes are whole UTF-8 characters; what is no UTF-8 at all counts as whole. */
const wholeCharacters = (bytes: Buffer): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] as number;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
};

/** What cannot be read is an event of the run; the other logs are sent all the same. */
const unreadable = (error: unknown): null => {
  if (error instanceof ServiceError && error.code === 'unreadable-log') return null;
  throw error;
};

/**
 * The output of a run, or of one stage, as it is written: attempt after attempt, both streams told
 * apart, from an offset on. A client is a position in files; a slow one reads later and costs
 * nothing (S43).
 */
export const serveLogs = async (
  peer: Peer,
  request: LogsRequest,
  { orchestrator, clock }: Deps,
): Promise<void> => {
  const { runId, stage } = request;
  let place: Place | null = request.since === null ? null : placeOf(request.since);
  let cancel = (): void => {};
  let isDone = false;
  const say = (frame: object): void => peer.send(JSON.stringify(frame));

  /** Refuses what does not exist before anything is sent. */
  const known = await orchestrator.logPlaces(runId, stage);
  const isKnown = (one: LogPlace): boolean =>
    known.places.some((other) => other.stage === one.stage && other.attempt === one.attempt);
  if (place && !isKnown(place))
    throw new ServiceError('bad-parameter', 'since: the run has no such attempt');
  if (!place && known.places.length > 0) {
    const newest = known.places.at(-1) as LogPlace;
    const sizes = await Promise.all(
      streams.map((stream) => orchestrator.logSize(runId, newest, stream).catch(unreadable)),
    );
    const [stdout = 0, stderr = 0] = sizes.map((size) => Math.max(0, (size ?? 0) - request.tail));
    place = { ...newest, offsets: { stdout, stderr } };
  }

  /** Sends what is new of one stream. @returns whether there was anything */
  const forward = async (
    from: Place,
    stream: 'stdout' | 'stderr',
    isLast: boolean,
  ): Promise<boolean> => {
    const offset = from.offsets[stream];
    const part = await orchestrator
      .logPart(runId, from, stream, { offset, limit: chunkBytes })
      .catch(unreadable);
    if (!part || part.bytes.length === 0) return false;
    const atEnd = isLast && part.nextOffset === part.size;
    const length = atEnd ? part.bytes.length : wholeCharacters(part.bytes);
    // A character of which only the beginning is written waits for its rest.
    if (length === 0) return false;
    from.offsets[stream] = offset + length;
    const text = part.bytes.subarray(0, length).toString('utf8');
    const where = { run_id: runId, stage: from.stage, attempt: from.attempt, stream };
    say({
      type: 'log',
      v: 1,
      ...where,
      offset,
      next_offset: offset + length,
      text,
      cursor: cursorOf(from),
    });
    return true;
  };

  /**
   * One look: everything that is there, as far as the client takes it. @returns the final state
   * when the run is over and all was sent
   */
  const look = async (): Promise<string | null> => {
    // Asked first: what is written until the run is over is read below.
    const { places, final } = await orchestrator.logPlaces(runId, stage);
    for (;;) {
      place ??= places[0] ? { ...places[0], offsets: { stdout: 0, stderr: 0 } } : null;
      if (!place) return final;
      const at = places.findIndex(
        (one) => one.stage === place?.stage && one.attempt === place.attempt,
      );
      const next = places[at + 1];
      const isLast = final !== null || next !== undefined;
      for (const stream of streams)
        while (peer.isOpen() && !peer.isFull() && (await forward(place, stream, isLast)));
      if (!peer.isOpen() || peer.isFull()) return null;
      // The next attempt begins only when nothing of the one before is left.
      if (!next) return final;
      place = { ...next, offsets: { stdout: 0, stderr: 0 } };
    }
  };

  const turn = async (): Promise<void> => {
    const final = await look();
    if (isDone || !peer.isOpen()) return;
    if (final === null) {
      cancel = clock.after(lookEveryMs, run);
      return;
    }
    say({ type: 'end', v: 1, cursor: place && cursorOf(place), data: { state: final } });
    peer.close(1000, 'the run is over');
  };
  const run = (): void => {
    turn().catch((error: Error) => peer.close(1011, error.message));
  };

  peer.onBeat(() => ({
    type: 'heartbeat',
    v: 1,
    cursor: place && cursorOf(place),
    time: new Date(clock.wallMs()).toISOString(),
  }));
  peer.onClose(() => {
    isDone = true;
    cancel();
  });
  run();
};
