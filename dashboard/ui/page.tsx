import { type ReactNode, useEffect } from 'react';

type Props = { title: string; heading?: ReactNode; aside?: ReactNode; children?: ReactNode };

/**
 * The frame of a view: its name in the tab and as the one h1, what can be done at its right, and
 * the rest below.
 */
export const Page = ({ title, heading = title, aside, children }: Props) => {
  useEffect(() => {
    document.title = `${title} · Stagewright`;
  }, [title]);
  return (
    <div className="page">
      <header className="page-head">
        <h1>{heading}</h1>
        {aside && <div className="page-aside">{aside}</div>}
      </header>
      {children}
    </div>
  );
};
