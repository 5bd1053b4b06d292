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
/** Of one read of the journal, and of one turn. */
const catchUpSize = 100;
const endOf = ({ event }: Encoded): string | null =>
  event.event === 'state_change' && isFinal(event.data.to as string)
    ? (event.data.to as string)
    : null;

/** One client of the event stream: a position in the journal and nothing else. */
type Client = {
  peer: Peer;
  request: EventsRequest;
  deps: Deps;
  position: number;
  /** The last seq this client was told of. */
  prev: number;
  /** The run is over: when nothing is left to tell, this state is. */
  finalState: string | null;
  isDone: boolean;
};

const timeOf = ({ deps }: Client): string => new Date(deps.clock.wallMs()).toISOString();
const cursorOf = ({ deps, position }: Client): string => `${deps.tail.epoch}.${position}`;
const say = ({ peer }: Client, frame: object): void => peer.send(JSON.stringify(frame));

const sendSnapshot = async (
  client: Client,
  resume: 'fresh' | 'reset' | 'gap',
  reason: string | null,
): Promise<void> => {
  const { peer, request, deps } = client;
  const { seq, data, final } = await deps.orchestrator.streamSnapshot(request.scope, {
    classic: !peer.isV1,
  });
  client.position = seq;
  client.prev = seq;
  client.finalState = final;
  say(client, {
    type: 'snapshot',
    v: 1,
    epoch: deps.tail.epoch,
    as_of_seq: seq,
    cursor: cursorOf(client),
    resume,
    ...(reason && { reason }),
    heartbeat_ms: deps.heartbeatMs,
    time: timeOf(client),
    server_version: deps.version,
    ui_build: deps.uiBuild,
    data,
  });
};

const begin = async (client: Client): Promise<void> => {
  const { peer, request, deps } = client;
  const { orchestrator, tail } = deps;
  if (!request.since || !peer.isV1) return sendSnapshot(client, 'fresh', null);
  const { epoch, seq } = request.since;
  const { oldestSeq, headSeq } = await orchestrator.journalAfter({}, Number.MAX_SAFE_INTEGER, 1);
  const isExpired = seq < headSeq && seq + 1 < oldestSeq;
  const reason =
    epoch !== tail.epoch ? 'epoch' : seq > headSeq ? 'future' : isExpired ? 'expired' : null;
  if (reason && request.isStrict)
    throw new ServiceError('cursor-gone', `the cursor cannot be resumed (${reason})`);
  if (reason) return sendSnapshot(client, 'reset', reason);
  // Refused like a fresh start would be, also when there is nothing to snapshot.
  client.finalState = (await orchestrator.scopeState(request.scope)).final;
  client.position = seq;
  client.prev = seq;
  say(client, {
    type: 'resumed',
    v: 1,
    epoch: tail.epoch,
    from_seq: seq,
    head_seq: headSeq,
    cursor: cursorOf(client),
    heartbeat_ms: deps.heartbeatMs,
    time: timeOf(client),
  });
};

const wants = ({ scope, only }: EventsRequest, { event }: Encoded): boolean =>
  (!scope.runId || event.run_id === scope.runId) &&
  (!scope.pipeline || event.pipeline === scope.pipeline) &&
  (!only || only.some((glob) => globFits(glob, event.stage, event.event)));

const finish = (client: Client, state: string): void => {
  client.isDone = true;
  const { peer, position: seq } = client;
  if (peer.isV1) say(client, { type: 'end', v: 1, seq, cursor: cursorOf(client), data: { state } });
  peer.close(1000, 'the run is over');
};

const deliver = (client: Client, events: Encoded[]): void => {
  const { peer, request } = client;
  const { runId } = request.scope;
  const last = runId ? events.findIndex((one) => one.event.run_id === runId && endOf(one)) : -1;
  const some = last >= 0 ? events.slice(0, last + 1) : events;
  const wanted = some.filter((one) => wants(request, one));
  if (wanted.length > 0 && peer.isV1) peer.send(framesOf(wanted, client.prev));
  for (const one of wanted) {
    if (!peer.isV1) peer.send(frameOf(one, client.prev));
    client.prev = one.event.seq;
  }
  client.position = some.at(-1)?.event.seq ?? client.position;
  // After the end of a run nothing more is told of it (Q25).
  const final = last >= 0 ? some.at(-1) : undefined;
  if (final) finish(client, endOf(final) ?? '');
};

/**
 * What the memory does not hold any more comes from the journal itself; what is not there either
 * is said aloud.
 */
const catchUp = async (client: Client): Promise<true> => {
  const { peer, request, deps, position } = client;
  const { orchestrator, tail } = deps;
  const read = await orchestrator.journalAfter(request.scope, position, catchUpSize);
  const { events, oldestSeq, headSeq } = read;
  if (oldestSeq > position + 1 && position < headSeq) {
    if (peer.isV1) say(client, { type: 'gap', v: 1, from_seq: position + 1, to_seq: headSeq });
    await sendSnapshot(client, 'gap', null);
    return true;
  }
  deliver(
    client,
    events.map((event) => encode(event, tail.epoch)),
  );
  if (!client.isDone && events.length < catchUpSize)
    client.position = Math.max(client.position, headSeq);
  return true;
};

/** One turn: as much as the client takes. @returns whether there may be more at once */
const turn = (client: Client): boolean | Promise<boolean> => {
  const { peer, request, deps, position } = client;
  const { scope, only } = request;
  if (client.isDone || !peer.isOpen() || peer.isFull()) return false;
  if (!scope.runId && !scope.pipeline && !only && peer.isV1) {
    const batch = deps.tail.batchAfter(position);
    if (batch === undefined) return catchUp(client);
    if (batch === null) return false;
    peer.send(batch.frame);
    client.position = batch.upTo;
    client.prev = batch.upTo;
    return true;
  }
  const events = deps.tail.after(position, pageSize);
  if (events === undefined) return catchUp(client);
  if (events.length > 0) deliver(client, events.slice(0, catchUpSize));
  else if (client.finalState) finish(client, client.finalState);
  return events.length > 0;
};

/**
 * Serves one client of the event stream. Snapshot or resumed first, then every event after it once
 * and in order (stream.md).
 */
export const serveEvents = async (
  peer: Peer,
  request: EventsRequest,
  deps: Deps,
): Promise<void> => {
  const { orchestrator, tail } = deps;
  const { scope, only } = request;
  const at = { position: 0, prev: 0, finalState: null, isDone: false };
  const client: Client = { peer, request, deps, ...at };
  let isBusy = true;

  const pump = (): void => {
    if (isBusy) return;
    for (;;) {
      const more = turn(client);
      if (more === false) return;
      if (more === true) continue;
      isBusy = true;
      more.then(
        () => {
          isBusy = false;
          pump();
        },
        (error: Error) => {
          client.isDone = true;
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
    const timestamp = timeOf(client);
    say(client, { type: 'event', v: 1, ephemeral: true, run_id, pipeline, timestamp, ...news });
  });
  const leave = (): void => {
    client.isDone = true;
    unsubscribe();
    quiet();
  };
  peer.onClose(leave);
  try {
    await begin(client);
  } catch (error) {
    leave();
    throw error;
  }
  // Not before: the first frame is the snapshot, or resumed (stream.md, rule 1).
  peer.onBeat(() => ({
    type: 'heartbeat',
    v: 1,
    seq: client.position,
    cursor: cursorOf(client),
    epoch: tail.epoch,
    time: timeOf(client),
  }));
  isBusy = false;
  if (peer.isOpen()) pump();
  else leave();
};
