import { useLocation } from 'wouter';
import type { Operations } from '../../client/operations.ts';
import { type Desk, useDesk } from '../desk/desk.tsx';
import { api } from '../service-api.ts';
import { bodyOf, wordsOf } from './command-words.ts';

export type Target = Extract<Desk['open'], { kind: 'command' }>['run'];
type Body = Operations['POST /api/runs/{id}/commands']['body'];

type More = { reason?: string; stage?: string };

/**
 * The one way in which a page commands a run. A command that makes a new run leads to it.
 * @throws Refused, NotReachable
 */
export const useSendCommand = () => {
  const { say } = useDesk();
  const [, navigate] = useLocation();
  return async (run: Target, type: string, { reason = '', stage }: More = {}): Promise<void> => {
    const id = run.run_id as string;
    const why = reason.trim();
    const status = await api.ask('POST /api/runs/{id}/commands', {
      path: { id },
      body: {
        ...bodyOf(type),
        ...(why && { reason: why }),
        ...(stage !== undefined && { stage }),
      } as Body,
      // What is commanded is the run that was seen: if it has moved on meanwhile, the service says
      // so.
      headers: { 'If-Match': `"${run.version}"` },
    });
    say({ tone: 'ok', title: wordsOf(type).said, detail: status.why });
    if (status.run_id !== null && status.run_id !== id) navigate(`/runs/${status.run_id}`);
  };
};

/** Does what can be done at once, and asks first for the rest. */
export const useCommand = () => {
  const { show, say } = useDesk();
  const send = useSendCommand();
  return (run: Target, type: string): void => {
    if (wordsOf(type).isDirect)
      void send(run, type).catch((error: unknown) =>
        say({ tone: 'bad', title: wordsOf(type).label, error }),
      );
    else show({ kind: 'command', run, type });
  };
};
