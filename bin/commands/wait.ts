import { follow } from '../../client/follow.ts';
import type { Status } from '../../wire/status.ts';
import { type Context, exits } from '../command.ts';
import { eventLine, seconds, showStatus } from '../print.ts';

export const exitOf = ({ state }: Status): number =>
  state === 'FAILED' ? exits.failed : state === 'STOPPED' ? exits.stopped : exits.done;
export const tell = ({ out, values }: Context, status: Status): void =>
  values.json ? out.json(status) : showStatus(out, status);

/** Follows the run to its end, over restarts of the service, and shows what it does. */
export const waitFor = async (
  context: Context,
  runId: string,
  timeoutMs: number | null,
): Promise<number> => {
  const { api, out, url, values } = context;
  const follower = follow({
    url,
    runId,
    onEvent: (event) => {
      // Debug facts are for `events`.
      if (!values.json && event.severity !== 'debug') out.line(eventLine(out, event));
    },
    onState: ({ runs }) => {
      const run = runs[runId];
      if (!run || values.json) return;
      const { done, total, unit, note } = run.progress ?? {};
      const counted =
        done === undefined
          ? ''
          : `${done}${total === undefined ? '' : ` of ${total}`} ${unit ?? ''}`;
      out.progress(
        [run.state, counted, note ?? '', run.ended_at ? '' : run.why].filter(Boolean).join('  '),
      );
    },
    onConnection: (connection) => {
      if (connection === 'waiting')
        out.progress('the service is not responding; waiting for it to come back');
    },
  });
  const over =
    timeoutMs === null
      ? new Promise<never>(() => {})
      : new Promise<'late'>((resolve) => setTimeout(resolve, timeoutMs, 'late').unref());
  const ended = await Promise.race([follower.closed, over]);
  follower.close();
  out.progress('');
  if (ended === 'late') {
    out.error(`the run is still working after ${seconds(timeoutMs)}; it goes on`);
    return exits.timedOut;
  }
  const status = await api.ask('GET /api/runs/{id}', { path: { id: runId } });
  tell(context, status as Status);
  return exitOf(status as Status);
};
