import type { StateBox } from '../../drawing/drawing.ts';
import type { ChartGraph } from '../../drawing/graph.ts';
import type { RunView } from '../../wire/patch.ts';
import type { StageStatus } from '../../wire/status.ts';
import type { Marks } from '../chart/marks.ts';
import type { ShownState } from '../chart/shown-state.ts';
import { lookOfStage } from '../ui/state-words.ts';
import { counted } from '../ui/time.ts';
import type { Timer } from './countdowns.ts';

type Known = {
  graph: ChartGraph;
  run: RunView;
  marks: Marks;
  timers: readonly Timer[];
  /** The service's clock; null while nobody knows it. */
  now: number | null;
  /** An earlier step is looked at: what is known of the run now does not belong there. */
  isPast: boolean;
};

const attemptsOf = (stage: StageStatus | undefined): string | null =>
  stage && stage.attempt > 0 && stage.max_attempts > 1
    ? `${stage.attempt}/${stage.max_attempts}`
    : null;

const shownTimer = ({ from, to }: Timer, now: number | null): ShownState['timer'] =>
  now === null
    ? { text: '–', share: 0 }
    : {
        text: `${counted(Math.max(0, to - now))} left`,
        share: Math.min(1, Math.max(0, (now - from) / (to - from))),
      };

/**
 * What the run says of a state beside its marks: how its stage is doing, its attempt, and the timer
 * that will leave it.
 */
export const stateFacts = (
  { graph, run, marks, timers, now, isPast }: Known,
  { state, shape, tone }: StateBox,
): ShownState => {
  if (isPast) return { stage: null, note: null, timer: null };
  const stageOf = (name: string | null) => run.stages.find((stage) => stage.name === name);
  if (shape !== 'state') {
    const stage = stageOf(state.stage);
    const look = stage ? lookOfStage(stage.state) : null;
    return {
      stage: look && look.glyph !== 'pending' ? look : null,
      note: shape === 'title' && stage?.state !== 'succeeded' ? attemptsOf(stage) : null,
      timer: null,
    };
  }
  const owner = stageOf(graph.states.find(({ path }) => path === state.parent)?.stage ?? null);
  if (!owner || !marks.active.has(state.path)) return { stage: null, note: null, timer: null };
  // A state that only waits is left by the backoff, one that works by its time limit.
  const timer = timers.find(({ stage }) => stage === owner.name);
  const isTimed =
    timer !== undefined &&
    state.delays.length > 0 &&
    (tone === 'wait') === (timer.kind === 'backoff');
  return {
    stage: null,
    note: tone === 'work' ? attemptsOf(owner) : null,
    timer: isTimed ? shownTimer(timer, now) : null,
  };
};
