import { useQuery } from '@tanstack/react-query';
import { type FormEvent, useMemo, useRef, useState } from 'react';
import { fittingStages, stageNow } from '../../wire/beside.ts';
import type { RunView } from '../../wire/patch.ts';
import { firstOf, maxReason, meantIn, wordsOf } from '../commands/command-words.ts';
import { useSendCommand } from '../commands/use-command.ts';
import { useOffline } from '../live/use-offline.ts';
import { api } from '../service-api.ts';
import { useKeys } from '../shell/keys.ts';
import { Icon } from '../ui/icon.tsx';
import { ProblemCard } from '../ui/problem-notice.tsx';

type Item = { type: string; allowed: boolean; why_not: string | null };

/**
 * What can be commanded at this version of the run, as the service says, and why the rest cannot.
 */
const useCommands = (runId: string, { version, state }: RunView) =>
  useQuery({
    queryKey: ['commands', runId, version, state],
    queryFn: () => api.ask('GET /api/runs/{id}/commands', { path: { id: runId } }),
    placeholderData: (before) => before,
  });

/** The reasons, each once, with the commands it stands for. */
const refusals = (items: readonly Item[], why: string): [string, string[]][] => {
  const grouped = Map.groupBy(
    items.filter(({ allowed }) => !allowed),
    // The page says above what the run waits for.
    ({ why_not }) => (why_not ?? 'not possible now').replace(`: ${why}`, ''),
  );
  return [...grouped].map(([why, some]) => [why, some.map(({ type }) => wordsOf(type).label)]);
};

const shortcuts: Record<string, string> = { s: 'STOP', r: 'RETRY' };

const focusIt = (element: HTMLElement | null): void => element?.focus();

/**
 * The commands of a run. One that changes something for good is asked about in place, with the
 * reason that is recorded.
 */
export const Commands = ({ runId, run }: { runId: string; run: RunView }) => {
  const { data } = useCommands(runId, run);
  const command = useSendCommand();
  const offline = useOffline();
  const [asked, setAsked] = useState<string | null>(null);
  const [reason, setReason] = useState('');
  const [refusal, setRefusal] = useState<{ type: string; error: unknown } | null>(null);
  const [isBusy, setBusy] = useState(false);
  const items: readonly Item[] = (data?.items ?? []).map((item) => ({
    ...item,
    type: meantIn(run.state, item.type),
  }));
  const allowed = items.filter((item) => item.allowed);
  const refused = refusals(items, run.why);
  const first = firstOf(allowed.map(({ type }) => type));

  const from = run.error?.stage ?? stageNow(run) ?? run.stages[0]?.name ?? '';
  const [chosen, setChosen] = useState<string | null>(null);
  /** Which stages a command may mean, in the order of the run. */
  const stagesFor = (type: string): string[] =>
    type === 'RETRY_FROM'
      ? run.stages
          .slice(0, run.stages.findIndex(({ name }) => name === from) + 1)
          .map(({ name }) => name)
      : fittingStages(type, run.stages);
  const stageFor = (type: string): string | undefined => {
    const all = stagesFor(type);
    if (chosen !== null && all.includes(chosen)) return chosen;
    return type === 'RETRY_FROM' ? from : all[0];
  };
  const isAsked = (type: string): boolean =>
    !wordsOf(type).isDirect || (type !== 'RETRY_FROM' && stagesFor(type).length > 1);
  const labelOf = (type: string): string =>
    type === 'RETRY_FROM' ? `Retry from ${stageFor(type)}` : wordsOf(type).label;
  const send = async (type: string, why: string): Promise<void> => {
    setBusy(true);
    setRefusal(null);
    try {
      const isNamed = type === 'RETRY_FROM' || stagesFor(type).length > 1;
      const stage = isNamed ? stageFor(type) : undefined;
      await command(run, type, { reason: why, ...(stage !== undefined && { stage }) });
      setAsked(null);
      setReason('');
    } catch (error) {
      setRefusal({ type, error });
    } finally {
      setBusy(false);
    }
  };
  const press = (type: string): void => {
    setRefusal(null);
    if (!isAsked(type)) void send(type, '');
    else setAsked(asked === type ? null : type);
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (asked) void send(asked, reason);
  };
  const possible = allowed.map(({ type }) => type).join();
  const pressed = useRef(press);
  pressed.current = press;
  const bindings = useMemo(
    () =>
      Object.entries(shortcuts).flatMap(([keys, prefix]) => {
        const type = possible.split(',').find((one) => one.startsWith(prefix));
        return type
          ? [
              {
                keys,
                label: wordsOf(type).label,
                group: 'This run',
                run: () => pressed.current(type),
              },
            ]
          : [];
      }),
    [possible],
  );
  useKeys(bindings);
  const words = asked ? wordsOf(asked) : null;
  return (
    <div className="commands">
      <div className="commands-row">
        {allowed.map(({ type }) => {
          const { icon, isDanger, does } = wordsOf(type);
          const kind = isDanger ? 'danger' : type === first ? 'primary' : '';
          return (
            <button
              key={type}
              type="button"
              className={`button ${kind}`}
              title={offline ?? does}
              disabled={isBusy || offline !== null}
              aria-expanded={isAsked(type) ? asked === type : undefined}
              onClick={() => press(type)}
            >
              <Icon name={icon} /> {labelOf(type)}
            </button>
          );
        })}
      </div>
      {words && (
        <form
          className="commands-ask"
          onSubmit={submit}
          onKeyDown={(event) => event.key === 'Escape' && setAsked(null)}
          aria-label={words.label}
        >
          <p>{words.does}</p>
          {asked &&
            run.stages.length > 1 &&
            (asked === 'RETRY_FROM' || stagesFor(asked).length > 1) && (
              <label className="commands-from">
                {asked === 'RETRY_FROM' ? 'From stage' : 'Which stage'}{' '}
                <select value={stageFor(asked)} onChange={({ target }) => setChosen(target.value)}>
                  {stagesFor(asked).map((name) => (
                    <option key={name}>{name}</option>
                  ))}
                </select>
              </label>
            )}
          <div className="commands-line">
            <label className="visually-hidden" htmlFor="command-reason">
              Reason{words.needsReason ? '' : ' (optional)'}
            </label>
            <input
              id="command-reason"
              type="text"
              placeholder={words.needsReason ? 'Reason' : 'Reason (optional)'}
              maxLength={maxReason}
              autoComplete="off"
              // It appeared because somebody pressed a button to type here.
              ref={focusIt}
              required={words.needsReason}
              value={reason}
              onChange={({ target }) => setReason(target.value)}
            />
            <button
              type="submit"
              className={`button ${words.isDanger ? 'danger' : 'primary'}`}
              disabled={isBusy}
            >
              {labelOf(asked ?? '')}
            </button>
            <button type="button" className="button quiet" onClick={() => setAsked(null)}>
              Cancel
            </button>
          </div>
        </form>
      )}
      {offline !== null && <p className="commands-why">{offline}</p>}
      {refused.length > 0 && (
        <details className="commands-not">
          <summary>Not available now</summary>
          <ul>
            {refused.map(([why, labels]) => (
              <li key={why}>
                {labels.join(', ')}: {why}
              </li>
            ))}
          </ul>
        </details>
      )}
      {refusal && (
        <ProblemCard error={refusal.error} onRetry={() => void send(refusal.type, reason)} />
      )}
    </div>
  );
};
