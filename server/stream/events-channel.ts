import type { Clock } from '../../services/host/clock.ts';
import { ServiceError } from '../../services/host/service-error.ts';
import type { Orchestrator } from '../../services/orchestrator/orchestrator-port.ts';
import { isFinal } from '../../wire/final-states.ts';
import { globFits } from './globs.ts';
import type { EventsRequest } from './handshake.ts';
import { type Encoded, encode, frameOf, framesOf, type JournalTail } from './journal-tail.ts';
import type { Peer } from './peer.ts';

type Deps = {
  orchestrator: Orchestrator;
  tail: JournalTail;
  clock: Clock;
  heartbeatMs: number;
  version: string;
  uiBuild: string;
};
const pageSize = 200;
const endOf = ({ event }: Encoded): string | null =>
  event.event === 'state_change' && isFinal(event.data.to as string)
    ? (event.data.to as string)
    : null;

/**
 * One client of the event stream: a position in the journal and nothing else. Snapshot or resumed
 * first, then every event after it once and in order (stream.md).
 */
export const serveEvents = async (
  peer: Peer,
  request: EventsRequest,
  deps: Deps,
): Promise<void> => {
  const { orchestrator, tail, clock, heartbeatMs, version, uiBuild } = deps;
  const { scope, only } = request;
  const isAll = !scope.runId && !scope.pipeline && !only;
  let position = 0;
  /** The last seq this client was told of. */
  let prev = 0;
  /** The run is over: when nothing is left to tell, this state is. */
  let finalState: string | null = null;
  let isBusy = true;
  let isDone = false;

  const time = (): string => new Date(clock.wallMs()).toISOString();
  const cursor = (): string => `${tail.epoch}.${position}`;
  const say = (frame: object): void => peer.send(JSON.stringify(frame));

  const sendSnapshot = async (
    resume: 'fresh' | 'reset' | 'gap',
    reason: string | null,
  ): Promise<void> => {
    const { seq, data, final } = await orchestrator.streamSnapshot(scope, { classic: !peer.isV1 });
    position = seq;
    prev = seq;
    finalState = final;
    const start = {
      type: 'snapshot',
      v: 1,
      epoch: tail.epoch,
      as_of_seq: seq,
      cursor: cursor(),
      resume,
      ...(reason && { reason }),
    };
    say({
      ...start,
      heartbeat_ms: heartbeatMs,
      time: time(),
      server_version: version,
      ui_build: uiBuild,
      data,
    });
  };

  const begin = async (): Promise<void> => {
    if (!request.since || !peer.isV1) return sendSnapshot('fresh', null);
    const { epoch, seq } = request.since;
    const { oldestSeq, headSeq } = await orchestrator.journalAfter({}, Number.MAX_SAFE_INTEGER, 1);
    const isExpired = seq < headSeq && seq + 1 < oldestSeq;
    const reason =
      epoch !== tail.epoch ? 'epoch' : seq > headSeq ? 'future' : isExpired ? 'expired' : null;
    if (reason && request.isStrict)
      throw new ServiceError('cursor-gone', `the cursor cannot be resumed (${reason})`);
    if (reason) return sendSnapshot('reset', reason);
    // Refused like a fresh start would be, also when there is nothing to snapshot.
    finalState = (await orchestrator.scopeState(scope)).final;
    position = seq;
    prev = seq;
    const at = { epoch: tail.epoch, from_seq: seq, head_seq: headSeq, cursor: cursor() };
    say({ type: 'resumed', v: 1, ...at, heartbeat_ms: heartbeatMs, time: time() });
  };

  const wants = ({ event }: Encoded): boolean =>
    (!scope.runId || event.run_id === scope.runId) &&
    (!scope.pipeline || event.pipeline === scope.pipeline) &&
    (!only || only.some((glob) => globFits(glob, event.stage, event.event)));

  const finish = (state: string): void => {
    isDone = true;
    if (peer.isV1) say({ type: 'end', v: 1, seq: position, cursor: cursor(), data: { state } });
    peer.close(1000, 'the run is over');
  };

  const deliver = (events: Encoded[]): void => {
    const last = scope.runId
      ? events.findIndex((one) => one.event.run_id === scope.runId && endOf(one))
      : -1;
    const some = last >= 0 ? events.slice(0, last + 1) : events;
    const wanted = some.filter(wants);
    if (wanted.length > 0 && peer.isV1) peer.send(framesOf(wanted, prev));
    for (const one of wanted) {
      if (!peer.isV1) peer.send(frameOf(one, prev));
      prev = one.event.seq;
    }
    position = some.at(-1)?.event.seq ?? position;
    // After the end of a run nothing more is told of it (Q25).
    if (last >= 0) finish(endOf(events[last] as Encoded) as string);
  };

  /**
   * What the memory does not hold any more comes from the journal itself; what is not there either
   * is said aloud.
   */
  const catchUp = async (): Promise<void> => {
    const { events, oldestSeq, headSeq } = await orchestrator.journalAfter(scope, position, 100);
    if (oldestSeq > position + 1 && position < headSeq) {
      if (peer.isV1) say({ type: 'gap', v: 1, from_seq: position + 1, to_seq: headSeq });
      return sendSnapshot('gap', null);
    }
    deliver(events.map((event) => encode(event, tail.epoch)));
    if (!isDone && events.length < 100) position = Math.max(position, headSeq);
  };

  /** One turn: as much as the client takes. @returns whether there may be more at once */
  const turn = (): boolean | Promise<boolean> => {
    if (isDone || !peer.isOpen() || peer.isFull()) return false;
    if (isAll && peer.isV1) {
      const batch = tail.batchAfter(position);
      if (batch === undefined) return catchUp().then(() => true);
      if (batch === null) return false;
      peer.send(batch.frame);
      position = batch.upTo;
      prev = batch.upTo;
      return true;
    }
    const events = tail.after(position, pageSize);
    if (events === undefined) return catchUp().then(() => true);
    if (events.length > 0) deliver(events.slice(0, 100));
    else if (finalState) finish(finalState);
    return events.length > 0;
  };

  const pump = (): void => {
    if (isBusy) return;
    for (;;) {
      const more = turn();
      if (more === false) return;
      if (more === true) continue;
      isBusy = true;
      more.then(
        () => {
          isBusy = false;
          pump();
        },
        (error: Error) => {
          isDone = true;
          peer.close(1011, error.message);
        },
      );
      return;
    }
  };

  peer.onDrain(pump);
  // Before the snapshot is read: what is committed from now on is in memory when the snapshot has
  // been sent (S46).
  const unsubscribe = await tail.subscribe(pump);
  const quiet = orchestrator.onNews(({ run_id, pipeline, ...news }) => {
    if (!peer.isV1 || isBusy || only || peer.isFull()) return;
    if ((scope.runId && scope.runId !== run_id) || (scope.pipeline && scope.pipeline !== pipeline))
      return;
    say({ type: 'event', v: 1, ephemeral: true, run_id, pipeline, timestamp: time(), ...news });
  });
  const leave = (): void => {
    isDone = true;
    unsubscribe();
    quiet();
  };
  peer.onClose(leave);
  try {
    await begin();
  } catch (error) {
    leave();
    throw error;
  }
  // Not before: the first frame is the snapshot, or resumed (stream.md, rule 1).
  peer.onBeat(() => ({
    type: 'heartbeat',
    v: 1,
    seq: position,
    cursor: cursor(),
    epoch: tail.epoch,
    time: time(),
  }));
  isBusy = false;
  if (peer.isOpen()) pump();
  else leave();
};
