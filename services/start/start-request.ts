import type { OnConflict } from '../../definition/definition.ts';
import type { Actor } from '../../wire/actor.ts';
import type { Trigger } from '../../wire/status.ts';
import type { SlotClaim } from '../store/slot-store.ts';
export type StartRequest = {
  pipeline: string;
  params: Record<string, unknown>;
  trigger: Trigger;
  reason: string | null;
  actor: Actor;
  onlyStage: string | null;
  /** What to do about a live run; null = as the pipeline says. */
  onConflict: OnConflict | null;
  idempotency: Idempotency | null;
  /** The slot a schedule starts it for. */
  slot?: SlotClaim;
};

export type Idempotency = { key: string; bodyHash: string };
