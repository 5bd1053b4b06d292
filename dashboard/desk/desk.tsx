import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useMemo,
  useRef,
  useState,
} from 'react';
import type { RunView } from '../../wire/patch.ts';

export type Toast = {
  id: number;
  tone: 'ok' | 'wait' | 'bad';
  title: string;
  detail?: string;
  href?: string;
  error?: unknown;
};
export type Open =
  | { kind: 'start'; pipeline: string | null }
  | {
      kind: 'command';
      run: Pick<RunView, 'run_id' | 'version' | 'pipeline' | 'number'>;
      type: string;
    }
  | { kind: 'palette' }
  | { kind: 'keys' };
/**
 * What lies on top of the views: one dialog at a time, and short messages. Neither is part of an
 * address.
 */
export type Desk = {
  open: Open | null;
  show(what: Open): void;
  close(): void;
  toasts: readonly Toast[];
  say(toast: Omit<Toast, 'id'>): void;
  drop(id: number): void;
};

const DeskContext = createContext<Desk | null>(null);
export const useDesk = (): Desk => {
  const desk = useContext(DeskContext);
  if (!desk) throw new Error('the desk is missing above this component');
  return desk;
};

const toastMs = 8000;
const mostToasts = 4;

export const DeskProvider = ({ children }: { children: ReactNode }) => {
  const [open, setOpen] = useState<Open | null>(null);
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const lastId = useRef(0);
  const drop = useCallback(
    (id: number) => setToasts((all) => all.filter((toast) => toast.id !== id)),
    [],
  );
  const say = useCallback(
    (toast: Omit<Toast, 'id'>) => {
      lastId.current += 1;
      const id = lastId.current;
      setToasts((all) => [...all, { ...toast, id }].slice(-mostToasts));
      // A refusal stays until it is read.
      if (toast.tone !== 'bad') setTimeout(drop, toastMs, id);
    },
    [drop],
  );
  const close = useCallback(() => setOpen(null), []);
  const desk = useMemo(
    () => ({ open, show: setOpen, close, toasts, say, drop }),
    [open, close, toasts, say, drop],
  );
  return <DeskContext value={desk}>{children}</DeskContext>;
};
