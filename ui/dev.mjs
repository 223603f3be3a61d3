// The page while one works on it: built anew at every reload, everything else from a server that runs.
//
//	build/callspool demo &
//	node ui/dev.mjs [--to http://127.0.0.1:8080] [--port 8090]
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { parseArgs } from 'node:util';
import { made, policy } from './build.mjs';

const { values } = parseArgs({ options: { to: { type: 'string', default: 'http://127.0.0.1:8080' }, port: { type: 'string', default: '8090' } } });
const to = new URL(values.to);
const TYPES = { html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', css: 'text/css; charset=utf-8', svg: 'image/svg+xml' };

function pageOf(path) {
  if (path === '/') return 'index.html';
  if (path === '/join') return 'join.html';
  if (/^\/l\/[^/]+$/.test(path)) return 'link.html';
  return path.startsWith('/assets/') ? path.slice('/assets/'.length) : null;
}

let files = await made();

// The server thinks that its own origin asks.
const headers = (incoming) => ({ ...incoming.headers, host: to.host, ...(incoming.headers.origin ? { origin: to.origin } : {}) });

const server = createServer(async (incoming, reply) => {
  const name = pageOf(new URL(incoming.url, 'http://page').pathname);
  if (incoming.method === 'GET' && name) {
    try {
      if (name.endsWith('.html')) files = await made();
    } catch (error) {
      reply.writeHead(500, { 'Content-Type': 'text/plain' }).end(error.message);
      return;
    }
    const body = files.get(name);
    reply.writeHead(body ? 200 : 404, { 'Content-Type': TYPES[name.split('.').pop()] ?? 'text/plain', 'Content-Security-Policy': policy(), 'Cache-Control': 'no-store' });
    reply.end(body ?? 'no such file');
    return;
  }
  const onward = request({ host: to.hostname, port: to.port, method: incoming.method, path: incoming.url, headers: headers(incoming) }, (answer) => {
    reply.writeHead(answer.statusCode, answer.headers);
    answer.pipe(reply);
  });
  onward.on('error', () => reply.destroy());
  reply.on('close', () => onward.destroy());
  incoming.pipe(onward);
});

server.on('upgrade', (incoming, socket, head) => {
  const onward = connect(Number(to.port), to.hostname, () => {
    const lines = Object.entries(headers(incoming)).map(([name, value]) => `${name}: ${value}\r\n`).join('');
    onward.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${lines}\r\n`);
    onward.write(head);
    onward.pipe(socket).pipe(onward);
  });
  onward.on('error', () => socket.destroy());
  socket.on('error', () => onward.destroy());
});

server.listen(Number(values.port), '127.0.0.1', () => console.log(`the page is at http://127.0.0.1:${server.address().port}`));
