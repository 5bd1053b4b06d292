import { useSyncExternalStore } from 'react';

const listeners = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | undefined;
let second = Math.floor(Date.now() / 1000);
const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  ticking ??= setInterval(() => {
    second = Math.floor(Date.now() / 1000);
    for (const one of listeners) one();
  }, 1000);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(ticking);
    ticking = undefined;
  };
};
const current = (): number => second;
const never = (): (() => void) => () => {};

/** This machine's clock in ms, drawn again each second; one interval for all that count. */
export const useSeconds = (isTicking = true): number => {
  useSyncExternalStore(isTicking ? subscribe : never, current);
  return Date.now();
};
