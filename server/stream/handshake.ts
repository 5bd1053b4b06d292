import { z } from 'zod';
import { closed } from '../../definition/closed.ts';
import { ServiceError } from '../../services/host/service-error.ts';
import { type InspectionType, inspectionTypes } from '../../wire/inspection.ts';
import { nameParam, runIdParam, wholeNumber } from '../schemas.ts';
import { faultOfGlobs, type Glob, globsOf } from './globs.ts';

export type EventsRequest = {
  channel: 'events';
  scope: { runId?: string; pipeline?: string };
  since: { epoch: string; seq: number } | null;
  only: Glob[] | null;
  /** A cursor that is gone is refused instead of answered with a new snapshot. */
  isStrict: boolean;
};
export type LogsRequest = {
  channel: 'logs';
  runId: string;
  stage: string | null;
  /** Where to go on, or how much of what is there already comes first. */
  since: string | null;
  tail: number;
};

export type InspectRequest = {
  channel: 'inspect';
  /** null = all live runs, from now on. */
  runId: string | null;
  /** So many times as fast as it was; null = at once. */
  speed: number | null;
  types: ReadonlySet<InspectionType>;
};

const cursorPattern = /^([0-9a-z]+)\.(\d{1,15})$/;

/** What may stand behind the `?` of an event socket. */
export const eventsSocketQuery = closed({
  v: z.literal('1').optional(),
  pipeline: nameParam.optional(),
  since: z.string().regex(cursorPattern, 'expected a cursor such as k3f9ab.1042').optional(),
  only: z
    .string()
    .max(500)
    .superRefine((text, context) => {
      const message = faultOfGlobs(text);
      if (message) context.addIssue({ code: 'custom', message });
    })
    .optional(),
  strict: z.enum(['0', '1']).optional(),
});
/** What may stand behind the `?` of a log socket. */
export const logsSocketQuery = closed({
  v: z.literal('1').optional(),
  since: z
    .string()
    .regex(/^[a-z0-9-]+\.\d{1,6}\.\d{1,15}\.\d{1,15}$/, 'expected the cursor of a log frame')
    .optional(),
  tail: wholeNumber(0, 10_000_000).default(65_536),
});

const speedError = { error: 'expected a number from 0.1 to 1000, times the real pace' };
const isType = (word: string): word is InspectionType =>
  inspectionTypes.some((type) => type === word);
/** What may stand behind the `?` of an inspection socket. */
export const inspectSocketQuery = closed({
  speed: z
    .string()
    .regex(/^\d{1,4}(\.\d{1,3})?$/, speedError)
    .transform(Number)
    .refine((speed) => speed >= 0.1 && speed <= 1000, speedError)
    .optional(),
  types: z
    .string()
    .transform((text) => text.split(','))
    .refine((words) => words.every(isType), {
      error: `expected some of ${inspectionTypes.join(',')}`,
    })
    .optional(),
});

const checked = <T extends z.ZodType>(schema: T, query: URLSearchParams): z.infer<T> => {
  const result = schema.safeParse(Object.fromEntries(query));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new ServiceError('bad-parameter', `${issue?.path.join('.') ?? ''}: ${issue?.message}`);
};

const idOf = (given: string): string => {
  if (runIdParam.safeParse(given).success) return given;
  throw new ServiceError('invalid-id', 'the run id is malformed');
};

/** A classic client may write what it likes behind the `?`; of that only the pipeline is read. */
const classicQuery = (query: URLSearchParams): URLSearchParams => {
  const pipeline = query.get('pipeline');
  return new URLSearchParams(pipeline === null ? {} : { pipeline });
};

/**
 * What a client asks for, by its address.
 * @throws ServiceError unsupported-version, invalid-id, bad-parameter, not-found
 */
export const requestOf = (
  address: URL,
  isV1: boolean,
): EventsRequest | LogsRequest | InspectRequest => {
  const { pathname, searchParams } = address;
  const version = searchParams.get('v');
  if (version !== null && version !== '1')
    throw new ServiceError(
      'unsupported-version',
      `protocol version ${version.slice(0, 20)} is not spoken here; ask for v=1`,
    );
  const [, channel, first, second] =
    /^\/ws\/(events|logs|inspect)(?:\/([^/]*))?(?:\/([^/]*))?$/.exec(pathname) ?? [];
  if (channel === 'events' && second === undefined) {
    const query = checked(eventsSocketQuery, isV1 ? searchParams : classicQuery(searchParams));
    const [, epoch = '', seq] = cursorPattern.exec(query.since ?? '') ?? [];
    return {
      channel,
      scope: {
        ...(first !== undefined && { runId: idOf(first) }),
        ...(query.pipeline !== undefined && { pipeline: query.pipeline }),
      },
      since: seq === undefined ? null : { epoch, seq: Number(seq) },
      only: query.only === undefined ? null : globsOf(query.only),
      isStrict: query.strict === '1',
    };
  }
  if (channel === 'logs' && first !== undefined) {
    const { since = null, tail } = checked(logsSocketQuery, searchParams);
    if (second !== undefined && !nameParam.safeParse(second).success)
      throw new ServiceError('invalid-id', 'the stage name is malformed');
    return { channel, runId: idOf(first), stage: second ?? null, since, tail };
  }
  if (channel === 'inspect' && second === undefined) {
    const { speed = null, types = inspectionTypes } = checked(inspectSocketQuery, searchParams);
    const runId = first === undefined ? null : idOf(first);
    if (runId === null && speed !== null)
      throw new ServiceError('bad-parameter', 'speed: expected only where one run is looked at');
    return { channel, runId, speed, types: new Set(types.filter(isType)) };
  }
  throw new ServiceError('invalid-id', 'the address is not well formed');
};
