import { Readable } from 'node:stream';
import type { Orchestrator } from '../services/orchestrator/orchestrator-port.ts';

/**
 * What a stage wrote is not ours: a page of it gets an origin of its own without scripts, forms or
 * anything from elsewhere. Styles and pictures inside it are shown. Only our own pages may frame
 * it.
 */
const contentPolicy =
  "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";

/**
 * GET of an artefact: its bytes, with the type its name says. What a browser cannot show is offered
 * as a download.
 */
export const readArtefact = async (orchestrator: Orchestrator, runId: string, named: string) => {
  const { name, bytes, contentType, file } = await orchestrator.openArtefact(runId, named);
  const disposition = contentType === 'application/octet-stream' ? 'attachment' : 'inline';
  return {
    status: 200 as const,
    type: contentType,
    // No more than its size at that moment: a file that still grows would not fit its
    // Content-Length.
    stream: {
      read: () =>
        bytes === 0
          ? Readable.from([])
          : file.createReadStream({ start: 0, end: bytes - 1, autoClose: false }),
      close: () => file.close(),
    },
    headers: {
      'Content-Security-Policy': contentPolicy,
      'Content-Disposition': `${disposition}; filename*=UTF-8''${encodeURIComponent(name)}`,
      'Content-Length': String(bytes),
      'Cross-Origin-Resource-Policy': 'same-origin',
    },
  };
};
