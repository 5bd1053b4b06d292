import { withoutControls } from '../../definition/free-text.ts';
import type { ChannelOf } from '../host/channel-settings.ts';
import { runProgram } from '../launcher/run-program.ts';
import { type DeliveryTools, NotDelivered, within } from './delivery.ts';
import type { Parcel } from './message.ts';
import { payloadOf } from './message-words.ts';

const timeoutMs = 30_000;

/** The message as JSON on stdin; exit 0 says that it was delivered. */
export const runScript = async (
  { run }: ChannelOf<'script'>,
  parcel: Parcel,
  tools: DeliveryTools & { env: Record<string, string> },
): Promise<string> => {
  const input = `${JSON.stringify(payloadOf(parcel, tools.base))}\n`;
  const { code, signal, said } = await within(tools, timeoutMs, (ended) =>
    runProgram(run, { input, env: tools.env, signal: ended }),
  ).catch((error: { code?: string }) => {
    if (error.code === undefined) throw error;
    throw new NotDelivered(`${run[0]} cannot be started (${error.code})`);
  });
  if (code === 0) return 'ended with exit code 0';
  const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
  const last = withoutControls(said).trim().split('\n').at(-1)?.slice(0, 200);
  throw new NotDelivered(`${how}${last ? `: ${last}` : ''}`);
};
