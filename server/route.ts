import type { Readable } from 'node:stream';
import { z } from 'zod';
import { closed } from '../definition/closed.ts';
import type { ServiceErrorCode } from '../services/host/service-error.ts';
import type { Orchestrator } from '../services/orchestrator/orchestrator-port.ts';
import type { Role } from '../wire/role.ts';
import { bodyOf, type ParametersOf, parametersOf, queryOf } from './checked-input.ts';

type Headers = Record<string, string>;
/** Text or bytes, for routes that name what it may be in `media`. */
type Raw = { status: 200; type: string; headers?: Headers } & (
  | { body: string | Uint8Array }
  /** Bytes as they come. `close` is called whatever happens; a HEAD reads nothing. */
  | { stream: { read: () => Readable; close: () => Promise<void> } }
);
export type RouteAnswer = Raw | { status: number; body: unknown; headers?: Headers };

/** A request before anything in it is checked. */
export type Asked = {
  params: unknown;
  query: unknown;
  body: unknown;
  header: (name: string) => string | undefined;
  /** Aborts when the client has left. */
  signal: AbortSignal;
};
type Params = Record<string, z.ZodType>;
/** What a handler gets: all that was asked, in the types of the route's own schemas. */
export type RouteInput<P extends Params, Q extends z.ZodType, B extends z.ZodType> = {
  params: ParametersOf<P>;
  query: z.output<Q>;
  body: z.output<B>;
} & Pick<Asked, 'header' | 'signal'>;

type Answers = Record<number, z.ZodType>;
/** One of the answers that are documented, and nothing else. */
type AnswerOf<A extends Answers, M> =
  | {
      [S in keyof A & number]: { status: S; body: z.output<A[S]>; headers?: Headers };
    }[keyof A & number]
  | (M extends string ? Raw : never);

type Common = {
  method: 'get' | 'post' | 'patch' | 'delete';
  /** `{name}` are parameters. */
  path: string;
  summary: string;
  role: Role;
  answers: Answers;
  /** Types of answers that are no JSON. */
  media?: readonly string[];
  /** The refusals of its own; those every route has are added for the documents. */
  refusals: readonly ServiceErrorCode[];
};
/** One route: its schemas are its validation, its types and its documentation. */
export type Route = Common & {
  params: Params;
  query: z.ZodType;
  /** Null: a body is not read. */
  body: z.ZodType | null;
  /** Checks what is asked and answers it. @throws ServiceError when it does not fit */
  answer(orchestrator: Orchestrator, asked: Asked): Promise<RouteAnswer>;
};
type Written<
  P extends Params,
  Q extends z.ZodType,
  B extends z.ZodType,
  A extends Answers,
  M extends string,
> = Common & {
  params?: P;
  query?: Q;
  body?: B;
  answers: A;
  media?: readonly M[];
  handle(orchestrator: Orchestrator, input: RouteInput<P, Q, B>): Promise<AnswerOf<A, M>>;
};

const noQuery = closed({});
const noBody = z.unknown().transform(() => undefined);

/**
 * A route whose handler gets its parameters, query and body in the types of their schemas, and
 * must give one of its answers in the type of that one's.
 */
export const route = <
  A extends Answers,
  P extends Params = Record<never, never>,
  Q extends z.ZodType = typeof noQuery,
  B extends z.ZodType = typeof noBody,
  M extends string = never,
>({
  handle,
  ...written
}: Written<P, Q, B, A, M>): Route => {
  // Where a schema was left out its type is the one of the default.
  const params = (written.params ?? {}) as P;
  const query = (written.query ?? noQuery) as Q;
  const body = (written.body ?? noBody) as B;
  return {
    ...written,
    params,
    query,
    body: written.body ?? null,
    answer: async (orchestrator, asked) =>
      handle(orchestrator, {
        params: parametersOf(params, asked.params),
        query: queryOf(query, asked.query),
        body: written.body ? bodyOf(body, asked.body) : body.parse(undefined),
        header: asked.header,
        // Passed on, not read: it is made when it is asked for.
        get signal() {
          return asked.signal;
        },
      }),
  };
};

export const ok = <T>(body: T): { status: 200; body: T } => ({ status: 200, body });
