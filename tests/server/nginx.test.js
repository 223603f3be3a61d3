// packaging/nginx/callspool.conf in a real nginx, before a back end that shows what reaches it.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { RawConnection, request, requestJson } from './harness/http.js';
import { startNginx } from './harness/nginx.js';
import { until } from './harness/until.js';

/** A back end that keeps what it was sent; `answer(request, reply)` answers. */
async function startBackend(t, answer) {
  const seen = [];
  const sockets = new Set();
  const server = http.createServer((incoming, reply) => {
    const headers = [];
    for (let i = 0; i < incoming.rawHeaders.length; i += 2) headers.push([incoming.rawHeaders[i].toLowerCase(), incoming.rawHeaders[i + 1]]);
    seen.push({ method: incoming.method, target: incoming.url, version: incoming.httpVersion, headers, socket: incoming.socket });
    answer(incoming, reply);
  });
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  // The harness asks for / until nginx answers: that is not what a test wants to see.
  return { url: `http://127.0.0.1:${server.address().port}`, seen: () => seen.filter(({ target }) => target !== '/'), server };
}

const valuesOf = (entry, name) => entry.headers.filter(([key]) => key === name).map(([, value]) => value);
const plain = (incoming, reply) => reply.end('ok');

test('what goes to callspool: HTTP/1.1, each header once, nothing that ends the connection', async (t) => {
  const backend = await startBackend(t, plain);
  const nginx = await startNginx(t, backend.url);
  const reply = await request(`${nginx.url}/api/recordings/RE1/media`, {
    headers: { Range: 'bytes=0-1', 'If-Range': '"v1"', 'X-Forwarded-For': '203.0.113.7', Authorization: 'Basic eDp5' },
  });
  assert.equal(reply.status, 200);
  const [entry] = backend.seen();
  assert.equal(entry.version, '1.1');
  assert.deepEqual(valuesOf(entry, 'connection'), []);
  assert.deepEqual(valuesOf(entry, 'upgrade'), []);
  assert.deepEqual(valuesOf(entry, 'range'), ['bytes=0-1']);
  assert.deepEqual(valuesOf(entry, 'if-range'), ['"v1"']);
  assert.deepEqual(valuesOf(entry, 'host'), [`127.0.0.1:${nginx.port}`]);
  assert.deepEqual(valuesOf(entry, 'x-forwarded-host'), [`127.0.0.1:${nginx.port}`]);
  assert.deepEqual(valuesOf(entry, 'x-forwarded-proto'), ['http']);
  assert.deepEqual(valuesOf(entry, 'x-forwarded-for'), ['203.0.113.7, 127.0.0.1']);
  assert.deepEqual(valuesOf(entry, 'authorization'), ['Basic eDp5']);
  assert.match(valuesOf(entry, 'x-request-id')[0], /^[0-9a-f]{32}$/);
  for (const [name] of entry.headers) assert.equal(valuesOf(entry, name).length, 1, `${name} is sent once`);
});

test('a client cannot name who is signed in', async (t) => {
  const backend = await startBackend(t, plain);
  const nginx = await startNginx(t, backend.url);
  const forged = { 'Remote-User': 'dana', 'Remote-Groups': 'admins', 'X-Auth-Request-User': 'dana', 'X-Auth-Request-Groups': 'admins' };
  await request(`${nginx.url}/api/calls`, { headers: forged });
  await request(`${nginx.url}/l/abcdefgh/media`, { headers: forged });
  assert.equal(backend.seen().length, 2);
  for (const entry of backend.seen()) for (const name of Object.keys(forged)) assert.deepEqual(valuesOf(entry, name.toLowerCase()), [], name);
});

