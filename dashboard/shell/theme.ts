import { useSyncExternalStore } from 'react';

export type Theme = 'system' | 'light' | 'dark';
const name = 'stagewright.theme';
const listeners = new Set<() => void>();
const stored = (): Theme => {
  const value = localStorage.getItem(name);
  return value === 'light' || value === 'dark' ? value : 'system';
};

/** Kept in this browser; public/theme.js applies it before the first paint. */
export const setTheme = (theme: Theme): void => {
  if (theme === 'system') {
    localStorage.removeItem(name);
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem(name, theme);
    document.documentElement.dataset.theme = theme;
  }
  for (const listener of listeners) listener();
};

export const nextTheme = (theme: Theme): Theme =>
  theme === 'system' ? 'light' : theme === 'light' ? 'dark' : 'system';

export const useTheme = (): Theme =>
  useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, stored);
