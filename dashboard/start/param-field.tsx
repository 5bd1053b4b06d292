import { useId } from 'react';
import { type Entry, hintOf, isLong, type Param } from './start-params.ts';

type Props = {
  name: string;
  param: Param;
  entry: Entry;
  error: string | null;
  onChange: (entry: Entry) => void;
};

const Control = ({
  param,
  entry,
  onChange,
  ...rest
}: Omit<Props, 'name' | 'error'> & {
  id: string;
  'aria-invalid': boolean;
  'aria-describedby': string | undefined;
}) => {
  if (typeof entry === 'boolean')
    return (
      <input
        type="checkbox"
        {...rest}
        checked={entry}
        onChange={({ target }) => onChange(target.checked)}
      />
    );
  if (param.enum)
    return (
      <select {...rest} value={entry} onChange={({ target }) => onChange(target.value)}>
        {param.default === undefined && <option value="">Choose…</option>}
        {param.enum.map((value) => (
          <option key={JSON.stringify(value)} value={JSON.stringify(value)}>
            {typeof value === 'string' ? value : JSON.stringify(value)}
          </option>
        ))}
      </select>
    );
  if (isLong(param))
    return (
      <textarea
        {...rest}
        rows={3}
        spellCheck={false}
        className="mono"
        value={entry}
        onChange={({ target }) => onChange(target.value)}
      />
    );
  const isNumber = param.type === 'number' || param.type === 'integer';
  return (
    <input
      {...rest}
      type={param.format === 'date' ? 'date' : isNumber ? 'number' : 'text'}
      step={param.type === 'integer' ? 1 : 'any'}
      autoComplete="off"
      value={entry}
      onChange={({ target }) => onChange(target.value)}
    />
  );
};

/** One parameter: named, explained, and told what is wrong with it where it stands. */
export const ParamField = ({ name, param, entry, error, onChange }: Props) => {
  const id = useId();
  const hint = [param.description, hintOf(param)].filter(Boolean).join(' ');
  const describedBy =
    [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ') || undefined;
  return (
    <div
      className={
        typeof entry === 'boolean'
          ? 'field field-check'
          : isLong(param)
            ? 'field field-long'
            : 'field'
      }
    >
      <label htmlFor={id}>
        {param.title ?? name}
        {param.title && param.title !== name && <code className="muted"> {name}</code>}
      </label>
      <Control
        id={id}
        param={param}
        entry={entry}
        onChange={onChange}
        aria-invalid={error !== null}
        aria-describedby={describedBy}
      />
      {hint && (
        <p id={`${id}-hint`} className="hint">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className="field-error">
          {error}
        </p>
      )}
    </div>
  );
};
