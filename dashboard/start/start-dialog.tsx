import { type FormEvent, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { Refused } from '../../client/api.ts';
import { useDesk } from '../desk/desk.tsx';
import { useOffline } from '../live/use-offline.ts';
import { api } from '../service-api.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { Loading } from '../ui/loading.tsx';
import { NoPipeline } from '../ui/no-pipeline.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { type PipelineFacts, usePipelines } from '../use-reads.ts';
import { ParamField } from './param-field.tsx';
import { Outlook } from './start-outlook.tsx';
import { type Entry, entryOf, type Param, readEntry } from './start-params.ts';

/**
 * Not `randomUUID`: that exists on secure origins only, and a service on a local network is none.
 */
const newKey = (): string =>
  [...crypto.getRandomValues(new Uint8Array(16))]
    .map((byte) => byte.toString(16).padStart(2, '0'))
    .join('');

const entriesOf = (
  params: Record<string, Param>,
  given: Record<string, unknown> = {},
): Record<string, Entry> =>
  Object.fromEntries(
    Object.entries(params).map(([name, param]) => [
      name,
      entryOf(param, given[name] ?? param.default),
    ]),
  );

const StartForm = ({
  facts,
  onPipeline,
  names,
}: {
  facts: PipelineFacts;
  onPipeline: (name: string) => void;
  names: PipelineFacts[];
}) => {
  const { close, say } = useDesk();
  const [, navigate] = useLocation();
  const offline = useOffline();
  const params = facts.params as Record<string, Param>;
  const [entries, setEntries] = useState(() => entriesOf(params));
  const [reason, setReason] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [fields, setFields] = useState<Record<string, string>>({});
  const form = useRef<HTMLFormElement>(null);
  // Made when the dialog opens: however often the button is pressed, it is one run.
  const key = useRef(newKey());
  const last = facts.status.params;
  const hasLast = Object.keys(last).length > 0 && Object.keys(params).length > 0;

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    const read = Object.entries(params).map(
      ([name, param]) => [name, readEntry(param, entries[name] ?? '')] as const,
    );
    const wrong = read.flatMap(([name, value]) => (value.ok ? [] : [[name, value.detail]]));
    setFields(Object.fromEntries(wrong));
    if (wrong.length > 0) return;
    const values = Object.fromEntries(
      read.flatMap(([name, value]) =>
        value.ok && value.value !== undefined ? [[name, value.value]] : [],
      ),
    );
    setBusy(true);
    setError(null);
    try {
      const status = await api.ask('POST /api/pipelines/{name}/runs', {
        path: { name: facts.name },
        body: { params: values, manual: true, ...(reason.trim() && { reason: reason.trim() }) },
        headers: { 'Idempotency-Key': key.current },
      });
      close();
      say({
        tone: 'ok',
        title: `Run ${status.number} of ${facts.title} started`,
        detail: status.why,
        href: `/runs/${status.run_id}`,
      });
      navigate(`/runs/${status.run_id}`);
    } catch (refusal) {
      setBusy(false);
      setError(refusal);
      const errors = refusal instanceof Refused ? (refusal.problem.errors ?? []) : [];
      setFields(
        Object.fromEntries(
          errors.map(({ pointer, detail }) => [pointer.split('/').at(-1), detail]),
        ),
      );
      requestAnimationFrame(() =>
        form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus(),
      );
    }
  };
  const isSubmitKey = (event: React.KeyboardEvent): boolean =>
    (event.metaKey || event.ctrlKey) && event.key === 'Enter';

  return (
    <form
      ref={form}
      className="form"
      onSubmit={submit}
      onKeyDown={(event) => isSubmitKey(event) && form.current?.requestSubmit()}
    >
      <label className="field">
        <span>Pipeline</span>
        <select value={facts.name} data-first onChange={({ target }) => onPipeline(target.value)}>
          {names.map(({ name, title }) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      </label>
      {hasLast && (
        <button
          type="button"
          className="button quiet align-start"
          onClick={() => setEntries(entriesOf(params, last))}
        >
          <Icon name="copy" />
          Use the parameters of run {facts.status.number}
        </button>
      )}
      <div className="fields">
        {Object.entries(params).map(([name, param]) => (
          <ParamField
            key={name}
            name={name}
            param={param}
            entry={entries[name] ?? ''}
            error={fields[name] ?? null}
            onChange={(entry) => setEntries((all) => ({ ...all, [name]: entry }))}
          />
        ))}
      </div>
      <label className="field">
        <span>
          Reason <span className="muted">(optional, recorded with the run)</span>
        </span>
        <input
          type="text"
          value={reason}
          maxLength={500}
          autoComplete="off"
          onChange={({ target }) => setReason(target.value)}
        />
      </label>
      <Outlook facts={facts} />
      {error !== null && <ProblemCard error={error} />}
      {offline && <p className="field-error">{offline}</p>}
      <footer className="dialog-foot">
        <button type="button" className="button quiet" onClick={close}>
          Cancel
        </button>
        <button type="submit" className="button primary" disabled={isBusy || offline !== null}>
          <Icon name="start" />
          {isBusy ? 'Starting…' : 'Start'}
        </button>
      </footer>
    </form>
  );
};

/** Starts a run: which pipeline, with what, and what will come of it. */
export const StartDialog = ({ pipeline }: { pipeline: string | null }) => {
  const { close } = useDesk();
  const { data, error, refetch } = usePipelines();
  const [chosen, setChosen] = useState(pipeline);
  const items = data?.items ?? [];
  const facts =
    items.find(({ name }) => name === chosen) ?? items.find((item) => item.default) ?? items[0];
  return (
    <Dialog title="Start a run" onClose={close} className="wide">
      {error && <ProblemCard error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Loading what="the pipelines" />}
      {data && !facts && <NoPipeline />}
      {facts && <StartForm key={facts.name} facts={facts} names={items} onPipeline={setChosen} />}
    </Dialog>
  );
};
