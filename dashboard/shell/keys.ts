import { useEffect, useSyncExternalStore } from 'react';

/** `keys`: one key (`?`, `n`), two after each other (`g o`), or with the command key (`mod+k`). */
export type Binding = { keys: string; label: string; group: string; run: () => void };

const registered = new Map<object, Binding[]>();
const listeners = new Set<() => void>();
let all: readonly Binding[] = [];
const changed = (): void => {
  all = [...registered.values()].flat();
  for (const listener of listeners) listener();
};
const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};

const switchName = 'stagewright.keys';
/** Single keys can be switched off: speech input and cats press them too (WCAG 2.1.4). */
export const areKeysOn = (): boolean => localStorage.getItem(switchName) !== 'off';
export const setKeysOn = (isOn: boolean): void => {
  if (isOn) localStorage.removeItem(switchName);
  else localStorage.setItem(switchName, 'off');
  changed();
};

const sequenceMs = 1000;
let first = '';
let firstAt = 0;
const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName));

const onKey = (event: KeyboardEvent): void => {
  if (event.defaultPrevented || event.altKey) return;
  const isMod = event.metaKey || event.ctrlKey;
  const key = isMod ? `mod+${event.key.toLowerCase()}` : event.key;
  if (!isMod && (isTyping(event.target) || !areKeysOn() || document.querySelector('dialog[open]')))
    return;
  const pair = Date.now() - firstAt < sequenceMs ? `${first} ${key}` : '';
  // The newest registration of a key wins: a view may take a key of the shell.
  const find = (keys: string): Binding | undefined =>
    all.findLast((binding) => binding.keys === keys);
  const hit = (pair && find(pair)) || find(key);
  if (all.some(({ keys }) => keys.startsWith(`${key} `))) {
    first = key;
    firstAt = Date.now();
  }
  if (!hit) return;
  event.preventDefault();
  hit.run();
};
document.addEventListener('keydown', onKey);

/**
 * Keys that work while this component is there. `bindings` must keep its identity (useMemo) or be
 * cheap to register anew.
 */
export const useKeys = (bindings: Binding[]): void => {
  useEffect(() => {
    const owner = {};
    registered.set(owner, bindings);
    changed();
    return () => {
      registered.delete(owner);
      changed();
    };
  }, [bindings]);
};

/** All that can be pressed now, for the sheet. */
export const useBindings = (): readonly Binding[] => useSyncExternalStore(subscribe, () => all);
