import type { Clock } from '../host/clock.ts';
import type { Store } from '../store/store.ts';

export type HealthReport = {
  status: 'ok' | 'degraded' | 'draining' | 'starting';
  checks: Record<
    string,
    { status: 'ok' | 'degraded'; detail: string; code?: string; since?: string }
  >;
  /** New runs may be started: the answer of /readyz. */
  ready: boolean;
};

/** What a part of the service says of itself. `code` names the reason; it is part of the API. */
export type HealthVerdict =
  | { ok: true; detail: string }
  | { ok: false; code: string; detail: string };
type Check = () => HealthVerdict;
/** With these nothing can be started: the service lives, but sends new work away. */
const refusing = ['store-unavailable', 'disk-full'];

/**
 * The health of the service: each part answers for itself, and a change is one event (stage
 * `system`).
 */
export type Health = {
  register(name: string, check: Check): void;
  report(): HealthReport;
  /**
   * Looks at every check and records what has changed since the last look. @throws when it cannot
   * be recorded; asked again it is
   */
  look(): Promise<void>;
};

export const createHealth = (deps: {
  clock: Pick<Clock, 'wallMs'>;
  /** ready, or why nobody is served yet or any more. */
  phase: () => 'starting' | 'ready' | 'draining';
  note: (event: Parameters<Store['note']>[0]) => Promise<void>;
}): Health => {
  const { clock, phase, note } = deps;
  const checks = new Map<string, Check>();
  const since = new Map<string, { code: string; at: number }>();
  /** What the journal says at the moment, by check. */
  const told = new Map<string, string>();

  const judge = (name: string, check: Check): HealthVerdict => {
    const verdict = check();
    if (verdict.ok) since.delete(name);
    else if (since.get(name)?.code !== verdict.code)
      since.set(name, { code: verdict.code, at: clock.wallMs() });
    return verdict;
  };

  return {
    register: (name, check) => void checks.set(name, check),
    report: () => {
      const shown: HealthReport['checks'] = {};
      for (const [name, check] of checks) {
        const verdict = judge(name, check);
        const at = since.get(name)?.at;
        shown[name] = verdict.ok
          ? { status: 'ok', detail: verdict.detail }
          : {
              status: 'degraded',
              detail: verdict.detail,
              code: verdict.code,
              since: new Date(at as number).toISOString(),
            };
      }
      const isDegraded = Object.values(shown).some(({ status }) => status === 'degraded');
      const now = phase();
      const refuses = Object.values(shown).some(
        ({ code }) => code !== undefined && refusing.includes(code),
      );
      return {
        status: now !== 'ready' ? now : isDegraded ? 'degraded' : 'ok',
        checks: shown,
        ready: now === 'ready' && !refuses,
      };
    },
    look: async () => {
      for (const [name, check] of checks) {
        const verdict = judge(name, check);
        const before = told.get(name) ?? null;
        const code = verdict.ok ? null : verdict.code;
        if (code === before) continue;
        const of = { runId: null, pipeline: null, stage: 'system' };
        const msg = `${name}: ${verdict.detail}`;
        if (code !== null)
          await note({
            ...of,
            event: 'warning',
            severity: 'warning',
            msg,
            data: { check: name, code },
          });
        else
          await note({
            ...of,
            event: 'recovered',
            severity: 'info',
            msg,
            data: { check: name, code: before },
          });
        if (code === null) told.delete(name);
        else told.set(name, code);
      }
    },
  };
};
