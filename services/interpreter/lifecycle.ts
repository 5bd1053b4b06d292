import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import type { ChartConfig } from '../../machines/chart-config.ts';
import type { NewEvent } from '../../wire/events.ts';
import type { Failure } from '../../wire/failure.ts';
import type { Cause } from '../../wire/run-answers.ts';
import type { Decision, EffectKind, EffectRow, Loaded, TimerRow } from '../store/run-rows.ts';

export type Machine = AnyStateMachine;
export type Snapshot = AnyMachineSnapshot;
/** What a machine is told; the instant is put to it where it is decided. */
export type MachineEvent = { type: string; [key: string]: unknown };
export type Told = MachineEvent & { at: number };
export type Judged = {
  guard: string;
  holds: boolean;
  /** The sentence for where it does not hold. */
  why: () => string;
  /** What was judged, in either case. */
  values: () => string;
};
export type View = Loaded['run']['projection'];
/** A step that moves: all of it but the words. */
export type Moved = Omit<Decision, 'ledger' | 'events'> & { next: NonNullable<Decision['next']> };

/**
 * What the interpreter has to be told of the machine it interprets. It knows snapshots, guards,
 * effects, timers and rows; what they stand for, it asks here.
 */
export type Lifecycle = {
  /** Stored with each chart: grows when a definition compiles to another one. */
  readonly compilerVersion: number;
  compile(definition: Loaded['run']['definition']): ChartConfig;
  /** @throws when this version lacks something that the chart names */
  machineOf(config: ChartConfig): Machine;
  /** A stored context as the actions of today read it. */
  contextOf(stored: unknown): unknown;
  judge(guard: string, of: { context: unknown; event: Told }, params: unknown): Judged;
  /** What a snapshot shows. */
  viewOf(snapshot: Snapshot): View;
  /** It asks something that more than one could do, or one that cannot. */
  isUnclear(snapshot: Snapshot, event: Told): boolean;
  /** Why an event is not possible. */
  whyNot(snapshot: Snapshot, event: Told, view: View, guards: Judged[]): string;
  /** The machine cannot go on: what it shows from now on, and what was still open. */
  condemned(run: Loaded['run'], failure: Failure, at: number): { view: View; facts: NewEvent[] };
  events: {
    /** The first one of a run; `queued` when it has to wait for its turn. */
    first(runId: string, queued: unknown, more: unknown): MachineEvent;
    fault(message: string, during: string): MachineEvent;
    /** Whether it forgets, without proof, this effect, dropped and not known to be gone. */
    forgets(event: MachineEvent, context: unknown, effect: EffectRow): boolean;
  };
  timers: {
    eventOf(id: string): MachineEvent;
    clockOf(id: string): TimerRow['clock'];
    /** What it limits: one attempt, or all that a stage or the run may take. */
    limitOf(id: string): 'attempt' | 'whole' | null;
    /** What it bounds or lets wait; null = all of it. */
    stageOf(id: string): string | null;
    /** What waits for its next attempt by this timer. */
    backoffOf(id: string): string | null;
  };
  effects: {
    /** How often this was tried, this time included. */
    attemptOf(context: unknown, input: EffectRow['input']): number;
    /** Something of it may live on when it is dropped: its row stays until that is gone. */
    outlives(kind: EffectKind): boolean;
    /** It has no failure to answer with, and goes on until it holds. */
    isTriedUntilDone(kind: EffectKind): boolean;
    /** It needs room on the disk. */
    writes(kind: EffectKind): boolean;
    /** "waits for the store to record …" */
    recordOf(effect: EffectRow): string;
    /** "waits for room before …" */
    beginningOf(effect: EffectRow): string;
  };
  journal: {
    /** What a step has to say, around what the chart said. */
    moved(loaded: Loaded, moved: Moved, cause: Cause, ofChart: NewEvent[]): NewEvent[];
    /** `more`: so often was it refused again, for the same reason. */
    refused(
      loaded: Loaded,
      event: Told,
      cause: Cause,
      refusal: { why: string; more?: number },
    ): NewEvent;
  };
};
/** A machine, and what to ask about it. */
export type Interpreted = { machine: Machine; lifecycle: Lifecycle };
