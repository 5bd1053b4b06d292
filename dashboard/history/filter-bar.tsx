import { useEffect, useMemo, useRef, useState } from 'react';
import { useKeys } from '../shell/keys.ts';
import { Icon } from '../ui/icon.tsx';
import { lookOfRun } from '../ui/state-words.ts';
import { usePipelines } from '../use-reads.ts';
import { type Filters, filterNames, isFiltered } from './filters.ts';

const states = ['DONE', 'FAILED', 'STOPPED', 'RETRYING', 'STOPPING', 'QUEUED'];
const triggers = ['manual', 'api', 'schedule', 'retry', 'backfill'];
const typingMs = 250;

type Props = { filters: Filters; onChange: (change: Record<string, string | null>) => void };

/** Text goes into the address when the typing pauses, not with each letter. */
const TextFilter = ({ value, onChange }: { value: string; onChange: (text: string) => void }) => {
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => setText(value), [value]);
  useKeys(
    useMemo(
      () => [
        { keys: '/', label: 'Search the runs', group: 'Runs', run: () => field.current?.focus() },
      ],
      [],
    ),
  );
  return (
    <label className="filter filter-text">
      <span>Search</span>
      <input
        ref={field}
        type="search"
        placeholder="Search by number, ID, reason or error"
        value={text}
        onChange={({ target }) => {
          setText(target.value);
          clearTimeout(timer.current);
          timer.current = setTimeout(onChange, typingMs, target.value);
        }}
      />
    </label>
  );
};

export const FilterBar = ({ filters, onChange }: Props) => {
  const { data } = usePipelines();
  // One that no pipeline has any more may still stand in the address.
  const labels = [
    ...new Set([...(data?.items ?? []).flatMap(({ labels }) => labels), filters.label]),
  ]
    .filter(Boolean)
    .sort();
  const pick = (name: string) => ({
    value: filters[name as keyof Filters],
    onChange: ({ target }: { target: { value: string } }) => onChange({ [name]: target.value }),
  });
  return (
    <search className="filters">
      <TextFilter value={filters.q} onChange={(q) => onChange({ q })} />
      <label className="filter">
        <span>Pipeline</span>
        <select {...pick('pipeline')}>
          <option value="">All</option>
          {data?.items.map(({ name, title }) => (
            <option key={name} value={name}>
              {title}
            </option>
          ))}
        </select>
      </label>
      {labels.length > 0 && (
        <label className="filter">
          <span>Label</span>
          <select {...pick('label')}>
            <option value="">All</option>
            {labels.map((label) => (
              <option key={label}>{label}</option>
            ))}
          </select>
        </label>
      )}
      <label className="filter">
        <span>State</span>
        <select {...pick('state')}>
          <option value="">All</option>
          {states.map((state) => (
            <option key={state} value={state}>
              {lookOfRun({ state, outcome: null }).word}
            </option>
          ))}
        </select>
      </label>
      <label className="filter">
        <span>Trigger</span>
        <select {...pick('trigger')}>
          <option value="">All</option>
          {triggers.map((trigger) => (
            <option key={trigger}>{trigger}</option>
          ))}
        </select>
      </label>
      <label className="filter">
        <span>From</span>
        <input type="date" {...pick('from')} />
      </label>
      <label className="filter">
        <span>To</span>
        <input type="date" {...pick('to')} />
      </label>
      {isFiltered(filters) && (
        <button
          type="button"
          className="button quiet"
          onClick={() => onChange(Object.fromEntries(filterNames.map((name) => [name, null])))}
        >
          <Icon name="close" />
          Clear
        </button>
      )}
    </search>
  );
};
