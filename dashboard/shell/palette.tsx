import { useQueries } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { useLocation } from 'wouter';
import { shownRun } from '../../client/run-state.ts';
import type { RunView } from '../../wire/patch.ts';
import { meantIn, wordsOf } from '../commands/command-words.ts';
import { useCommand } from '../commands/use-command.ts';
import { useDesk } from '../desk/desk.tsx';
import { useLive } from '../live/use-live.ts';
import { api } from '../service-api.ts';
import { Dialog } from '../ui/dialog.tsx';
import { Icon, type IconName } from '../ui/icon.tsx';
import { lookOfRun } from '../ui/state-words.ts';
import { usePipelines } from '../use-reads.ts';
import { match } from './match.ts';
import { places } from './nav.tsx';
import { setTheme, type Theme } from './theme.ts';

type Item = {
  id: string;
  label: string;
  hint: string;
  icon: IconName;
  whyNot?: string;
  run: () => void;
};
const mostItems = 60;
/** Where an item goes that opens a run, its log or the inspector. */
const runPlace = (id: string): string | null => {
  const [, kind, run] = /^(open|log|inspect)-(.+)$/.exec(id) ?? [];
  if (run && kind === 'inspect') return `/inspect/${run}`;
  return run ? `/runs/${run}${kind === 'log' ? '#log' : ''}` : null;
};

/**
 * The commands of the runs that matter now, each with the service's own word on whether it is
 * possible.
 */
const useRunItems = (titles: Map<string, string>): Item[] => {
  const stream = useLive((live) => live.stream);
  const [path] = useLocation();
  const command = useCommand();
  const here = /^\/(?:runs|inspect)\/(r_[^/?]+)/.exec(path)?.[1];
  const runs = [...titles.keys()].flatMap((name): RunView[] => {
    const run = stream && shownRun(stream, name);
    return run ? [run] : [];
  });
  const asked = [...new Set([...(here ? [here] : []), ...runs.map((run) => run.run_id as string)])];
  const answers = useQueries({
    queries: asked.map((id) => ({
      queryKey: ['commands', id],
      queryFn: () => api.ask('GET /api/runs/{id}/commands', { path: { id } }),
      staleTime: 0,
    })),
  });
  return asked.flatMap((id, index) => {
    const run = runs.find(({ run_id }) => run_id === id) ?? stream?.runs[id];
    if (!run) return [];
    const name = `${titles.get(run.pipeline) ?? run.pipeline}, run ${run.number}`;
    const open: Item = {
      id: `open-${id}`,
      label: `Open ${name}`,
      hint: lookOfRun(run).word,
      icon: 'right',
      run: () => {},
    };
    const items = answers[index]?.data?.items ?? [];
    return [
      open,
      { ...open, id: `log-${id}`, label: `Log of ${name}`, icon: 'down' },
      { ...open, id: `inspect-${id}`, label: `Inspect ${name}`, icon: 'inspect' },
      ...items.map(({ type: named, allowed, why_not }): Item => {
        const type = meantIn(run.state, named);
        return {
          id: `${type}-${id}`,
          label: `${wordsOf(type).label} ${name}`,
          hint: '',
          icon: wordsOf(type).icon,
          ...(!allowed && { whyNot: why_not ?? 'not possible now' }),
          run: () => command(run, type),
        };
      }),
    ];
  });
};

