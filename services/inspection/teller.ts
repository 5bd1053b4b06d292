import type { InspectedEvent, InspectedSnapshot, InspectionFrame } from '../../wire/inspection.ts';
import { pathOf } from '../interpreter/decide.ts';
import type { Interpreted } from '../interpreter/lifecycle.ts';
import { type Microstep, microstepsOf } from '../interpreter/microsteps.ts';
import type { LedgerRow } from '../store/run-rows.ts';
import { type Children, createChildren, type Stored } from './children.ts';
import { type Child, createFrameWriter, type FrameWriter, type Subject } from './frame-writer.ts';

/** A row of the ledger with the snapshot it left; null when the run did not move. */
type LedgerStep = LedgerRow & { snapshot: unknown };
/** How far a run has been told. */
export type Told = { n: number; version: number; at: number; snapshot: unknown };

export type Teller = {
  readonly n: number;
  /** What the run began with. */
  begin(input: unknown): InspectionFrame[];
  /** Who is there, and what they show now: for whoever comes later. */
  now(): InspectionFrame[];
  step(row: LedgerStep): InspectionFrame[];
};

const answerPattern = /^xstate\.(done|error)\.actor\.(.+)$/;
/**
 * Tells a run in the words of the inspection dialect, row by row of its ledger. The stored snapshots
 * are the truth; the chart is only asked which of its ways led from one to the next, and where it
 * cannot say that (it is older than this version, or its actions have changed since) the story goes
 * on without.
 * @param born the version that begot each child of the first snapshot
 */
export const createTeller = (
  subject: Subject,
  interpreted: Interpreted | null,
  from: Told,
  born: Record<string, number> = {},
): Teller => {
  const { runId, clean } = subject;
  const told = { ...from, snapshot: from.snapshot as Stored };
  const children = createChildren(runId, clean);
  children.become(told.snapshot, (id) => born[id] ?? 0);

  const shown = (stored: Stored): InspectedSnapshot => ({
    status: stored.status,
    value: stored.value,
    context: clean(stored.context) as Record<string, unknown>,
    children: Object.fromEntries(
      children.all().map(({ id, session }) => [id, { xstate$$type: 1 as const, id: session }]),
    ),
    historyValue: stored.historyValue ?? {},
    tags: [],
  });
  const namesOf = (row: LedgerStep): Microstep[] => {
    if (!interpreted || row.why !== null) return [];
    try {
      const steps = microstepsOf(interpreted, told.snapshot, row.event);
      return pathOf(steps.at(-1)?.value ?? '') === row.to ? steps : [];
    } catch {
      return [];
    }
  };

  const step = (row: LedgerStep): InspectionFrame[] => {
    const writer = createFrameWriter(subject, { seq: row.n, version: row.version, at: row.at });
    const event = { ...(clean(row.event) as InspectedEvent), type: row.event.type };
    const sourceId = senderOf(row, runId, children);
    const { verdict, cause, guards } = row;
    const why = clean(row.why) as string | null;
    const more = { verdict, why, cause, guards };
    writer.event(runId, event, sourceId === undefined ? more : { sourceId, ...more });
    told.n = row.n;
    if (verdict !== 'accepted') return writer.frames;

    const named = writeMicrosteps(writer, namesOf(row), row, { children, event, clean });
    const next = row.snapshot as Stored;
    // A run whose chart could not go on is stored as it stood, and has ended all the same.
    const isCondemned = why !== null;
    const after: Stored = isCondemned ? { ...next, status: 'error' } : next;
    const unnamed = children.become(after, () => row.version);
    for (const child of unnamed.born) writer.child(child);
    for (const { session, input } of [...named.born, ...unnamed.born]) {
      const init = { type: 'xstate.init', input };
      writer.event(session, init, { sourceId: runId });
      writer.snapshot(session, init, { status: 'active', input });
    }
    const failure = isCondemned ? { error: { message: why } } : {};
    writer.snapshot(runId, event, { ...shown(after), ...failure });
    for (const child of [...named.over, ...unnamed.over]) writeEnd(writer, child, event);
    Object.assign(told, { version: row.version, at: row.at, snapshot: after });
    return writer.frames;
  };

  return {
    get n() {
      return told.n;
    },
    begin: (input) => {
      const writer = createFrameWriter(subject, { seq: 0, version: 0, at: told.at });
      const snapshot = shown(told.snapshot);
      const init = { type: 'xstate.init', input: clean(input) };
      writer.run(snapshot);
      writer.event(runId, init);
      writer.snapshot(runId, init, snapshot);
      return writer.frames;
    },
    now: () => {
      const { n: seq, version, at } = told;
      const writer = createFrameWriter(subject, { seq, version, at }, 'now');
      writer.run(shown(told.snapshot));
      for (const child of children.all()) writer.child(child);
      return writer.frames;
    },
    step,
  };
};

/** Nobody where somebody outside sent it; a timer is the run's own. */
const senderOf = (
  { event, cause }: LedgerRow,
  runId: string,
  children: Children,
): string | undefined => {
  const [, , answerer] = answerPattern.exec(event.type) ?? [];
  if (answerer !== undefined) return children.sessionOf(answerer);
  return cause.kind === 'timer' ? runId : undefined;
};

type Inside = { children: Children; event: InspectedEvent; clean: Subject['clean'] };
/** What happened inside the step, and which children it begot and ended. */
const writeMicrosteps = (
  writer: FrameWriter,
  steps: Microstep[],
  row: LedgerStep,
  { children, event, clean }: Inside,
): { born: Child[]; over: Child[] } => {
  const born: Child[] = [];
  const over: Child[] = [];
  for (const [index, micro] of steps.entries()) {
    for (const { type, params } of micro.actions) {
      if (type === 'xstate.stopChild') {
        const id = typeof params === 'string' ? params : (params as { id: string }).id;
        const child = children.end(id);
        if (child) over.push(child);
      }
      if (type !== 'xstate.spawnChild') continue;
      const { id, src, input } = params as { id: string; src: unknown; input: unknown };
      const child = children.bear(id, src, input, row.version);
      writer.child(child);
      born.push(child);
    }
    for (const action of micro.actions) writer.action(action);
    // The ledger knows which guards the event asked, and what they said then.
    const guards = index === 0 ? row.guards : micro.guards;
    const cause = micro.event === row.event ? event : (clean(micro.event) as InspectedEvent);
    writer.microstep(cause, { ...micro, guards });
  }
  return { born, over };
};

/** The last that is seen of a child: its answer, or that it was ended. */
const writeEnd = (writer: FrameWriter, { id, session, input }: Child, event: InspectedEvent) => {
  const [, kind, answerer] = answerPattern.exec(event.type) ?? [];
  if (answerer !== id)
    return writer.snapshot(session, { type: 'xstate.stop' }, { status: 'stopped', input });
  const { output, error } = event;
  if (kind === 'done')
    writer.snapshot(
      session,
      { type: 'xstate.promise.resolve', data: output },
      { status: 'done', input, output },
    );
  else
    writer.snapshot(
      session,
      { type: 'xstate.promise.reject', data: error },
      { status: 'error', input, error },
    );
};
