import type { ProcessIdentity } from '../../stages/contract.ts';
import type { ExitRecord, LaunchRequest } from '../../stages/launcher-port.ts';

/** What service and launcher say to each other. */
export type ToLauncher =
  | { type: 'launch'; id: number; request: LaunchRequest }
  /** `go: false` closes the gate unopened. */
  | { type: 'gate'; id: number; go: boolean };
export type FromLauncher =
  | { type: 'ready' }
  /** For the service's log. */
  | { type: 'trouble'; message: string }
  | { type: 'launched'; id: number; identity: ProcessIdentity }
  | { type: 'failed'; id: number; message: string }
  | { type: 'exited'; id: number; record: ExitRecord };
