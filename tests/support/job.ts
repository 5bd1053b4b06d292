import type { Command } from '../../machines/commands.ts';
import { type Running, runService, startRequest } from './service.ts';

// The pipeline `job`, in a service of its own: for tests of what a pipeline file may say.

/** @param file all but its name, as the file has it */
export const openJob = (file: object): Promise<Running> =>
  runService({ pipelines: { 'job.json': JSON.stringify({ name: 'job', ...file }) } });

/** @returns the id of the run */
export const startJob = async (on: Running, params: object = {}): Promise<string> => {
  const { status } = await on.orchestrator.start(startRequest('job', { params: { ...params } }));
  return status.run_id as string;
};

/** Somebody called `name` sends a command. */
export const commandAs = (on: Running, name: string, id: string, command: Command) =>
  on.orchestrator.command(id, {
    command,
    actor: { kind: 'user', name },
    ifVersion: null,
    idempotency: null,
  });