/** Everything that can be gone to or done. */
const useItems = (): Item[] => {
  const { show } = useDesk();
  const [, navigate] = useLocation();
  const { data } = usePipelines();
  const pipelines = data?.items ?? [];
  const runItems = useRunItems(new Map(pipelines.map(({ name, title }) => [name, title])));
  const go = (href: string) => () => navigate(href);
  const theme = (name: Theme, icon: IconName): Item => ({
    id: `theme-${name}`,
    label: `Theme: ${name}`,
    hint: 'Look',
    icon,
    run: () => setTheme(name),
  });
  return [
    ...runItems.map((item) =>
      runPlace(item.id) ? { ...item, run: go(runPlace(item.id) as string) } : item,
    ),
    ...pipelines.map(
      ({ name, title }): Item => ({
        id: `start-${name}`,
        label: `Start ${title}`,
        hint: 'Start',
        icon: 'start',
        run: () => show({ kind: 'start', pipeline: name }),
      }),
    ),
    ...places.map(
      ({ href, label, icon }): Item => ({
        id: href,
        label: `Go to ${label}`,
        hint: 'View',
        icon,
        run: go(href),
      }),
    ),
    ...pipelines.map(
      ({ name, title }): Item => ({
        id: `pipeline-${name}`,
        label: `Go to pipeline ${title}`,
        hint: 'View',
        icon: 'pipelines',
        run: go(`/pipelines/${name}`),
      }),
    ),
    ...[theme('light', 'sun'), theme('dark', 'moon'), theme('system', 'system')],
    {
      id: 'keys',
      label: 'Show keyboard shortcuts',
      hint: 'Help',
      icon: 'help',
      run: () => show({ kind: 'keys' }),
    },
  ];
};

const foundIn = (items: readonly Item[], typed: string): Item[] =>
  items
    // What is not possible is shown to whoever looks for it.
    .filter(({ whyNot }) => typed !== '' || !whyNot)
    .flatMap((item) => {
      const score = match(typed, item.label);
      return score === null ? [] : [{ item, score }];
    })
    .sort((a, b) => (typed ? b.score - a.score : 0))
    .slice(0, mostItems)
    .map(({ item }) => item);

type OptionsProps = {
  id: string;
  found: readonly Item[];
  current: number;
  onDo: (item: Item) => void;
  onChoose: (index: number) => void;
};

const Options = ({ id, found, current, onDo, onChoose }: OptionsProps) => (
  <div id={id} role="listbox" aria-label="What can be done" className="palette-list">
    {found.map((item, index) => (
      // biome-ignore lint/a11y/useFocusableInteractive: see above
      // biome-ignore lint/a11y/useKeyWithClickEvents: Enter in the field does the same
      <div
        key={item.id}
        id={`${id}-${index}`}
        role="option"
        aria-selected={index === current}
        aria-disabled={item.whyNot !== undefined}
        onClick={() => onDo(item)}
        onPointerMove={() => onChoose(index)}
      >
        <Icon name={item.icon} />
        <span>
          {item.label}
          {item.whyNot && <small>{item.whyNot}</small>}
        </span>
        <span className="palette-hint">{item.hint}</span>
      </div>
    ))}
  </div>
);

/**
 * Everything that can be gone to or done, by typing a few letters of it. What is not possible now
 * says why.
 */
export const Palette = () => {
  const { close } = useDesk();
  const items = useItems();
  const [typed, setTyped] = useState('');
  const [chosen, setChosen] = useState(0);
  const listId = useId();
  const found = foundIn(items, typed);
  const current = Math.min(chosen, found.length - 1);
  const doIt = (item: Item | undefined): void => {
    if (!item || item.whyNot) return;
    close();
    item.run();
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      const next = (current + step + found.length) % Math.max(1, found.length);
      setChosen(next);
      document.getElementById(`${listId}-${next}`)?.scrollIntoView({ block: 'nearest' });
    }
    if (event.key === 'Enter') {
      event.preventDefault();
      doIt(found[current]);
    }
  };
  return (
    <Dialog title="Find or do" onClose={close} className="palette" isBare>
      <div className="palette-field">
        <Icon name="search" />
        <input
          type="text"
          role="combobox"
          aria-expanded="true"
          aria-controls={listId}
          aria-activedescendant={found.length > 0 ? `${listId}-${current}` : undefined}
          aria-label="Find or do"
          placeholder="Type what you want to do…"
          autoComplete="off"
          spellCheck={false}
          data-first
          value={typed}
          onKeyDown={onKeyDown}
          onChange={({ target }) => {
            setTyped(target.value);
            setChosen(0);
          }}
        />
      </div>
      <Options id={listId} found={found} current={current} onDo={doIt} onChoose={setChosen} />
      {found.length === 0 && (
        <p className="palette-none">
          No results. Type words of a command, a pipeline or a page, in any order.
        </p>
      )}
    </Dialog>
  );
};
