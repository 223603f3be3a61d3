// Twilio as one process sees it: what it asks goes to the simulated one, and is written into the history with its beginning and its end.
import http from 'node:http';
import { atEnd } from '../server/harness/lifetime.js';

const MEDIA = /\/Recordings\/(RE[0-9a-f]{32})(\.mp3|\.wav)?(\?|$)/;

/**
 * { url, isDown, isSilent, cut(), hear() }: as of a line (harness/line.js), but that what comes while it is silent is not kept.  onEnd(recordingSid): before the last of
 * somebody's media is passed on.
 */
export async function startDoor(t, to, { history, process }) {
  const sockets = new Set();
  const { hostname, port } = new URL(to);
  const door = { isDown: false, isSilent: false };
  const server = http.createServer((asked, reply) => {
    if (door.isSilent) return;
    const [, recordingSid] = asked.method === 'GET' ? asked.url.match(MEDIA) ?? [] : [];
    const entry = { process, recordingSid, range: asked.headers.range, from: history.now() };
    const onward = http.request({ hostname, port, method: asked.method, path: asked.url, headers: asked.headers, agent: false });
    onward.on('response', (answer) => {
      entry.status = answer.statusCode;
      reply.writeHead(answer.statusCode, answer.rawHeaders);
      answer.on('data', (chunk) => {
        if (!door.isSilent && !reply.write(chunk)) answer.pause();
      });
      reply.on('drain', () => answer.resume());
      answer.on('end', () => {
        if (recordingSid && answer.complete && (answer.statusCode === 200 || answer.statusCode === 206)) door.onEnd?.(recordingSid);
        if (answer.complete && !door.isSilent) reply.end();
        else reply.destroy();
      });
      answer.on('aborted', () => reply.destroy());
      answer.on('error', () => reply.destroy());
    });
    onward.on('error', () => reply.destroy());
    reply.on('close', () => {
      onward.destroy();
      if (recordingSid) history.add('asked', { ...entry, to: history.now() });
    });
    asked.on('error', () => {});
    asked.pipe(onward);
  });
  server.on('connection', (socket) => {
    if (door.isDown) return socket.destroy();
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    return undefined;
  });
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  door.url = `http://127.0.0.1:${server.address().port}`;
  door.cut = () => { for (const socket of sockets) socket.destroy(); };
  door.hear = () => {
    door.isSilent = false;
    door.cut();
  };
  atEnd(t, () => {
    door.cut();
    server.close();
  });
  return door;
}
