import type { ReactNode } from 'react';
import { Link } from 'wouter';
import { Pill } from './pill.tsx';

/** What stays while views change. */
export const Shell = ({ children }: { children: ReactNode }) => (
  <div className="shell">
    <a className="skip" href="#main">
      Skip to the content
    </a>
    <header className="bar">
      <Link href="/" className="brand">
        Stagewright
      </Link>
      <Pill />
    </header>
    <main id="main" tabIndex={-1}>
      {children}
    </main>
  </div>
);
