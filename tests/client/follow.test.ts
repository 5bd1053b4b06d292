import { follow } from '../../client/follow.ts';
import { type Served, serveHttp } from '../support/http.ts';
import { until } from '../support/until.ts';

let served: Served;
beforeAll(async () => {
  served = await serveHttp({
    pipelines: { 'a.yaml': 'name: a\nstages:\n  - { name: one, run: ["true"] }\n' },
  });
});
afterAll(() => served.close());

test('S49: retry comes back at once from a wait of minutes, where it had stopped; while connected it opens nothing', async () => {
  const sockets: WebSocket[] = [];
  const said: [string, number | undefined][] = [];
  const follower = follow({
    url: served.url,
    onConnection: (connection, retryInMs) => said.push([connection, retryInMs]),
    connect: (url) => {
      const socket = new WebSocket(url);
      sockets.push(socket);
      return socket;
    },
    // The next try by itself is 500 seconds away: nothing but `retry` brings it back within this
    // test.
    random: () => 1000,
  });
  try {
    await until(() => said.at(-1)?.[0] === 'live');
    sockets[0]?.close();
    await until(() => said.at(-1)?.[0] === 'waiting');
    expect([said.at(-1), sockets.length]).toEqual([['waiting', 500_000], 1]);

    follower.retry();

    await until(() => said.at(-1)?.[0] === 'live');
    expect(sockets).toHaveLength(2);
    expect(sockets[1]?.url).toContain('since=');
    follower.retry();
    expect(sockets).toHaveLength(2);
  } finally {
    follower.close();
  }
});
