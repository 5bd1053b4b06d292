import { iso } from '../../wire/iso.ts';
import type { Press, WhatIf } from '../../wire/what-if.ts';
import { revive } from '../interpreter/charts.ts';
import { ChartFault, decide, pathOf } from '../interpreter/decide.ts';
import { dueIn } from '../interpreter/due-timers.ts';
import { waysOf } from '../interpreter/judged.ts';
import type { MachineEvent } from '../interpreter/lifecycle.ts';
import { afterDecision } from '../store/after-decision.ts';
import type { Decision, EffectRow, TimerRow } from '../store/run-rows.ts';
import { comingOf, meantBy, type Scene } from './presses.ts';
import { effectText, pressText, timerText } from './words.ts';

type Step = WhatIf['steps'][number];

export const shownEffect = (row: EffectRow): WhatIf['effects'][number] => ({
  effect: row.id,
  text: effectText(row),
  kind: row.kind,
  stage: row.input.stage ?? null,
  attempt: row.attempt,
  state: row.state,
});
export const shownTimer = (
  row: TimerRow,
  { now }: Pick<Scene, 'now'>,
): WhatIf['timers'][number] => {
  const dueInMs = Math.max(0, dueIn(row, now));
  return {
    timer: row.id,
    text: timerText(row),
    clock: row.clock,
    delay_ms: row.delayMs,
    due_in_ms: dueInMs,
    due_at: iso(now.wallMs + dueInMs),
  };
};
/** Where the chart stands: `running.analyzer.attempting`. */
export const pathNow = ({ loaded }: Scene): string =>
  pathOf((loaded.run.snapshot as { value: unknown }).value);

/** What the guards of every way say, with their values. */
const waysFor = ({ interpreted, loaded, now }: Scene, event: MachineEvent): Step['ways'] => {
  const snapshot = revive(interpreted, loaded.run.snapshot);
  return waysOf(interpreted.lifecycle, snapshot, { ...event, at: now.wallMs }).map(
    ({ to, judged, isTaken }) => ({
      to,
      guard: judged?.guard ?? null,
      holds: judged?.holds ?? null,
      values: judged?.values() ?? null,
      is_taken: isTaken,
    }),
  );
};

export type Pressed = {
  text: string;
  /** The scene after it; the one before where it was refused, a moment later. */
  scene: Scene;
  /** Asked when it is shown. */
  ways: () => Step['ways'];
} & ({ decision: Decision; whyNot: null } | { decision: null; whyNot: string });

/** One event pressed: what the interpreter decides, by the same function and on the same rows. */
export const press = (scene: Scene, asked: Press): Pressed => {
  const { effect, timer } = meantBy(scene.loaded, asked);
  const text = pressText(asked, effect, timer);
  const coming = comingOf(scene, asked);
  const refused = (whyNot: string, ways: Pressed['ways'] = () => []): Pressed => ({
    text,
    scene,
    ways,
    decision: null,
    whyNot,
  });
  if (typeof coming === 'string') return refused(coming);
  const { delivery } = coming;
  const { interpreted, loaded, now } = coming.scene;
  const ways = () => waysFor(coming.scene, delivery.event);
  try {
    const decision = decide(interpreted, loaded, delivery, now);
    if (!decision.next) return refused(decision.ledger.why ?? 'it is refused', ways);
    const after = { interpreted, loaded: afterDecision(loaded, decision), now };
    return { text, scene: after, ways, decision, whyNot: null };
  } catch (error) {
    if (error instanceof ChartFault) return refused(`the chart breaks: ${error.message}`);
    throw error;
  }
};

/** A pressed event as it is told. */
export const stepOf = (asked: Press, before: Scene, pressed: Pressed, startedAt: number): Step => {
  const { scene, decision, ways, text, whyNot } = pressed;
  const { projection } = scene.loaded.run;
  const dropped = (decision?.drop ?? []).flatMap(({ id, stamp }) =>
    scene.loaded.effects.filter((row) => row.id === id && row.stamp === stamp),
  );
  return {
    press: asked,
    text,
    at: iso(scene.now.wallMs),
    elapsed_ms: scene.now.wallMs - startedAt,
    verdict: decision ? 'accepted' : 'refused',
    why_not: whyNot,
    from: pathNow(before),
    to: pathNow(scene),
    state: projection.state,
    why: projection.why,
    ways: ways(),
    says: (decision?.events ?? []).map(({ event, stage, msg }) => ({ event, stage, msg })),
    born: (decision?.born ?? []).map(shownEffect),
    dropped: dropped.map(shownEffect),
    armed: (decision?.arm ?? []).map((row) => shownTimer(row, scene)),
    disarmed: (decision?.disarm ?? []).map(({ id }) => id),
  };
};
