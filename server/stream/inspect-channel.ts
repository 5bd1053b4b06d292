import type { Clock } from '../../services/host/clock.ts';
import { ServiceError } from '../../services/host/service-error.ts';
import type { Orchestrator } from '../../services/orchestrator/orchestrator-port.ts';
import type { InspectionFrame } from '../../wire/inspection.ts';
import type { ForeignFrames } from './foreign-frames.ts';
import type { InspectRequest } from './handshake.ts';
import { farewellMs, type Peer } from './peer.ts';

export type InspectLimits = { inspectors: number; unreadBytes: number };
/** An inspector is for people: a few of them, and none may cost more than this. */
export const inspectLimits: InspectLimits = { inspectors: 20, unreadBytes: 1024 * 1024 };
/** Nobody who watches a run again waits longer than this for its next step. */
const longestPauseMs = 3000;
/** How soon after each other steps are sent that come fast: a write costs more than what is in it. */
const coalesceMs = 25;
/** Steps of one read of the ledger. */
const pageSize = 8;

type Source = Pick<Orchestrator, 'runStory' | 'onStep' | 'watchLive' | 'inspectionFailed'>;
type Deps = {
  orchestrator: Source;
  clock: Pick<Clock, 'after' | 'monotonicMs'>;
  foreign: ForeignFrames;
  limits: InspectLimits;
};
export type Inspectors = {
  serve(peer: Peer, request: InspectRequest): Promise<void>;
  count(): number;
};

/** Made once for all who look; gone with its frame. */
const texts = new WeakMap<InspectionFrame, string>();
const textOf = (frame: InspectionFrame): string => {
  const text = texts.get(frame) ?? JSON.stringify(frame);
  texts.set(frame, text);
  return text;
};
const typeOf = ({ type }: { type: string }): string => type.slice('@xstate.'.length);
const sendTo = (peer: Peer, types: ReadonlySet<string>) => (frames: readonly InspectionFrame[]) => {
  peer.together(() => {
    for (const frame of frames) if (types.has(typeOf(frame))) peer.send(textOf(frame));
  });
};
const sayFailed = (peer: Peer): void =>
  peer.close(1011, 'the feed failed; connect again', farewellMs);
const failing =
  (peer: Peer, { inspectionFailed }: Pick<Source, 'inspectionFailed'>) =>
  (error: unknown): void => {
    inspectionFailed(error);
    sayFailed(peer);
  };
/** Looks again and again while there is news, one look at a time. */
const inTurns = (look: () => Promise<void>, failed: (error: unknown) => void): (() => void) => {
  let isBusy = false;
  let again = false;
  const rounds = async (): Promise<void> => {
    while (again) {
      again = false;
      await look();
    }
    isBusy = false;
  };
  return () => {
    again = true;
    if (isBusy) return;
    isBusy = true;
    rounds().catch(failed);
  };
};

/** Those who look at runs in the dialect of @statelyai/inspect (docs/inspector.md). */
export const createInspectors = (deps: Deps): Inspectors => {
  const { limits } = deps;
  const looking = new Set<Peer>();
  return {
    count: () => looking.size,
    serve: async (peer, { runId, speed, types }) => {
      if (looking.size >= limits.inspectors)
        throw new ServiceError(
          'too-many-clients',
          `${limits.inspectors} inspectors are connected already; close one`,
        );
      looking.add(peer);
      peer.onClose(() => looking.delete(peer));
      try {
        if (runId === null) await serveLive(peer, types, deps);
        else await serveStory(peer, { runId, speed, types }, deps);
      } catch (error) {
        if (!(error instanceof ServiceError)) deps.orchestrator.inspectionFailed(error);
        throw error;
      }
    },
  };
};

/**
 * All live runs as they are now, what other programs showed last, and then each step of any. What is
 * said first waits for the reader; what happens does not.
 */
