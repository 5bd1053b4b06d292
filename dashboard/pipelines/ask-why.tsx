import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { Link } from 'wouter';
import { Refused } from '../../client/api.ts';
import type { Operations } from '../../client/operations.ts';
import { api } from '../service-api.ts';
import { Field } from '../ui/field.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { Why } from '../ui/why.tsx';

type Answer = Operations['GET /api/pipelines/{name}/why']['answer'];

const Fact = ({ text, run_id }: Answer['facts'][number]) => (
  <>
    <Why text={text} />
    {run_id !== null && (
      <>
        {' '}
        <Link href={`/runs/${run_id}`}>Open the run</Link>
      </>
    )}
  </>
);

const Answered = ({ answer: { read_as, answer, facts, todo } }: { answer: Answer }) => {
  const [first, ...rest] = facts;
  return (
    <>
      <p className="muted">Asked of {read_as}</p>
      <p className="why-answer">{first ? <Fact {...first} /> : answer}</p>
      {rest.length > 0 && (
        <ul>
          {rest.map((fact) => (
            <li key={fact.code + fact.text}>
              <Fact {...fact} />
            </li>
          ))}
        </ul>
      )}
      {todo.length > 0 && (
        <>
          <h3>What you can do</h3>
          <ul>
            {todo.map((one) => (
              <li key={one}>
                <Why text={one} />
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
};

/** Why the pipeline did nothing at a time, or what it did: answered by the service, from what is stored. */
export const AskWhy = ({ name, timezone }: { name: string; timezone: string }) => {
  const [text, setText] = useState('');
  const [asked, setAsked] = useState<string | null>(null);
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ['why', name, asked],
    queryFn: () =>
      api.ask('GET /api/pipelines/{name}/why', {
        path: { name },
        query: { at: asked || undefined },
      }),
    enabled: asked !== null,
    retry: false,
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (text === asked) void refetch();
    else setAsked(text);
  };
  const isNoTime = error instanceof Refused && error.problem.code === 'bad-parameter';
  return (
    <section aria-labelledby="why-title" className="section ask-why">
      <h2 id="why-title">Why did nothing happen?</h2>
      <form onSubmit={submit}>
        <Field
          label="When"
          hint={`17:30, yesterday 17:30 or 2026-11-24T17:30 in ${timezone}; empty means now`}
          error={isNoTime ? error.problem.detail : null}
        >
          {(control) => (
            <input
              {...control}
              type="text"
              maxLength={60}
              autoComplete="off"
              placeholder="17:30"
              value={text}
              onChange={({ target }) => setText(target.value)}
            />
          )}
        </Field>
        <button type="submit" className="button" disabled={isFetching}>
          Ask
        </button>
      </form>
      <div className="why-said" aria-live="polite">
        {error !== null && !isNoTime && (
          <ProblemCard error={error} onRetry={() => void refetch()} />
        )}
        {error === null && data && <Answered answer={data} />}
      </div>
    </section>
  );
};
