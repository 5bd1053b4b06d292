// The real service that also writes NOISE events of nobody, as fast as the store takes them.
// Composition only for tests.
import { serve } from '../../bin/serve.ts';

let left = Number(process.env.NOISE ?? 0);
process.exitCode = await serve(process.argv.slice(2), process.env, (parts) => {
  const shout = async (): Promise<void> => {
    for (; left > 0; left -= 1) {
      const event = {
        stage: 'system',
        event: 'warning' as const,
        severity: 'info' as const,
        msg: `noise ${left}`,
        data: { left },
      };
      await parts.store.note({ ...event, runId: null, pipeline: null }, Date.now());
      // Others may speak in between.
      if (left % 20 === 0) await new Promise(setImmediate);
    }
  };
  const { amend } = parts.store;
  let isFirst = true;
  return {
    ...parts,
    store: {
      ...parts.store,
      // The first write of a boot.
      amend: async (...args) => {
        const amended = await amend(...args);
        if (isFirst) void shout();
        isFirst = false;
        return amended;
      },
    },
  };
});
