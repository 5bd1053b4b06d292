import { allStages } from '../../definition/definition.ts';
import type { Ending } from '../../stages/contract.ts';
import type { Press } from '../../wire/what-if.ts';
import { dueIn } from '../interpreter/due-timers.ts';
import { endingFrom, withGrace } from '../launcher/endings.ts';
import { graceOf } from '../runners/drain.ts';
import type { EffectRow } from '../store/run-rows.ts';
import { press } from './press.ts';
import { isEndedBy, type Scene } from './presses.ts';

/** Nothing that ends takes more. */
const maxTurns = 500;

type Next = { inMs: number; press: Press };

/**
 * Drives a run as badly as it can go: every attempt works to its timeout and every drain to its
 * grace. The last attempt of a stage may succeed in its last millisecond, so that the next stage can
 * be as bad. @returns milliseconds to its end; null where it waits for a person, or goes on for ever
 */
export const drivenBadly = (from: Scene, lastSucceeds: boolean): number | null => {
  let scene = from;
  const startedAt = from.now.monotonicMs;
  /** As the service keeps them: one deadline an ending, which a later drain goes on with. */
  const endings = new Map<string, Ending>();
  const killedAt = (dropping: EffectRow): number => {
    const { loaded, now } = scene;
    const key = `${dropping.id} ${dropping.stamp}`;
    const known = endings.get(key) ?? dropping.ending;
    const graceMs = graceOf(loaded.run, dropping);
    const ending = known
      ? withGrace(known, graceMs)
      : endingFrom(now.monotonicMs, graceMs, now.bootId);
    endings.set(key, ending);
    return ending.killAt;
  };
  const answeredIn = (row: EffectRow): number | null => {
    const { run, effects } = scene.loaded;
    const { monotonicMs, wallMs } = scene.now;
    if (row.kind === 'drain') {
      const dropping = effects.filter((one) => isEndedBy(one, row));
      return Math.max(0, ...dropping.map((one) => killedAt(one) - monotonicMs));
    }
    if (row.kind !== 'stage') return 0;
    const of = run.projection.stages.find(({ name }) => name === row.input.stage);
    if (!lastSucceeds || !of || row.attempt !== of.max_attempts) return null;
    const { timeoutMs } = allStages(run.definition).find((one) => one.name === of.name) ?? {};
    return Math.max(0, row.createdAt + (timeoutMs ?? 0) - 1 - wallMs);
  };
  const nexts = (): Next[] => [
    ...scene.loaded.timers.map(
      (row): Next => ({
        inMs: Math.max(0, dueIn(row, scene.now)),
        press: { kind: 'timer', timer: row.id },
      }),
    ),
    ...scene.loaded.effects.flatMap((row): Next[] => {
      const inMs = row.state === 'dropping' ? null : answeredIn(row);
      return inMs === null
        ? []
        : [{ inMs, press: { kind: 'answer', effect: row.id, answer: 'done' } }];
    }),
  ];
  for (let turns = 0; scene.loaded.run.endedAt === null; turns += 1) {
    const next = nexts().toSorted((a, b) => a.inMs - b.inMs)[0];
    if (!next || turns > maxTurns) return null;
    const asked =
      next.press.kind === 'answer' ? { ...next.press, after_ms: next.inMs } : next.press;
    const pressed = press(scene, asked);
    if (!pressed.decision) return null;
    scene = pressed.scene;
  }
  return scene.now.monotonicMs - startedAt;
};

/** How long a run takes from here, driven badly. */
export const worstFrom = (scene: Scene): number | null => {
  const [failing, succeeding] = [drivenBadly(scene, false), drivenBadly(scene, true)];
  return failing === null || succeeding === null ? null : Math.max(failing, succeeding);
};
