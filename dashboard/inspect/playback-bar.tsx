import { type ReactNode, useMemo, useRef } from 'react';
import { useKeys } from '../shell/keys.ts';
import { Icon } from '../ui/icon.tsx';
import { clockTime } from '../ui/time.ts';
import { standing } from './frame-words.ts';
import type { Inspection } from './use-inspection.ts';
import { speeds, usePlayback } from './use-playback.ts';

const group = 'Inspector';

/** Where in the run one is, and the way through it: step by step, or as it went at a speed. */
export const PlaybackBar = ({
  inspection,
  children,
}: {
  inspection: Inspection;
  children: ReactNode;
}) => {
  const { steps, step: index, choose, frames, isFollowing, follow } = inspection;
  const { isPlaying, speed, setSpeed, play, pause } = usePlayback(steps, index, choose);
  const go = (by: number): void => {
    const step = steps[Math.min(steps.length - 1, Math.max(0, index + by))];
    if (step) choose(step.shown);
  };
  const acts = useRef({ go, toggle: () => {} });
  acts.current = { go, toggle: isPlaying ? pause : play };
  useKeys(
    useMemo(
      () => [
        { keys: ',', label: 'Previous step', group, run: () => acts.current.go(-1) },
        { keys: '.', label: 'Next step', group, run: () => acts.current.go(1) },
        { keys: 'p', label: 'Play or pause', group, run: () => acts.current.toggle() },
      ],
      [],
    ),
  );
  const step = steps[index];
  if (!step) return null;
  const stood = frames.slice(step.first, step.last + 1).findLast(({ value }) => value !== null);
  const where = stood ? standing(stood) : '';
  return (
    <div className="scrubber playback" data-past={!isFollowing || undefined}>
      <button type="button" className="button small" onClick={isPlaying ? pause : play}>
        <Icon name={isPlaying ? 'pause' : 'start'} size={14} />
        {isPlaying ? 'Pause' : 'Play'}
      </button>
      <label className="playback-speed">
        <span className="visually-hidden">Speed</span>
        <select value={speed} onChange={({ target }) => setSpeed(Number(target.value))}>
          {speeds.map((one) => (
            <option key={one} value={one}>
              {one} ×
            </option>
          ))}
        </select>
      </label>
      <input
        type="range"
        aria-label="Step of the run"
        aria-valuetext={`step ${step.n}: ${where} at ${clockTime(step.at)}`}
        min={0}
        max={steps.length - 1}
        value={index}
        onChange={({ target }) => {
          const to = steps[Number(target.value)];
          if (to) choose(to.shown);
        }}
      />
      <output>
        Step {step.n} of {steps.at(-1)?.n}
        <span className="muted">
          {where === '' ? '' : ` · ${where}`} · {clockTime(step.at)}
        </span>
      </output>
      <label className="check">
        <input
          type="checkbox"
          checked={isFollowing}
          onChange={({ target }) => follow(target.checked)}
        />
        Follow the newest
      </label>
      {children}
    </div>
  );
};
