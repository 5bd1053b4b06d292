import { type ReactNode, useId } from 'react';

type Control = { id: string; 'aria-invalid': boolean; 'aria-describedby': string | undefined };
type Props = {
  label: ReactNode;
  hint?: ReactNode;
  error?: string | null | undefined;
  isLong?: boolean;
  children: (control: Control) => ReactNode;
};

/** A control with its name, what helps to fill it in, and what is wrong with it where it stands. */
export const Field = ({ label, hint, error, isLong = false, children }: Props) => {
  const id = useId();
  const describedBy =
    [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ') || undefined;
  return (
    <div className={isLong ? 'field field-long' : 'field'}>
      <label htmlFor={id}>{label}</label>
      {children({ id, 'aria-invalid': Boolean(error), 'aria-describedby': describedBy })}
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