test('the secret of a link stands in no log, whatever becomes of the request', async (t) => {
  const backend = await startBackend(t, plain);
  const nginx = await startNginx(t, backend.url);
  const secret = 'Qm7-ThisIsTheSecretOf_1x';
  const targets = [`/l/Zk3_x81Q${secret}/media`, `/l/Zk3_x81Q${secret}/media?t=3`, `/l/Zk3_x81Q${secret}`, `//l/Zk3_x81Q${secret}/media`,
    `/L/Zk3_x81Q${secret}/media`, '/l/Zk3_x81Q', '/l/Zk3_x81Q/media'];
  for (const path of targets) assert.equal((await request(nginx.url, { path })).status, 200, path);
  assert.deepEqual(backend.seen().map(({ target }) => target), targets, 'callspool is asked for what was asked');
  await nginx.logs(/GET \/l\/Zk3_x81Q\.\.\.\/media HTTP/);
  await nginx.logs(/GET \/l\/Zk3_x81Q\.\.\.\/media\?t=3 HTTP/);
  await nginx.logs(/GET \/l\/Zk3_x81Q HTTP/);
  await nginx.logs(/GET \/l\/Zk3_x81Q\/media HTTP/);

  await new Promise((resolve) => {
    backend.server.close(resolve);
    backend.server.closeAllConnections();
  });
  const away = await requestJson(nginx.url, { path: targets[0] });
  assert.equal(away.status, 503);
  await nginx.logs(new RegExp(`id=${away.json.request_id} `));
  assert.equal((await request(`${nginx.url}/api/calls`)).status, 503);
  await until('the error log tells of the other request', () => nginx.written().includes('request: "GET /api/calls HTTP/1.1"'));
  assert.ok(!nginx.written().includes(secret), nginx.written());
});

test('a request without Range reaches callspool without Range', async (t) => {
  const backend = await startBackend(t, plain);
  const nginx = await startNginx(t, backend.url);
  await request(`${nginx.url}/x`);
  const names = backend.seen()[0].headers.map(([name]) => name);
  for (const name of ['range', 'if-range', 'connection', 'upgrade', 'transfer-encoding']) assert.ok(!names.includes(name), name);
});

test('connections to callspool are kept', async (t) => {
  const backend = await startBackend(t, plain);
  const nginx = await startNginx(t, backend.url);
  for (let i = 0; i < 5; i += 1) await request(`${nginx.url}/api/calls?${i}`);
  const entries = backend.seen();
  assert.equal(entries.length, 5);
  assert.equal(new Set(entries.map(({ socket }) => socket)).size, 1, 'all on one connection');
});

test('the request target goes through byte for byte', async (t) => {
  const backend = await startBackend(t, plain);
  const nginx = await startNginx(t, backend.url);
  const target = '/webhook/recording-status?a=%27b%27&c=d+e&f=%C3%A9//x&empty=';
  await request(nginx.url, { path: target });
  await request(nginx.url, { path: '/api//calls/./%2e/x' });
  assert.deepEqual(backend.seen().map((entry) => entry.target), [target, '/api//calls/./%2e/x']);
});

test('a 206 arrives as it was sent, never compressed, never cached', async (t) => {
  let count = 0;
  const backend = await startBackend(t, (incoming, reply) => {
    count += 1;
    reply.writeHead(206, {
      'Content-Type': 'audio/mpeg', 'Content-Range': 'bytes 0-9/100', 'Content-Length': 10, 'Accept-Ranges': 'bytes', ETag: '"strong"',
      'Cache-Control': 'public, max-age=600',
    });
    reply.end('0123456789');
  });
  const nginx = await startNginx(t, backend.url);
  const before = count;
  for (let i = 0; i < 2; i += 1) {
    const reply = await request(`${nginx.url}/m`, { headers: { Range: 'bytes=0-9', 'Accept-Encoding': 'gzip' } });
    assert.equal(reply.status, 206);
    assert.equal(reply.headers['content-range'], 'bytes 0-9/100');
    assert.equal(reply.headers['content-length'], '10');
    assert.equal(reply.headers.etag, '"strong"');
    assert.equal(reply.headers['content-encoding'], undefined);
    assert.equal(reply.body.toString(), '0123456789');
  }
  assert.equal(count - before, 2, 'each request reached the back end');
});

test('a 200 is never compressed, although this nginx would compress audio elsewhere', async (t) => {
  const body = 'sound '.repeat(1000);
  const backend = await startBackend(t, (incoming, reply) => {
    reply.writeHead(200, { 'Content-Type': 'audio/mpeg', 'Content-Length': body.length, ETag: '"strong"' });
    reply.end(body);
  });
  const nginx = await startNginx(t, backend.url);
  const reply = await request(`${nginx.url}/m`, { headers: { 'Accept-Encoding': 'gzip' } });
  assert.equal(reply.headers['content-encoding'], undefined);
  assert.equal(reply.headers['content-length'], String(body.length));
  assert.equal(reply.headers.etag, '"strong"');
  assert.equal(reply.body.toString(), body);
});

