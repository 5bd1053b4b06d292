import { type FormEvent, useDeferredValue, useId, useState } from 'react';
import { api, queries } from '../api.ts';
import { useOffline } from '../live/use-offline.ts';
import type { Schedule } from '../reads.ts';
import { useDesk } from '../shell/desk.tsx';
import { Dialog } from '../ui/dialog.tsx';
import { ProblemCard } from '../ui/problem.tsx';
import { type Draft, Preview } from './preview.tsx';

const presets: [string, string][] = [
  ['*/15 * * * *', 'Every 15 minutes'],
  ['0 * * * *', 'Every hour'],
  ['0 6 * * *', 'Every day at 06:00'],
  ['30 17 * * 1-5', 'Working days at 17:30'],
  ['0 3 * * 0', 'Sundays at 03:00'],
];
const overlaps: [NonNullable<Draft['overlap']>, string][] = [
  ['skip', 'skip the slot'],
  ['queue_one', 'let one wait'],
  ['cancel_running', 'stop the live run'],
];
const misses: [NonNullable<Draft['missed']>, string][] = [
  ['none', 'record them only'],
  ['last', 'run the newest'],
  ['all', 'run them all, one after the other'],
];

/** Changes when a schedule is due. What is saved is only what was changed, and only if nobody else changed it meanwhile. */
export const ScheduleDialog = ({ schedule, onClose }: { schedule: Schedule; onClose: () => void }) => {
  const { say } = useDesk();
  const offline = useOffline();
  const zones = useId();
  const before: Draft = { cron: schedule.cron ?? '', timezone: schedule.timezone, overlap: schedule.overlap, missed: schedule.missed };
  const [draft, setDraft] = useState<Draft>(before);
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const shown = useDeferredValue(draft);
  const set = (change: Partial<Draft>): void => setDraft((all) => ({ ...all, ...change }));
  const changed = Object.fromEntries(Object.entries(draft).filter(([name, value]) => value !== before[name as keyof Draft]));
  const save = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    try {
      await api.ask('PATCH /api/schedules/{id}', {
        path: { id: schedule.id },
        body: changed,
        headers: { 'If-Match': `"${schedule.version}"` },
      });
      await queries.invalidateQueries({ queryKey: ['schedules'] });
      say({ tone: 'ok', title: `The schedule ${schedule.id} is changed`, detail: 'It takes effect at once.' });
      onClose();
    } catch (refusal) {
      setError(refusal);
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Schedule ${schedule.id}`} onClose={onClose} className="wide">
      <form className="form" onSubmit={save}>
        <div className="presets">
          {presets.map(([cron, label]) => (
            <button key={cron} type="button" className="button quiet" aria-pressed={draft.cron === cron} onClick={() => set({ cron })}>
              {label}
            </button>
          ))}
        </div>
        <div className="fields">
          <label className="field">
            <span>When (cron: minute hour day month weekday)</span>
            <input
              type="text"
              className="mono"
              spellCheck={false}
              autoComplete="off"
              data-first
              required
              value={draft.cron ?? ''}
              onChange={({ target }) => set({ cron: target.value })}
            />
          </label>
          <label className="field">
            <span>Time zone</span>
            <input
              type="text"
              list={zones}
              autoComplete="off"
              value={draft.timezone ?? ''}
              onChange={({ target }) => set({ timezone: target.value })}
            />
            <datalist id={zones}>
              {Intl.supportedValuesOf('timeZone').map((zone) => (
                <option key={zone} value={zone} />
              ))}
            </datalist>
          </label>
          <label className="field">
            <span>When a run is live at a slot</span>
            <select value={draft.overlap ?? ''} onChange={({ target }) => set({ overlap: target.value as (typeof overlaps)[number][0] })}>
              {overlaps.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          </label>
          <label className="field">
            <span>Slots that were missed</span>
            <select value={draft.missed ?? ''} onChange={({ target }) => set({ missed: target.value as (typeof misses)[number][0] })}>
              {misses.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          </label>
        </div>
        {shown.cron && <Preview id={schedule.id} draft={shown} />}
        {schedule.source === 'file' && (
          <p className="hint">
            The pipeline's file defines this schedule. What you change here wins until the file changes the same field.
          </p>
        )}
        {error !== null && <ProblemCard error={error} />}
        {offline && <p className="field-error">{offline}</p>}
        <footer className="dialog-foot">
          <button type="button" className="button quiet" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={isBusy || offline !== null || Object.keys(changed).length === 0}>
            Save
          </button>
        </footer>
      </form>
    </Dialog>
  );
};
