import { useLocation } from 'wouter';
import type { Operations } from '../../client/operations.ts';
import { type Desk, useDesk } from '../desk/desk.tsx';
import { api } from '../service-api.ts';
import { bodyOf, wordsOf } from './command-words.ts';

export type Target = Extract<Desk['open'], { kind: 'command' }>['run'];
type Body = Operations['POST /api/runs/{id}/commands']['body'];

/** Sends a command; a command that makes a new run leads to it. @throws Refused, NotReachable */
export const useSendCommand = () => {
  const { say } = useDesk();
  const [, navigate] = useLocation();
  return async (run: Target, type: string, more: { reason?: string } = {}): Promise<void> => {
    const id = run.run_id as string;
    const status = await api.ask('POST /api/runs/{id}/commands', {
      path: { id },
      body: { ...bodyOf(type), ...more } as Body,
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
