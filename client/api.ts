import type { Operations, Problem } from './operations.ts';

/** A refusal of the service, as it was answered. */
export class Refused extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    const fields = (problem.errors ?? [])
      .map(({ pointer, detail }) => `\n  ${pointer}: ${detail}`)
      .join('');
    super(`${problem.detail}${fields}`);
    this.problem = problem;
  }
}
/** Nobody answers at the address, or somebody who is not the service. */
export class NotReachable extends Error {}

type Name = keyof Operations;
type Some<T> = { [key in keyof T]?: T[key] | null | undefined };
type Asked<N extends Name> = {
  path?: Operations[N]['path'];
  query?: Some<Operations[N]['query']>;
  body?: Operations[N]['body'];
  headers?: Record<string, string>;
};
export type Api = {
  /** @throws Refused, NotReachable */
  ask<N extends Name>(operation: N, asked?: Asked<N>): Promise<Operations[N]['answer']>;
  /** For answers that are no JSON. @throws Refused, NotReachable */
  raw<N extends Name>(operation: N, asked?: Asked<N>): Promise<Response>;
};

/**
 * The REST API with the types of its own description. @param actor the name by which the history
 * shows who asked
 */
export const createApi = (base: string, actor?: string): Api => {
  const raw: Api['raw'] = async (operation, { path = {}, query = {}, body, headers = {} } = {}) => {
    const [method, template] = operation.split(' ') as [string, string];
    const address = new URL(
      template.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
        encodeURIComponent((path as Record<string, string>)[name] ?? ''),
      ),
      base,
    );
    for (const [name, value] of Object.entries(query))
      if (value !== undefined && value !== null) address.searchParams.set(name, String(value));
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const typed = {
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...(actor !== undefined && { 'X-Actor': actor }),
      ...headers,
    };
    const response = await fetch(address, { method, headers: typed, ...sent }).catch(() => {
      throw new NotReachable(`no service answers at ${base}; start it with: stagewright serve`);
    });
    if (response.ok) return response;
    const problem = (await response.json().catch(() => null)) as Problem | null;
    if (!problem?.code)
      throw new NotReachable(`what answers at ${base} is not Stagewright (${response.status})`);
    throw new Refused(problem);
  };
  return {
    raw,
    ask: async (operation, asked) => {
      const response = await raw(operation, asked);
      return (await response.json().catch(() => {
        throw new NotReachable(`what answers at ${base} is not Stagewright (${response.status})`);
      })) as never;
    },
  };
};
