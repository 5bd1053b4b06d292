import { type ReactNode, useEffect, useMemo, useRef } from 'react';
import { Link, useLocation } from 'wouter';
import { CommandDialog } from '../commands/command-dialog.tsx';
import { type Desk, DeskProvider, useDesk } from '../desk/desk.tsx';
import { useLive } from '../live/use-live.ts';
import { StartDialog } from '../start/start-dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { Banner } from './banner.tsx';
import { type Binding, useKeys } from './keys.ts';
import { KeysSheet } from './keys-sheet.tsx';
import { Nav, places } from './nav.tsx';
import { Palette } from './palette.tsx';
import { Pill } from './pill.tsx';
import { nextTheme, setTheme, useTheme } from './theme.ts';
import { Toasts } from './toasts.tsx';

const themeIcons = { system: 'system', light: 'sun', dark: 'moon' } as const;

const OnTop = ({ desk: { open, close } }: { desk: Desk }) => {
  if (open?.kind === 'start') return <StartDialog pipeline={open.pipeline} />;
  if (open?.kind === 'command')
    return <CommandDialog run={open.run} type={open.type} onClose={close} />;
  if (open?.kind === 'palette') return <Palette />;
  if (open?.kind === 'keys') return <KeysSheet />;
  return null;
};

/** Says what was missed while the page was away, once. */
const useNotice = (say: Desk['say']): void => {
  const notice = useLive((live) => live.notice);
  const saidAt = useRef(0);
  useEffect(() => {
    if (!notice || notice.at === saidAt.current) return;
    saidAt.current = notice.at;
    const title = notice.missed === null ? 'State read anew' : `Missed ${notice.missed} events`;
    say({ tone: 'wait', title, detail: 'All data was reloaded and is current.' });
  }, [notice, say]);
};

const Frame = ({ children }: { children: ReactNode }) => {
  const desk = useDesk();
  const { show, say } = desk;
  const [path, navigate] = useLocation();
  const theme = useTheme();
  useNotice(say);
  const bindings = useMemo(
    (): Binding[] => [
      {
        keys: 'mod+k',
        label: 'Commands',
        group: 'Everywhere',
        run: () => show({ kind: 'palette' }),
      },
      {
        keys: 'n',
        label: 'Start a run',
        group: 'Everywhere',
        run: () => show({ kind: 'start', pipeline: null }),
      },
      {
        keys: 't',
        label: 'Switch theme: light, dark or system',
        group: 'Everywhere',
        run: () => setTheme(nextTheme(theme)),
      },
      {
        keys: '?',
        label: 'Show keyboard shortcuts',
        group: 'Everywhere',
        run: () => show({ kind: 'keys' }),
      },
      ...places.map(({ keys, label, href }) => ({
        keys,
        label,
        group: 'Go to',
        run: () => navigate(href),
      })),
    ],
    [show, navigate, theme],
  );
  useKeys(bindings);

  // A new view is read from its top; the focus follows, for whoever cannot see that it changed.
  const main = useRef<HTMLElement>(null);
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [path]);

  return (
    <div className="shell">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <header className="bar">
        <Link href="/" className="brand">
          <img src="/icon.svg" alt="" width="24" height="24" />
          <span>Stagewright</span>
        </Link>
        <button type="button" className="bar-search" onClick={() => show({ kind: 'palette' })}>
          <Icon name="search" />
          <span>Find or do</span>
          <kbd>{navigator.platform.startsWith('Mac') ? '⌘K' : 'Ctrl K'}</kbd>
        </button>
        <Pill />
        <button
          type="button"
          className="button quiet icon-only"
          aria-label={`Theme: ${theme}`}
          onClick={() => setTheme(nextTheme(theme))}
        >
          <Icon name={themeIcons[theme]} />
        </button>
        <button
          type="button"
          className="button quiet icon-only wide-only"
          aria-label="Keys"
          onClick={() => show({ kind: 'keys' })}
        >
          <Icon name="help" />
        </button>
        <button
          type="button"
          className="button"
          onClick={() => show({ kind: 'start', pipeline: null })}
        >
          <Icon name="start" />
          Start
        </button>
      </header>
      <Nav />
      <main id="main" tabIndex={-1} ref={main}>
        <Banner />
        {children}
      </main>
      <OnTop desk={desk} />
      <Toasts />
    </div>
  );
};

/** What stays while views change. */
export const Shell = ({ children }: { children: ReactNode }) => (
  <DeskProvider>
    <Frame>{children}</Frame>
  </DeskProvider>
);
