import { useState } from 'react';
import { Icon } from '../ui/icon.tsx';

/** Puts JSON on the clipboard, and says so; without a clipboard it says that too. */
export const CopyJson = ({ label, value }: { label: string; value: () => unknown }) => {
  const [outcome, setOutcome] = useState<'none' | 'done' | 'failed'>('none');
  const copy = (): void => {
    // Without a secure address a browser has no clipboard.
    const writing =
      navigator.clipboard?.writeText(JSON.stringify(value(), null, 2)) ?? Promise.reject();
    writing.then(
      () => setOutcome('done'),
      () => setOutcome('failed'),
    );
  };
  return (
    <button type="button" className="button quiet small" onClick={copy}>
      <Icon name={outcome === 'done' ? 'check' : 'copy'} size={14} />
      {outcome === 'failed' ? 'The clipboard is closed to this page' : label}
    </button>
  );
};
