import type { PipelineDefinition } from '../../definition/definition.ts';
import { createRandom } from '../../stages/builtin/sample-bars/random.ts';
import type { Happening } from '../../wire/simulation.ts';

/** What breaks a service and not a stage: with these a run may take longer than its worst case. */
export const isOutside = ({ what }: Happening): boolean =>
  ['crash', 'reboot', 'crash-before', 'crash-after', 'slow-store', 'clock-step'].includes(what);

/**
 * Faults by a seed, the same for the same one: of stages, of the service, of the machine, the store
 * and the clock. Mostly few at a time.
 */
export const randomScript = ({ stages }: PipelineDefinition, seed: number): Happening[] => {
  const random = createRandom('simulate', seed);
  const below = (n: number): number => Math.floor(random.next() * n);
  const often = (share: number): boolean => random.next() < share;
  const script: Happening[] = [];
  for (const { name: stage, timeoutMs, retry } of stages) {
    const attempt = 1 + below(2);
    const times = 1 + below(retry.limit + 2);
    // Short mostly, and now and then up to the last millisecond.
    if (often(0.5))
      script.push({ what: 'takes', stage, ms: often(0.2) ? timeoutMs - 1 : below(timeoutMs) });
    if (often(0.3)) script.push({ what: 'fail', stage, times, code: 'exit-code' });
    else if (often(0.15)) script.push({ what: 'hang', stage, times: 1 + below(2) });
    if (often(0.05)) script.push({ what: 'skip', stage });
    if (often(0.15)) script.push({ what: 'deaf', stage });
    if (often(0.1)) script.push({ what: 'late', stage });
    if (often(0.05)) script.push({ what: 'stop', stage, attempt });
    if (often(0.08)) script.push({ what: 'crash', stage, attempt });
    if (often(0.05)) script.push({ what: 'reboot', stage, attempt });
  }
  const write = (): number => 1 + below(6 * stages.length + 6);
  if (often(0.15)) script.push({ what: 'crash-before', write: write() });
  if (often(0.15)) script.push({ what: 'crash-after', write: write() });
  if (often(0.1)) script.push({ what: 'slow-store', write: write(), ms: below(120_000) });
  if (often(0.1))
    script.push({ what: 'clock-step', write: write(), ms: below(7_200_000) - 3_600_000 });
  return script;
};
