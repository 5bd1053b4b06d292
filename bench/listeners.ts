// Opens COUNT sockets to the address given and says how many bytes they got, each time that it is
// asked on stdin.
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { WebSocket } from 'ws';

const [url = '', count = '1000'] = process.argv.slice(2);
let frames = 0;
const waiting: { upTo: number; tell: () => void }[] = [];
const sockets = Array.from(
  { length: Number(count) },
  () => new WebSocket(url, { perMessageDeflate: false }),
);
for (const socket of sockets)
  socket.on('message', (data: Buffer) => {
    // The first one is the snapshot; a counted frame holds many events.
    if (data.length < 20_000) return;
    frames += 1;
    if (waiting[0] && frames >= waiting[0].upTo) waiting.shift()?.tell();
  });
await Promise.all(sockets.map((socket) => once(socket, 'open')));
process.stdout.write('open\n');
for await (const line of createInterface({ input: process.stdin })) {
  const upTo = Number(line);
  if (frames < upTo) await new Promise<void>((tell) => waiting.push({ upTo, tell }));
  process.stdout.write('got\n');
}
