// A proxy by which alone Twilio is reached: it knows CONNECT, and whatever host is named leads to one address.
import http from 'node:http';
import net from 'node:net';
import { atEnd } from './lifetime.js';

/** { url }; `to` is the address of what stands for all hosts. */
export async function startTunnel(t, to) {
  const { hostname, port } = new URL(to);
  const sockets = new Set();
  const server = http.createServer((_, reply) => reply.writeHead(502).end());
  server.on('connection', (socket) => sockets.add(socket));
  server.on('connect', (_, near) => {
    const far = net.connect(Number(port), hostname, () => near.write('HTTP/1.1 200 Connected\r\n\r\n'));
    sockets.add(far);
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on('error', () => {});
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${server.address().port}` };
}
