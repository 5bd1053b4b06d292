import { withoutControls } from '../definition/free-text.ts';
import type { JournalEvent } from '../wire/events.ts';
import type { Status } from '../wire/status.ts';

export type Output = {
  line(text: string): void;
  error(text: string): void;
  json(value: unknown): void;
  /** Raw bytes of a stage, to the stream they came from. */
  write(stream: 'stdout' | 'stderr', text: string): void;
  /** One line that is written over again; on a terminal only. An empty text removes it. */
  progress(text: string): void;
  paint(color: keyof typeof colors, text: string): string;
};
type Stream = Pick<NodeJS.WriteStream, 'write'> & { isTTY?: boolean; columns?: number };

// biome-ignore lint/suspicious/noControlCharactersInRegex: the sequences that `paint` makes
const ownColors = /(\u001b\[(?:0|31|32|33|34|90)m)/;
const colors = { red: 31, green: 32, yellow: 33, blue: 34, grey: 90 };

/**
 * Plain lines in a pipe, color and a progress line on a terminal; `NO_COLOR` (no-color.org) turns
 * color off.
 */
export const createOutput = (
  stdout: Stream,
  stderr: Stream,
  env: Record<string, string | undefined>,
): Output => {
  const isTerminal = stdout.isTTY === true;
  const isColored = isTerminal && !env.NO_COLOR && env.TERM !== 'dumb';
  let shown = false;
  const clear = (): void => {
    if (shown) stdout.write('\r\u001b[K');
    shown = false;
  };
  /** What others wrote (reasons, titles, messages) moves no cursor; our own colors stay. */
  const plain = (text: string): string =>
    text
      .split(ownColors)
      .map((part, index) => (index % 2 === 0 ? withoutControls(part) : isColored ? part : ''))
      .join('');
  return {
    line: (text) => {
      clear();
      stdout.write(`${plain(text)}\n`);
    },
    error: (text) => {
      clear();
      stderr.write(`${plain(text)}\n`);
    },
    json: (value) => void stdout.write(`${JSON.stringify(value)}\n`),
    write: (stream, text) => {
      clear();
      (stream === 'stdout' ? stdout : stderr).write(text);
    },
    progress: (text) => {
      if (!isTerminal) return;
      clear();
      if (text === '') return;
      stdout.write(
        plain(text)
          .replaceAll('\n', ' ')
          .slice(0, (stdout.columns ?? 80) - 1),
      );
      shown = true;
    },
    paint: (color, text) => (isColored ? `\u001b[${colors[color]}m${text}\u001b[0m` : text),
  };
};

/** The color of a state or of an event. */
export const stateColor = (state: string): keyof typeof colors =>
  state === 'DONE' || state === 'succeeded'
    ? 'green'
    : state === 'FAILED' || state === 'failed' || state === 'lost'
      ? 'red'
      : ['STOPPED', 'stopped', 'skipped', 'reused', 'IDLE', 'pending'].includes(state)
        ? 'grey'
        : [
              'QUEUED',
              'queued',
              'RETRYING',
              'retrying',
              'PAUSED',
              'paused',
              'AWAITING_APPROVAL',
              'awaiting_approval',
            ].includes(state)
          ? 'yellow'
          : 'blue';

export const seconds = (ms: number | null): string =>
  ms === null ? '' : `${(ms / 1000).toFixed(1)} s`;

export const showStatus = (out: Output, status: Status): void => {
  const title = `${status.pipeline}${status.number === null ? '' : ` #${status.number}`}`;
  out.line(
    `${title}  ${out.paint(stateColor(status.state), status.state)}  ${status.run_id ?? ''}`.trimEnd(),
  );
  out.line(`  ${status.why}`);
  let above: string | undefined;
  for (const { name, group, state, attempt, max_attempts, duration_ms, reason } of status.stages) {
    if (group !== undefined && group !== above) out.line(`  ${group}, beside each other:`);
    above = group;
    const tried = attempt === 0 ? '' : `attempt ${attempt} of ${max_attempts}`;
    const cells = [
      `${group === undefined ? '' : '  '}${name}`.padEnd(16),
      out.paint(stateColor(state), state.padEnd(10)),
      tried.padEnd(16),
      seconds(duration_ms).padStart(9),
    ];
    out.line(`  ${cells.join('  ')}  ${reason ?? ''}`.trimEnd());
  }
  if (status.error?.stderr_tail)
    out.line(`  stderr: ${status.error.stderr_tail.replaceAll('\n', '\n          ')}`);
};

export const showRunLine = (out: Output, status: Status): void => {
  const cells = [
    status.run_id ?? '',
    `${status.pipeline} #${status.number}`.padEnd(24),
    out.paint(stateColor(status.state), status.state.padEnd(18)),
    (status.created_at ?? '').slice(0, 19).replace('T', ' '),
    seconds(status.duration_ms).padStart(10),
  ];
  out.line(`${cells.join('  ')}  ${status.state === 'DONE' ? '' : status.why}`.trimEnd());
};

export const eventLine = (
  out: Output,
  { timestamp, run_id, stage, event, msg }: JournalEvent,
): string =>
  `${timestamp}  ${run_id?.slice(-6) ?? '------'}  ${stage.padEnd(12)} ${out.paint(stateColor(event), event.padEnd(12))} ${msg}`;
