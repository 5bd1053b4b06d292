import { durationText } from '../duration.ts';
import { type Finding, found, neverReached } from '../finding.ts';
import type { Judge } from './judge.ts';

/** A stage that works longer than this unheard deserves a heartbeat. */
const longSilenceMs = 2 * 3_600_000;

export const limitFindings: Judge = (
  stage,
  at,
  { timeoutMs: runTimeoutMs },
  { isWritten, shutdownGraceMs },
) => {
  // Nothing of it works.
  if (stage.program.kind === 'approval') return [];
  const { name, timeoutMs, heartbeatMs, graceMs, totalTimeoutMs, warnAfterMs } = stage;
  const hasTimeout = isWritten(`${at}/timeout`);
  const findings: Finding[] = [];
  // From the innermost limit to the outermost. A default that is never reached is nobody's mistake.
  const nested: [key: string, ms: number | null, outer: string, outerMs: number | null][] = [
    ['warn_after', warnAfterMs, `${at}/timeout`, timeoutMs],
    ['heartbeat', heartbeatMs, `${at}/timeout`, timeoutMs],
    ['timeout', hasTimeout ? timeoutMs : null, `${at}/total_timeout`, totalTimeoutMs],
    ['timeout', hasTimeout ? timeoutMs : null, '/timeout', runTimeoutMs],
    ['total_timeout', totalTimeoutMs, '/timeout', runTimeoutMs],
  ];
  for (const [key, ms, outer, outerMs] of nested)
    if (ms !== null && outerMs !== null && ms >= outerMs)
      findings.push(neverReached(`${at}/${key}`, ms, outer, outerMs));
  if (!hasTimeout) {
    const detail = `${name} has no timeout of its own; ${durationText(timeoutMs)} is the default`;
    findings.push(found('default-timeout', at, detail, 'write down how long an attempt may work'));
  }
  if (heartbeatMs === null && timeoutMs >= longSilenceMs) {
    const detail = `${name} may hang for ${durationText(timeoutMs)} before anybody notices`;
    findings.push(
      found(
        'no-heartbeat',
        at,
        detail,
        'give it a heartbeat, and let the program print something while it works',
      ),
    );
  }
  if (isWritten(`${at}/grace`) && graceMs > shutdownGraceMs) {
    const detail = `when the service stops, ${name} gets ${durationText(shutdownGraceMs)} to end, not ${durationText(graceMs)}`;
    findings.push(
      found(
        'grace-beyond-shutdown',
        `${at}/grace`,
        detail,
        'raise --shutdown-timeout, or be ready to be ended sooner',
      ),
    );
  }
  return findings;
};
