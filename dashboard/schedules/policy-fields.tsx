import type { ReactNode } from 'react';
import { Field } from '../ui/field.tsx';
import type { Draft } from './draft.ts';
import type { DraftProps } from './when-fields.tsx';

type Choice = readonly [value: string, label: string];
type Policy = 'overlap' | 'missed' | 'dst_gap' | 'dst_fold';
const policies: [Policy, string, Choice[]][] = [
  [
    'overlap',
    'When a run is live at a slot',
    [
      ['skip', 'skip the slot'],
      ['queue_one', 'let one wait'],
      ['cancel_running', 'stop the live run'],
    ],
  ],
  [
    'missed',
    'Slots that were missed',
    [
      ['none', 'record them only'],
      ['last', 'run the newest'],
      ['all', 'run them all, one after the other'],
    ],
  ],
  [
    'dst_gap',
    'A time that a clock change leaves out',
    [
      ['run_at_shift', 'run when the clocks change'],
      ['skip', 'skip it'],
    ],
  ],
  [
    'dst_fold',
    'A time that comes twice',
    [
      ['once', 'run once'],
      ['twice', 'run both times'],
    ],
  ],
];
const byPattern: Choice = ['', 'once, but twice if every hour runs'];

/** What is to happen where a slot meets something; folded, for the defaults suit most. */
export const PolicyFields = ({
  draft,
  faults,
  set,
  children,
}: DraftProps & { children?: ReactNode }) => {
  const isOpen = policies.some(([name]) => faults[name] !== undefined);
  return (
    <details className="more" open={isOpen || undefined}>
      <summary>More: overlaps, missed slots, clock changes{children ? ', parameters' : ''}</summary>
      <div className="fields">
        {policies.map(([name, label, choices]) => (
          <Field key={name} label={label} error={faults[name]}>
            {(control) => (
              <select
                {...control}
                value={draft[name]}
                onChange={({ target }) => set({ [name]: target.value } as Partial<Draft>)}
              >
                {(name === 'dst_fold' && draft.dst_fold === ''
                  ? [byPattern, ...choices]
                  : choices
                ).map(([value, word]) => (
                  <option key={value} value={value}>
                    {word}
                  </option>
                ))}
              </select>
            )}
          </Field>
        ))}
        {children}
      </div>
    </details>
  );
};
