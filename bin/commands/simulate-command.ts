import { runLifecycle } from '../../services/lifecycle/run-lifecycle.ts';
import { pipelineOf } from '../../services/simulate/pipeline-of.ts';
import {
  BadScript,
  checkScript,
  scriptFlags,
  scriptOf,
} from '../../services/simulate/script-flags.ts';
import { survey } from '../../services/simulate/survey.ts';
import { standAlone } from '../../services/simulate/world.ts';
import type { Story, Survey } from '../../wire/simulation.ts';
import { type Command, exits, numberOf, Usage } from '../command.ts';
import { type Output, stateColor } from '../print.ts';

/** Time of a story: `1d 02:03:04.005`. */
const clockText = (ms: number): string => {
  const days = Math.floor(ms / 86_400_000);
  return `${days > 0 ? `${days}d ` : ''}${new Date(ms % 86_400_000).toISOString().slice(11, 23)}`;
};

const brokenText = ({ broken }: Pick<Story, 'broken'>): string =>
  broken ? `${broken.invariant} does not hold: ${broken.detail}` : '';

const tell = (out: Output, { lines, state, why, duration_ms, replay, broken }: Story): void => {
  for (const { at_ms, state: now, text } of lines)
    out.line(`${clockText(at_ms)}  ${out.paint(stateColor(now), now.padEnd(20))} ${text}`);
  out.line('');
  out.line(`${out.paint(stateColor(state), state)} after ${clockText(duration_ms)}: ${why}`);
  if (broken) out.error(out.paint('red', brokenText({ broken })));
  out.line(`again: ${replay}`);
};

const tellMany = (out: Output, found: Survey): void => {
  const { runs, outcomes, duration_ms: took, longest, worst_case_ms: worst } = found;
  const ended = Object.entries(outcomes).toSorted(([, a], [, b]) => b - a);
  out.line(`${runs} runs: ${ended.map(([outcome, n]) => `${n} ${outcome}`).join(', ')}`);
  out.line(
    `they took ${clockText(took.least)} to ${clockText(took.most)}; half of them at most ${clockText(took.median)}, 95 % ${clockText(took.p95)}`,
  );
  if (longest) {
    const share = `${Math.round((100 * longest.duration_ms) / worst)} %`;
    out.line(
      `the longest with the service there: ${clockText(longest.duration_ms)}, ${share} of the ${clockText(worst)} that no run may exceed`,
    );
    out.line(`  ${longest.replay}`);
  }
  if (found.broken) {
    out.line('');
    out.line('the shortest script that breaks one:');
    tell(out, found.broken);
  } else out.line('every invariant held after every write');
};

const understood = async (
  given: string,
  folder: string,
  values: Parameters<typeof scriptOf>[0],
) => {
  try {
    const definition = await pipelineOf(given, folder);
    const script = scriptOf(values);
    checkScript(definition, script);
    return { definition, script };
  } catch (error) {
    throw error instanceof BadScript ? new Usage(error.message) : error;
  }
};

export const simulateCommands: Record<string, Command> = {
  simulate: {
    usage: `pipeline [--seed n] [--runs n] [${scriptFlags.map((flag) => `--${flag} …`).join(' ')}]`,
    help: 'a run of a pipeline, or of a pipeline file, in no time and without a service: by a script, with random faults by a seed, or many of them; exits as the run ended, or with 1 where an invariant is broken',
    options: ['pipelines', 'seed', 'runs', 'json', ...scriptFlags],
    maxArgs: 1,
    run: async ({ args: [given], values, out, env }) => {
      if (given === undefined) throw new Usage('simulate: name a pipeline, or a pipeline file');
      const folder = values.pipelines ?? env.STAGEWRIGHT_PIPELINES ?? './pipelines';
      const runs = numberOf('runs', values.runs, 1);
      if (runs < 1) throw new Usage('--runs 0: expected one run at least');
      const seeded = values.seed !== undefined || runs > 1;
      const seed = seeded ? numberOf('seed', values.seed, 1) : null;
      const { definition, script } = await understood(given, folder, values);
      const asked = { ...standAlone(definition, runLifecycle), script, seed, runs };
      const found = await survey({
        ...asked,
        progress: (done) => done % 100 === 0 && out.progress(`${done} of ${runs} runs`),
      });
      out.progress('');
      const { story } = found;
      if (values.json) out.json(found);
      else if (found.survey) tellMany(out, found.survey);
      else tell(out, story);
      if (found.survey) return found.survey.broken ? exits.failed : exits.done;
      if (story.broken) return exits.failed;
      return { DONE: exits.done, STOPPED: exits.stopped }[story.state] ?? exits.failed;
    },
  },
};