test('bytes are passed on as they come', async (t) => {
  let finish;
  const backend = await startBackend(t, (incoming, reply) => {
    if (incoming.url === '/') return reply.end();
    reply.writeHead(200, { 'Content-Type': 'audio/mpeg', 'Content-Length': 8 });
    reply.write('half');
    finish = () => reply.end('rest');
    return undefined;
  });
  const nginx = await startNginx(t, backend.url);
  const player = await RawConnection.open(nginx.url);
  t.after(() => player.close());
  player.send('GET /m HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await player.receives(/\r\n\r\nhalf$/);
  finish();
  assert.match(await player.untilClosed(), /\r\n\r\nhalfrest$/);
});

test('a body cut short by callspool arrives cut short, not padded', async (t) => {
  const backend = await startBackend(t, (incoming, reply) => {
    if (incoming.url === '/') return reply.end();
    reply.writeHead(200, { 'Content-Type': 'audio/mpeg', 'Content-Length': 1000 });
    reply.write('only this', () => reply.destroy());
    return undefined;
  });
  const nginx = await startNginx(t, backend.url);
  const reply = await request(`${nginx.url}/m`);
  assert.equal(reply.status, 200);
  assert.equal(reply.cut, true);
  assert.equal(reply.body.toString(), 'only this');
});

test('a WebSocket is upgraded, with Connection said once', async (t) => {
  const backend = await startBackend(t, plain);
  backend.server.on('upgrade', (incoming, socket) => {
    const connections = incoming.rawHeaders.filter((text, i) => i % 2 === 0 && text.toLowerCase() === 'connection').length;
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Said: ${incoming.headers.connection} ${connections}\r\n\r\n`);
    socket.on('data', (chunk) => socket.write(chunk));
  });
  const nginx = await startNginx(t, backend.url);
  const browser = await RawConnection.open(nginx.url);
  t.after(() => browser.close());
  browser.send('GET /api/events HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\r\n');
  await browser.receives(/^HTTP\/1\.1 101 /);
  await browser.receives(/X-Said: upgrade 1\r\n/);
  browser.send('echo me');
  await browser.receives(/\r\n\r\necho me$/);
});

test('without callspool: 503 as JSON with Retry-After, not a page', async (t) => {
  const backend = await startBackend(t, plain);
  const nginx = await startNginx(t, backend.url);
  await new Promise((resolve) => {
    backend.server.close(resolve);
    backend.server.closeAllConnections();
  });
  const reply = await requestJson(`${nginx.url}/api/recordings/RE1/media`);
  assert.equal(reply.status, 503);
  assert.equal(reply.headers['content-type'], 'application/json');
  assert.equal(reply.headers['retry-after'], '5');
  assert.equal(reply.json.success, false);
  assert.match(reply.json.request_id, /^[0-9a-f]{32}$/);
  await nginx.logs(new RegExp(`id=${reply.json.request_id} `));
});

test('errors of callspool itself pass through untouched', async (t) => {
  const backend = await startBackend(t, (incoming, reply) => {
    if (incoming.url === '/') return reply.end();
    reply.writeHead(503, { 'Content-Type': 'application/json', 'Retry-After': '17' });
    return reply.end('{"code": "upstream_unavailable"}');
  });
  const nginx = await startNginx(t, backend.url);
  const reply = await requestJson(`${nginx.url}/m`);
  assert.equal(reply.status, 503);
  assert.equal(reply.headers['retry-after'], '17');
  assert.equal(reply.json.code, 'upstream_unavailable');
});

test('a player without Host (HTTP/1.0) is passed on with one', async (t) => {
  const backend = await startBackend(t, plain);
  const nginx = await startNginx(t, backend.url);
  const player = await RawConnection.open(nginx.url);
  t.after(() => player.close());
  player.send('GET /old HTTP/1.0\r\n\r\n');
  assert.match(await player.untilClosed(), /^HTTP\/1\.1 200 /);
  assert.equal(valuesOf(backend.seen()[0], 'host').length, 1);
  assert.equal(backend.seen()[0].version, '1.1');
});
