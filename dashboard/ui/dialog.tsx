import { type ReactNode, useEffect, useId, useRef } from 'react';
import { Icon } from './icon.tsx';

type Props = {
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** Asked before it closes by Escape or a click beside it. */
  mayClose?: () => boolean;
  className?: string;
  /** The title is read out but not drawn. */
  isBare?: boolean;
};

/**
 * The browser's own modal: it holds the focus, gives it back, and closes with Escape. Mounted =
 * open.
 */
export const Dialog = ({
  title,
  onClose,
  children,
  mayClose = () => true,
  className = '',
  isBare = false,
}: Props) => {
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const dialog = element.current;
    if (!dialog) return;
    // React mounts twice in development; an open one cannot be opened again.
    if (!dialog.open) dialog.showModal();
    // It would focus its first control, which is the one that closes it.
    dialog.querySelector<HTMLElement>('[data-first]')?.focus();
    return () => dialog.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it; the click is only for a mouse that misses it
    <dialog
      ref={element}
      className={`dialog ${className}`}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        if (mayClose()) onClose();
      }}
      onClick={(event) => event.target === element.current && mayClose() && onClose()}
    >
      <div className="dialog-box">
        <header className={isBare ? 'visually-hidden' : 'dialog-head'}>
          <h2 id={titleId}>{title}</h2>
          {!isBare && (
            <button
              type="button"
              className="button quiet icon-only"
              aria-label="Close"
              onClick={onClose}
            >
              <Icon name="close" />
            </button>
          )}
        </header>
        {children}
      </div>
    </dialog>
  );
};
