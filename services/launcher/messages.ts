import type { Ending, ProcessIdentity } from '../../stages/contract.ts';
import type { ExitRecord, LaunchRequest } from '../../stages/launcher-port.ts';

/** What service and launcher say to each other. */
export type ToLauncher =
  | { type: 'launch'; id: number; request: LaunchRequest }
  /** `go: false` closes the gate unopened. */
  | { type: 'gate'; id: number; go: boolean }
  /** The service has sent SIGTERM: should it die, the launcher keeps to this deadline. */
  | { type: 'ending'; token: string; ending: Ending }
  /** It has ended, and no process that it left is there any more. */
  | { type: 'swept'; id: number }
  | { type: 'ping' };
export type FromLauncher =
  | { type: 'ready' }
  | { type: 'pong' }
  /** For the service's log. */
  | { type: 'trouble'; message: string }
  | { type: 'launched'; id: number; identity: ProcessIdentity }
  | { type: 'failed'; id: number; message: string }
  | { type: 'exited'; id: number; record: ExitRecord };
