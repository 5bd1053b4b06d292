import { useEffect, useRef, useState } from 'react';
import { Dialog } from '../ui/dialog.tsx';
import { size } from '../ui/format-bytes.ts';
import { Icon } from '../ui/icon.tsx';
import { plural } from '../ui/state-words.ts';
import { type Inspected, jsonOf } from './inspected-frame.ts';
import {
  openStately,
  type StatelyState,
  type StatelyWindow,
  statelyOrigin,
} from './stately-window.ts';

const host = new URL(statelyOrigin).host;
/** What its inspector reads; the rest is ours, and nothing it should be given. */
const isForStately = ({ kind, step }: Inspected): boolean =>
  step !== null && (kind === 'actor' || kind === 'event' || kind === 'snapshot');

const words: Record<StatelyState, string> = {
  blocked: 'The browser did not open the window. Allow this page to open windows, then try again.',
  waiting: `Waiting for ${host}. Nothing was sent yet.`,
  connected: `Sent to ${host}, with what comes.`,
  closed: `The window of ${host} is closed. Nothing more is sent.`,
};

const Consent = ({
  frames,
  onSend,
  onClose,
}: {
  frames: readonly Inspected[];
  onSend: () => void;
  onClose: () => void;
}) => {
  const bytes = frames.reduce((sum, { text }) => sum + text.length, 0);
  return (
    <Dialog title="Send this run to Stately?" onClose={onClose}>
      <div className="form">
        <p>
          This opens <code>{host}/inspect</code> in a new window and sends the run there. The data{' '}
          <strong>leaves this machine</strong>; what becomes of it there is up to Stately.
        </p>
        <p>
          {plural(frames.length, 'frame')}, {size(bytes)}, and each new one until you close the
          window or press Stop:
        </p>
        <ul className="stately-what">
          <li>the pipeline's chart: names of stages, states, guards and actions</li>
          <li>every event with what it carries: who asked, reasons, exit codes, messages</li>
          <li>every snapshot: parameters, outputs, metrics, limits</li>
        </ul>
        <p className="muted">
          Values of <code>secrets:</code>, and of names such as token or password, are hidden. Other
          parameters and outputs are sent as they are. Nothing else on this page needs the internet.
          The window learns the address of this page.
        </p>
        <div className="dialog-foot">
          <button type="button" className="button" data-first onClick={onClose}>
            Cancel
          </button>
          <button type="button" className="button primary" onClick={onSend}>
            <Icon name="external" />
            Open and send
          </button>
        </div>
      </div>
    </Dialog>
  );
};

/** Stately's own inspector, for who wants it: asked first, and told to that origin only. */
export const OpenInStately = ({ frames: all }: { frames: readonly Inspected[] }) => {
  const [isAsking, setAsking] = useState(false);
  const [state, setState] = useState<StatelyState | null>(null);
  const target = useRef<StatelyWindow | null>(null);
  const sent = useRef(0);
  const isOpen = state === 'waiting' || state === 'connected';
  useEffect(() => {
    if (!isOpen) return;
    target.current?.send(all.slice(sent.current).filter(isForStately).map(jsonOf));
    sent.current = all.length;
  }, [isOpen, all]);
  useEffect(() => () => target.current?.close(), []);
  const send = (): void => {
    setAsking(false);
    sent.current = 0;
    target.current = openStately(setState);
  };
  return (
    <>
      {isOpen ? (
        <button type="button" className="button danger" onClick={() => target.current?.close()}>
          Stop sending to {host}
        </button>
      ) : (
        <button
          type="button"
          className="button quiet"
          disabled={all.length === 0}
          onClick={() => setAsking(true)}
        >
          <Icon name="external" />
          Open in Stately…
        </button>
      )}
      {state !== null && (
        <span className="muted small" role="status">
          {words[state]}
        </span>
      )}
      {isAsking && (
        <Consent frames={all.filter(isForStately)} onSend={send} onClose={() => setAsking(false)} />
      )}
    </>
  );
};
