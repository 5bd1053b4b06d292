import { useState } from 'react';
import { NotReachable, Refused } from '../../client/api.ts';
import { Icon } from './icon.tsx';

type Told = {
  title: string;
  detail: string;
  code: string | null;
  requestId: string | null;
  fields: { pointer: string; detail: string }[];
};

/**
 * What is known of a failed request, for people. A refusal of the service says it itself (RFC
 * 9457).
 */
const told = (error: unknown): Told => {
  const rest = { code: null, requestId: null, fields: [] };
  if (error instanceof Refused) {
    const { title, detail, code, request_id, errors = [] } = error.problem;
    return { title, detail, code, requestId: request_id, fields: errors };
  }
  if (error instanceof NotReachable)
    return { title: 'The service is not responding', detail: `${error.message}.`, ...rest };
  return { title: 'Something went wrong on this page', detail: String(error), ...rest };
};

const Copy = ({ text }: { text: string }) => {
  const [isDone, setDone] = useState(false);
  const copy = (): void => {
    navigator.clipboard?.writeText(text).then(
      () => setDone(true),
      () => setDone(false),
    );
  };
  return (
    <button type="button" className="button quiet" onClick={copy}>
      <Icon name={isDone ? 'check' : 'copy'} />
      {isDone ? 'Copied' : 'Copy details'}
    </button>
  );
};

/**
 * A refusal or a failure: what happened, why, what was wrong where, and what to quote when asking
 * for help.
 */
export const ProblemCard = ({ error, onRetry }: { error: unknown; onRetry?: () => void }) => {
  const { title, detail, code, requestId, fields } = told(error);
  const text = JSON.stringify(
    error instanceof Refused ? error.problem : { title, detail },
    null,
    2,
  );
  return (
    <div className="problem" role="alert">
      <Icon name="warning" />
      <div>
        <p className="problem-title">{title}</p>
        <p>{detail}</p>
        {fields.length > 0 && (
          <ul>
            {fields.map(({ pointer, detail: what }) => (
              <li key={pointer + what}>
                <code>{pointer}</code> {what}
              </li>
            ))}
          </ul>
        )}
        {code && (
          <p className="problem-ids">
            <code>{code}</code> · request <code>{requestId}</code>
          </p>
        )}
        <div className="problem-actions">
          {onRetry && (
            <button type="button" className="button" onClick={onRetry}>
              <Icon name="retry" />
              Try again
            </button>
          )}
          <Copy text={text} />
        </div>
      </div>
    </div>
  );
};
