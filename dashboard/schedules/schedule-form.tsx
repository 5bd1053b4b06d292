import {
  type FormEvent,
  type ReactNode,
  useDeferredValue,
  useEffect,
  useRef,
  useState,
} from 'react';
import { useOffline } from '../live/use-offline.ts';
import { ParamField } from '../start/param-field.tsx';
import type { Param } from '../start/start-params.ts';
import { ProblemCard } from '../ui/problem-notice.tsx';
import { type Draft, type Fields, faultsOf, saysWhen } from './draft.ts';
import { entriesOf, readParams } from './param-values.ts';
import { PolicyFields } from './policy-fields.tsx';
import { type Asked, Preview, usePreview } from './slot-preview.tsx';
import { WhenFields } from './when-fields.tsx';
import { ZoneField } from './zone-field.tsx';

type Props = {
  before: Draft;
  /** The zone of the pipeline. */
  likely: string;
  params: Record<string, Param>;
  given: Record<string, unknown>;
  /** What the service is to be asked and told of a draft. */
  fieldsOf: (draft: Draft) => Fields;
  whose: Pick<Asked, 'id' | 'pipeline'>;
  /** @throws what the service refused */
  save: (fields: Fields) => Promise<void>;
  word: string;
  /** Whether there may be nothing to say at all. */
  mayBeEmpty?: boolean;
  /** The id, whose fault may be the service's to say. */
  head?: (fault: string | undefined) => ReactNode;
  children?: ReactNode;
  aside?: ReactNode;
  onClose: () => void;
};

/**
 * What a schedule is made of, as fields; below them the next times by the planner, and each problem
 * at its field.
 */
export const ScheduleForm = (props: Props) => {
  const {
    before,
    likely,
    params,
    given,
    fieldsOf,
    whose,
    save,
    word,
    mayBeEmpty = false,
    head,
    children,
    aside,
    onClose,
  } = props;
  const offline = useOffline();
  const form = useRef<HTMLFormElement>(null);
  const [draft, setDraft] = useState(before);
  const [entries, setEntries] = useState(() => entriesOf(params, given));
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const shown = useDeferredValue(draft);
  const preview = usePreview({ ...whose, ...fieldsOf(shown) }, saysWhen(shown));
  const { values, wrong } = readParams(params, entries, given);
  const fields: Fields = { ...fieldsOf(draft), ...(values && { params: values }) };
  const refusal = error ?? (saysWhen(draft) ? preview.error : null);
  const faults: Record<string, string> = { ...faultsOf(refusal), ...wrong };
  const places = [
    'id',
    draft.kind,
    'timezone',
    'overlap',
    'missed',
    'dst_gap',
    'dst_fold',
    ...Object.keys(params),
  ];
  const isPlaced =
    Object.keys(faultsOf(refusal)).length > 0 &&
    Object.keys(faultsOf(refusal)).every((name) => places.includes(name));

  // After the fields say what is wrong, not when the answer comes.
  useEffect(() => {
    if (error !== null) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [error]);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (Object.keys(wrong).length > 0) return;
    setBusy(true);
    try {
      await save(fields);
      onClose();
    } catch (what) {
      setError(what);
      setBusy(false);
    }
  };
  const set = (change: Partial<Draft>): void => {
    setError(null);
    setDraft((all) => ({ ...all, ...change }));
  };
  return (
    <form ref={form} className="form" onSubmit={submit}>
      {head?.(faults.id)}
      <WhenFields draft={draft} faults={faults} set={set} />
      <ZoneField draft={draft} faults={faults} set={set} likely={likely} />
      {refusal !== null && !isPlaced && <ProblemCard error={refusal} />}
      {saysWhen(draft) && preview.data && !preview.error && <Preview answer={preview.data} />}
      <PolicyFields draft={draft} faults={faults} set={set}>
        {Object.keys(params).length > 0 &&
          Object.entries(params).map(([name, param]) => (
            <ParamField
              key={name}
              name={name}
              param={param}
              entry={entries[name] ?? ''}
              error={faults[name] ?? null}
              onChange={(entry) => {
                setError(null);
                setEntries((all) => ({ ...all, [name]: entry }));
              }}
            />
          ))}
      </PolicyFields>
      {children}
      {offline && <p className="field-error">{offline}</p>}
      <footer className="dialog-foot">
        {aside}
        <button type="button" className="button quiet" onClick={onClose}>
          Cancel
        </button>
        <button
          type="submit"
          className="button primary"
          disabled={isBusy || offline !== null || (!mayBeEmpty && Object.keys(fields).length === 0)}
        >
          {word}
        </button>
      </footer>
    </form>
  );
};
