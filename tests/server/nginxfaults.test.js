// The faults that the doctor's checks are tried with, in a real nginx: what players, browsers and Twilio get of each differs
// from what they get without it.  All are servers of one nginx, each on a socket of its own; what shows itself only under load,
// or after minutes, is marked in the table ("seen": false), and is looked at by nobody here.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { atEnd } from './harness/lifetime.js';
import { Program, run, temporaryFolder } from './harness/process.js';
import { until } from './harness/until.js';

const NGINX = '/usr/sbin/nginx';
const PACKAGED = readFileSync(new URL('../../packaging/nginx/callspool.conf', import.meta.url), 'utf8');
const { faults } = JSON.parse(readFileSync(new URL('../data/nginx/faults.json', import.meta.url), 'utf8'));
const CALL = '/api/calls/CA0123456789abcdef0123456789abcdef/download';
const SOUND = Buffer.alloc(4000, 'abc');

/** Stands for callspool: ranges, an error in JSON, a connection that breaks; `seen` is what reached it. */
async function startBackend(t) {
  const seen = [];
  const server = http.createServer((incoming, reply) => {
    const chunks = [];
    const headers = [];
    for (let i = 0; i < incoming.rawHeaders.length; i += 2) headers.push(`${incoming.rawHeaders[i].toLowerCase()}: ${incoming.rawHeaders[i + 1]}`);
    incoming.on('data', (chunk) => chunks.push(chunk));
    incoming.on('end', () => {
      seen.push({ method: incoming.method, target: incoming.url, version: incoming.httpVersion, headers: headers.sort(), body: Buffer.concat(chunks).toString(), socket: incoming.socket });
      if (incoming.url.includes('breaks')) incoming.socket.destroy();
      else if (incoming.url.includes('refused')) reply.writeHead(502, { 'Content-Type': 'application/json' }).end('{"success": false}');
      else if (incoming.headers.range === 'bytes=0-1') reply.writeHead(206, { 'Content-Type': 'audio/mpeg', 'Content-Range': `bytes 0-1/${SOUND.length}`, 'Accept-Ranges': 'bytes', ETag: '"v"', 'Content-Length': 2 }).end('ab');
      else reply.writeHead(200, { 'Content-Type': 'audio/mpeg', 'Accept-Ranges': 'bytes', ETag: '"v"', 'Content-Length': SOUND.length }).end(SOUND);
    });
  });
  server.on('upgrade', (incoming, socket) => {
    seen.push({ method: 'UPGRADE', target: incoming.url, version: incoming.httpVersion, headers: [`upgrade: ${incoming.headers.upgrade}`], body: '' });
    socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => {
    server.closeAllConnections();
    server.close();
  });
  return { port: server.address().port, seen };
}

function ask(socketPath, { path, method = 'GET', headers = {}, body }) {
  return new Promise((resolve, reject) => {
    const call = http.request({ socketPath, path, method, headers: { Host: 'calls.example.com', ...headers }, agent: false }, (reply) => {
      const chunks = [];
      const answer = () => resolve({ status: reply.statusCode, headers: reply.rawHeaders, length: Buffer.concat(chunks).length });
      reply.on('data', (chunk) => chunks.push(chunk));
      reply.on('end', answer);
      reply.on('error', answer);
    });
    call.on('error', reject);
    call.end(body);
  });
}

const REQUESTS = [
  { path: CALL, headers: { Range: 'bytes=0-1', 'If-Range': '"v"', Authorization: 'Bearer x', Cookie: 'a=b', 'Remote-User': 'dana', 'X-Forwarded-For': '198.51.100.1' } },
  { path: CALL, headers: { Range: 'bytes=0-1' } },
  { path: CALL, headers: { 'Accept-Encoding': 'gzip' } },
  { path: CALL, method: 'HEAD' },
  { path: '/webhook/recording-status?x=%20y', method: 'POST', headers: { 'X-Twilio-Signature': 'x', 'Content-Type': 'application/x-www-form-urlencoded' }, body: 'a'.repeat(2000) },
  { path: '/webhook/call-status', method: 'POST', body: 'a=b' },
  { path: '/webhook/call-status', method: 'POST', body: 'a=b' },
  { path: '/api/events', headers: { Connection: 'Upgrade', Upgrade: 'websocket' } },
  { path: '/l/Zk3_x81Q/media' },
  { path: '/api/recordings/refused/media' },
  { path: '/api/calls/breaks/download' },
];

/** All that can be seen of a server from outside and behind it. */
async function observe(backend, socketPath) {
  const seen = [];
  const sockets = new Set();
  for (const one of REQUESTS) {
    const before = backend.seen.length;
    const { status, headers, length } = await ask(socketPath, one);
    const behind = backend.seen.slice(before).map(({ socket, headers: sent, ...rest }) => {
      if (one.path === CALL && socket) sockets.add(socket);
      return { ...rest, headers: sent.filter((line) => !line.startsWith('x-request-id:')) };
    });
    const lines = headers.map((name, k) => (k % 2 === 0 ? `${name}: ${headers[k + 1]}` : '')).filter((line) => line && !/^(date|server):/i.test(line));
    seen.push({ one: `${one.method ?? 'GET'} ${one.path}`, status, lines, length, behind });
  }
  return { seen, connections: sockets.size };
}

test('each fault is one: what comes of it differs from what comes without it', async (t) => {
  const folder = temporaryFolder(t, 'nginxfaults');
  const backend = await startBackend(t);
  for (const name of ['b', 'p', 'f', 'u', 's', 'cache']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'users'), 'x:x\n');
  const rows = [{ name: 'none', edits: [] }, ...faults.filter(({ starts, public_url: url }) => starts !== false && !url)];
  const sites = rows.map((row, i) => {
    let site = PACKAGED;
    for (const [from, to] of row.edits) site = row.every ? site.replaceAll(from, to) : site.replace(from, () => to);
    // Bodies are promised here that never come.
    if (/^webhook-(body|locked)$/.test(row.check)) site = site.replace(/proxy_read_timeout +60s/, 'proxy_read_timeout 1s');
    return site.replaceAll('/var/log/nginx/callspool', `${folder}/${i}`).replaceAll('callspool', `site${String(i).padStart(4, '0')}_`).replaceAll('listen 80', `listen unix:${folder}/${i}.sock`)
      .replaceAll('127.0.0.1:8080', `127.0.0.1:${backend.port}`).replaceAll('/etc/nginx/users', `${folder}/users`).replaceAll('localhost:5000', '127.0.0.1:9').replaceAll('127.0.0.1:5000', '127.0.0.1:9');
  });
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, `${process.getuid() === 0 ? 'user root;\n' : ''}daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log notice;
events { worker_connections 2048; }
http {
  variables_hash_max_size 8192; proxy_temp_path ${folder}/p; client_body_temp_path ${folder}/b; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  proxy_cache_path ${folder}/cache keys_zone=zone:1m; limit_req_zone $server_name zone=per_client:1m rate=1r/m; limit_conn_zone $server_name zone=per_address:1m;
  root ${folder}/html;
${sites.join('\n')}
}
`);
  const tested = await run(NGINX, ['-t', '-q', '-p', folder, '-c', file]);
  assert.equal(tested.code, 0, tested.stderr);
  const program = new Program(NGINX, ['-p', folder, '-c', file]);
  atEnd(t, () => program.stop('SIGTERM'));
  await until('nginx has started', () => program.status ?? readFileSync(join(folder, 'error.log'), 'utf8').includes('start worker process '), 15_000);
  assert.ok(!program.status, program.said);

  const well = await observe(backend, `${folder}/0.sock`);
  assert.deepEqual(await observe(backend, `${folder}/0.sock`), well, 'without a fault it is always the same');
  assert.equal(well.connections, 1, 'and on one connection');
  for (const [i, row] of rows.entries()) {
    if (i === 0) continue;
    const observed = await observe(backend, `${folder}/${i}.sock`);
    const isSeen = JSON.stringify(observed) !== JSON.stringify(well);
    assert.equal(isSeen, row.seen !== false, `${row.check}: ${row.name}${isSeen ? ' is seen, and the table says that it is not' : ' is not seen'}`);
  }
});
