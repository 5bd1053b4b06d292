import type { AttemptAnswer, ProcessIdentity } from '../../stages/contract.ts';
import type { ProcessTable } from '../../stages/launcher-port.ts';
import { createEndings } from '../launcher/endings.ts';
import type { EffectRow } from '../store/run-rows.ts';
import type { Plan } from './script.ts';
import type { VirtualClock } from './virtual-clock.ts';

type SimProcess = {
  identity: ProcessIdentity;
  effect: EffectRow;
  plan: Plan;
  isAlive: boolean;
  /** Its gate: before it is open nothing of the program runs, and it ends when the service does. */
  isOpen: boolean;
  /** What it left when it ended by itself; null = nothing. */
  left: AttemptAnswer | null;
  ended: PromiseWithResolvers<void>;
};

/** How long a program takes to end that hears SIGTERM. */
const hearsMs = 10;

const answerOf = ({ code, skips }: Plan): AttemptAnswer => {
  const rest = { metrics: {}, progress: null, warnings: [] };
  if (code === null)
    return {
      ok: true,
      outputs: {},
      skipped: skips ? 'nothing to do' : null,
      partial: null,
      ...rest,
    };
  const message = code === 'exit-code' ? 'ended with exit code 1' : `failed with ${code}`;
  const exit = code === 'exit-code' ? { exit_code: 1 } : {};
  return { ok: false, failure: { code, message, retryable: true, ...exit }, ...rest };
};

export type SimHost = ReturnType<typeof createSimHost>;

/** The machine under the service: processes that outlive it, and what they leave. */
export const createSimHost = (clock: VirtualClock) => {
  const processes: SimProcess[] = [];
  let life = clock.live();
  let pids = 100;

  const end = (one: SimProcess, left: AttemptAnswer | null): void => {
    if (!one.isAlive) return;
    one.isAlive = false;
    one.left = left;
    one.ended.resolve();
  };
  const ask = (one: SimProcess): void => {
    if (!one.isOpen) end(one, null);
    else if (!one.plan.isDeaf) life.after(hearsMs, () => end(one, null));
  };
  const of = (effect: Pick<EffectRow, 'token'>): SimProcess | undefined =>
    // What was asked for and not begun is begun again, under the same token.
    processes.findLast((one) => one.effect.token === effect.token);

  return {
    end,
    ask,
    all: (): readonly SimProcess[] => processes,
    /** Behind the gate: it is there, and does nothing before `open`. */
    spawn: (effect: EffectRow, plan: Plan): SimProcess => {
      pids += 1;
      const identity = {
        pid: pids,
        startTicks: pids,
        bootId: life.bootId(),
        pidNamespace: 'simulated',
      };
      const one: SimProcess = {
        identity,
        effect,
        plan,
        isAlive: true,
        isOpen: false,
        left: null,
        ended: Promise.withResolvers(),
      };
      processes.push(one);
      return one;
    },
    open: (one: SimProcess): void => {
      const { plan } = one;
      one.isOpen = true;
      if (plan.ms !== null) life.after(plan.ms, () => end(one, answerOf(plan)));
    },
    of,
    living: (runId: string): SimProcess[] =>
      processes.filter((one) => one.isAlive && one.effect.runId === runId),
    /** The launcher ends what worked for a service that is gone. */
    serviceLost: (graceMs: (effect: EffectRow) => number): void => {
      for (const one of processes.filter(({ isAlive }) => isAlive)) {
        ask(one);
        life.after(graceMs(one.effect), () => end(one, null));
      }
    },
    /** Everything is gone but what was written. */
    machineDown: (): void => {
      life.end();
      clock.reboot();
      life = clock.live();
      for (const one of processes) end(one, null);
    },
  };
};

/** The processes as one service sees them, which has its own endings. */
export const simTable = (
  host: SimHost,
  clock: Parameters<typeof createEndings>[0]['clock'],
): ProcessTable => {
  const endings = createEndings({ clock });
  return {
    isAlive: ({ pid }) => host.all().some((one) => one.identity.pid === pid && one.isAlive),
    members: (_, token) =>
      host
        .all()
        .flatMap(({ isAlive, effect, identity }) =>
          isAlive && effect.token === token ? [identity.pid] : [],
        ),
    end: (_, token, graceMs, abort, order = {}) => {
      const one = host.of({ token });
      const prey = {
        look: (strike: boolean) => {
          if (strike && one) host.end(one, null);
          return { found: one?.isAlive === true, unsure: false };
        },
        ask: () => one && host.ask(one),
      };
      return endings.end(token, prey, graceMs, abort, order);
    },
    shorten: endings.shorten,
  };
};