const serveLive = async (
  peer: Peer,
  types: ReadonlySet<string>,
  { orchestrator, clock, foreign, limits }: Deps,
): Promise<void> => {
  let position = 0;
  let isComplete = false;
  let leave = (): void => {};
  const failed = failing(peer, orchestrator);
  const {
    say,
    flush,
    silence: quiet,
  } = inBursts(clock, (frames) => {
    try {
      sendTo(peer, types)(frames);
    } catch (error) {
      return failed(error);
    }
    if (peer.unread() <= limits.unreadBytes) return;
    leave();
    const reason = `reads too slowly: more than ${limits.unreadBytes} bytes are unread`;
    peer.close(1013, reason, farewellMs);
  });
  const watch = await orchestrator.watchLive({ frames: say, failed: () => sayFailed(peer) });
  const relay = (): void => {
    for (let next = foreign.after(position); next && peer.isOpen() && !peer.isFull(); ) {
      if (types.has(typeOf(next))) peer.send(next.text);
      position = next.position;
      next = foreign.after(position);
    }
  };
  const pump = inTurns(async () => {
    while (!isComplete && peer.isOpen() && !peer.isFull()) {
      isComplete = !(await watch.announce());
      flush();
    }
    if (isComplete) relay();
  }, failed);
  const silence = foreign.onFrame(pump);
  leave = (): void => {
    watch.leave();
    silence();
    quiet();
  };
  peer.onClose(() => leave());
  peer.onDrain(pump);
  if (peer.isOpen()) pump();
  else leave();
};

/** What comes fast is sent together, at that pace; the first one at once. */
const inBursts = (clock: Deps['clock'], send: (frames: readonly InspectionFrame[]) => void) => {
  let kept: InspectionFrame[] = [];
  let cancel: (() => void) | null = null;
  const flush = (): void => {
    const frames = kept;
    kept = [];
    cancel?.();
    cancel = frames.length > 0 ? clock.after(coalesceMs, flush) : null;
    if (frames.length > 0) send(frames);
  };
  return {
    flush,
    say: (frames: readonly InspectionFrame[]): void => {
      kept.push(...frames);
      if (!cancel) flush();
    },
    silence: (): void => {
      kept = [];
      cancel?.();
    },
  };
};

/** How long after the step before it this one is told. */
export const pauseMs = (gapMs: number, speed: number | null): number =>
  speed === null ? 0 : Math.min(Math.max(0, gapMs) / speed, longestPauseMs);

/**
 * One run from its beginning, and on while it lives. A client is a position in the ledger: a slow
 * one reads later, and costs its socket's buffer.
 */
const serveStory = async (
  peer: Peer,
  { runId, speed, types }: Omit<InspectRequest, 'channel' | 'runId'> & { runId: string },
  { orchestrator, clock }: Deps,
): Promise<void> => {
  const send = sendTo(peer, types);
  const story = await orchestrator.runStory(runId);
  /** Goes on once the client has read, the pause is over, or it has left. */
  let goOn = (): void => {};
  const held = (hold: (release: () => void) => void): Promise<void> =>
    new Promise((resolve) => {
      goOn = resolve;
      hold(resolve);
    });
  let last: { at: number; toldMs: number } | null = null;
  const pace = async (at: number): Promise<void> => {
    const waitMs = last ? last.toldMs + pauseMs(at - last.at, speed) - clock.monotonicMs() : 0;
    if (waitMs > 0) {
      let cancel = (): void => {};
      await held((release) => {
        cancel = clock.after(waitMs, release);
      });
      cancel();
    }
    last = { at, toldMs: clock.monotonicMs() };
  };
  const turn = async (): Promise<void> => {
    while (peer.isOpen()) {
      const { steps, isOver } = await story.next(pageSize);
      for (const { at, frames } of steps) {
        await pace(at);
        if (peer.isFull()) await held(() => {});
        if (!peer.isOpen()) return;
        send(frames);
      }
      if (isOver) return peer.close(1000, 'the run is over');
      if (steps.length === 0) return;
    }
  };
  const pump = inTurns(turn, failing(peer, orchestrator));
  const leave = orchestrator.onStep((moved) => {
    if (moved === runId) pump();
  });
  peer.onDrain(() => goOn());
  peer.onClose(() => {
    leave();
    goOn();
  });
  if (peer.isOpen()) pump();
  else leave();
};
