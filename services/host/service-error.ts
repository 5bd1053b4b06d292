/**
 * Every fault of a caller, its HTTP status and title: the one table that REST, CLI and
 * docs/errors.md share.
 */
export const serviceErrors = {
  'invalid-json': [400, 'The body is not JSON'],
  'invalid-id': [400, 'The id is malformed'],
  'bad-parameter': [400, 'A query parameter is malformed'],
  'foreign-origin': [403, 'The request comes from another site'],
  'unknown-host': [403, 'The Host header is not one of ours'],
  'not-found': [404, 'There is nothing at this address'],
  'unknown-run': [404, 'No such run'],
  'unknown-pipeline': [404, 'No such pipeline'],
  'unknown-stage': [404, 'No such stage'],
  'unknown-version': [404, 'No such version of the run'],
  'unknown-attempt': [404, 'No such attempt, or it has no output'],
  'unknown-schedule': [404, 'No such schedule'],
  'unknown-backfill': [404, 'No such backfill'],
  'unknown-artefact': [404, 'No such artefact'],
  'unknown-channel': [404, 'No such channel'],
  'unknown-notification': [404, 'No such notification'],
  'method-not-allowed': [405, 'The method is not possible here'],
  'unsupported-version': [406, 'The protocol version is not spoken'],
  'already-running': [409, 'A run is live already'],
  'queue-full': [409, 'As many runs wait as may'],
  'blocked-by-policy': [409, 'Runs of the pipeline are paused after failures'],
  'nothing-to-acknowledge': [409, 'There is no failure to acknowledge'],
  'command-not-allowed': [409, 'The command is not possible now'],
  'stage-needed': [409, 'Several stages fit the command'],
  'nothing-to-stop': [409, 'No run is live'],
  'run-active': [409, 'A run is live'],
  'defined-in-file': [409, 'The schedule is defined in a pipeline file'],
  'schedule-exists': [409, 'A schedule has this id already'],
  'unreadable-log': [409, 'The log is no file that can be read'],
  'already-delivered': [409, 'The notification is delivered'],
  'too-many-schedules': [409, 'As many schedules were made as may be'],
  'cursor-gone': [410, 'The position in the journal is gone'],
  'version-moved': [412, 'The run is at another version'],
  'schedule-moved': [412, 'The schedule is at another version'],
  'body-too-large': [413, 'The body is larger than 1 MiB'],
  'unsupported-media-type': [415, 'The body must be application/json'],
  'invalid-body': [422, 'The body does not fit the schema'],
  'invalid-params': [422, 'The parameters do not fit the pipeline'],
  'missing-input': [422, 'A stage needs outputs that no run has produced'],
  'invalid-schedule': [422, 'The schedule is invalid'],
  'invalid-backfill': [422, 'The window of the backfill is invalid'],
  'simulation-too-long': [422, 'The simulation takes too long here'],
  'idempotency-key-reused': [422, 'The idempotency key was used with another body'],
  internal: [500, 'Something is wrong on our side'],
  starting: [503, 'The service is settling the truth after a restart'],
  draining: [503, 'The service is shutting down'],
  'disk-full': [503, 'The disk is full'],
  'store-unavailable': [503, 'The store cannot be reached'],
  'too-many-clients': [503, 'Too many clients are connected'],
  'too-many-simulations': [503, 'As many simulations wait as may'],
} as const satisfies Record<string, readonly [number, string]>;

export type ServiceErrorCode = keyof typeof serviceErrors;
export type FieldError = { pointer: string; detail: string };

/** A refusal with its reason; anything else that is thrown is a bug. */
export class ServiceError extends Error {
  readonly code: ServiceErrorCode;
  readonly errors: FieldError[];
  /** Further members of the problem document, e.g. run_id, state, allowed. */
  readonly extra: Record<string, unknown>;
  constructor(
    code: ServiceErrorCode,
    detail: string,
    more: { errors?: FieldError[]; extra?: Record<string, unknown> } = {},
  ) {
    super(detail);
    this.name = 'ServiceError';
    this.code = code;
    this.errors = more.errors ?? [];
    this.extra = more.extra ?? {};
  }
  get status(): number {
    return serviceErrors[this.code][0];
  }
}
