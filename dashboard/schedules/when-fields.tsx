import { useId, useRef } from 'react';
import { Field } from '../ui/field.tsx';
import { Icon } from '../ui/icon.tsx';
import { useCronWords } from './cron-words.ts';
import { type Draft, type Kind, momentsOf } from './draft.ts';
import { everyInWords, momentsInWords } from './slot-times.ts';

export type DraftProps = {
  draft: Draft;
  faults: Record<string, string>;
  set: (change: Partial<Draft>) => void;
};

const kinds: [Kind, string][] = [
  ['cron', 'By the clock'],
  ['every', 'Every so often'],
  ['at', 'At times'],
];
const crons: [string, string][] = [
  ['*/15 * * * *', 'Every 15 minutes'],
  ['0 * * * *', 'Every hour'],
  ['0 6 * * *', 'Every day at 06:00'],
  ['30 17 * * 1-5', 'Working days at 17:30'],
  ['0 3 * * 0', 'Sundays at 03:00'],
];
const intervals: [string, string][] = ['5m', '15m', '1h', '6h', '1d'].map((every) => [
  every,
  everyInWords(every) ?? every,
]);

const Presets = ({
  all,
  value,
  onChoose,
}: {
  all: [string, string][];
  value: string;
  onChoose: (value: string) => void;
}) => (
  <div className="presets">
    {all.map(([one, label]) => (
      <button
        key={one}
        type="button"
        className="button quiet"
        aria-pressed={value === one}
        onClick={() => onChoose(one)}
      >
        {label}
      </button>
    ))}
  </div>
);

const text = {
  type: 'text',
  className: 'mono',
  spellCheck: false,
  autoComplete: 'off',
  required: true,
  'data-first': true,
} as const;

const Cron = ({ draft, faults, set }: DraftProps) => {
  const words = useCronWords(draft.cron);
  return (
    <>
      <Presets all={crons} value={draft.cron} onChoose={(cron) => set({ cron })} />
      <Field label="When (cron: minute hour day month weekday)" hint={words} error={faults.cron}>
        {(control) => (
          <input
            {...text}
            {...control}
            value={draft.cron}
            onChange={({ target }) => set({ cron: target.value })}
          />
        )}
      </Field>
    </>
  );
};
const Every = ({ draft, faults, set }: DraftProps) => (
  <>
    <Presets all={intervals} value={draft.every} onChoose={(every) => set({ every })} />
    <Field
      label="Interval (such as 90s, 15m, 2h, 1d)"
      hint={everyInWords(draft.every)}
      error={faults.every}
    >
      {(control) => (
        <input
          {...text}
          {...control}
          value={draft.every}
          onChange={({ target }) => set({ every: target.value })}
        />
      )}
    </Field>
  </>
);
const Moments = ({ draft, faults, set }: DraftProps) => {
  const picked = useRef<HTMLInputElement>(null);
  const moments = momentsOf(draft);
  const add = (): void => {
    const { value = '' } = picked.current ?? {};
    if (value) set({ at: [...new Set([...moments, value])].toSorted().join('\n') });
  };
  return (
    <>
      <Field label="A time, on the clocks of the zone below">
        {(control) => (
          <div className="picker">
            <input {...control} ref={picked} type="datetime-local" data-first />
            <button type="button" className="button" onClick={add}>
              <Icon name="plus" />
              Add
            </button>
          </div>
        )}
      </Field>
      <Field
        label="Times (one a line, such as 2026-12-24T18:00)"
        hint={momentsInWords(moments)}
        error={faults.at}
      >
        {(control) => (
          <textarea
            {...control}
            className="mono"
            rows={Math.min(8, Math.max(2, moments.length + 1))}
            spellCheck={false}
            required
            value={draft.at}
            onChange={({ target }) => set({ at: target.value })}
          />
        )}
      </Field>
    </>
  );
};
const partOf = { cron: Cron, every: Every, at: Moments };

/** Which way to say when, and that. A kind that is left keeps what was written. */
export const WhenFields = (props: DraftProps) => {
  const { draft, set } = props;
  const name = useId();
  const Part = partOf[draft.kind];
  return (
    <>
      <fieldset className="segments">
        <legend className="visually-hidden">Kind of schedule</legend>
        {kinds.map(([kind, label]) => (
          <label key={kind}>
            <input
              type="radio"
              name={name}
              checked={draft.kind === kind}
              onChange={() => set({ kind })}
            />
            <span>{label}</span>
          </label>
        ))}
      </fieldset>
      <Part {...props} />
    </>
  );
};
