import { useId } from 'react';
import { Field } from '../ui/field.tsx';
import type { DraftProps } from './when-fields.tsx';

const own = new Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The zone by whose clocks the schedule runs; those that are likely come first. */
export const ZoneField = ({ draft, faults, set, likely }: DraftProps & { likely: string }) => {
  const zones = useId();
  const all = [...new Set([likely, 'UTC', own, ...Intl.supportedValuesOf('timeZone')])];
  const hint = draft.timezone === own ? null : `Your clocks: ${own}.`;
  return (
    <Field label="Time zone" hint={hint} error={faults.timezone}>
      {(control) => (
        <>
          <input
            {...control}
            type="text"
            list={zones}
            autoComplete="off"
            spellCheck={false}
            required
            value={draft.timezone}
            onChange={({ target }) => set({ timezone: target.value })}
          />
          <datalist id={zones}>
            {all.map((zone) => (
              <option key={zone} value={zone} />
            ))}
          </datalist>
        </>
      )}
    </Field>
  );
};
