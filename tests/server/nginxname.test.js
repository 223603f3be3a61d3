// Real nginx with the template for containers: callspool's name is asked for anew, so that a container that is made anew
// under another address is found.
import test from 'node:test';
import assert from 'node:assert/strict';
import dgram from 'node:dgram';
import http from 'node:http';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { atEnd } from './harness/lifetime.js';
import { request } from './harness/http.js';
import { startNginx } from './harness/nginx.js';
import { until } from './harness/until.js';

const TEMPLATE = new URL('../../packaging/containers/templates/callspool.conf.template', import.meta.url).pathname;

/** A name server that knows one name, whose address is names.address; of another kind of address there is none. */
async function startNames(t, names) {
  const socket = dgram.createSocket('udp4');
  socket.on('message', (question, { port, address }) => {
    const end = question.indexOf(0, 12) + 5; // the name, its type, its class
    const isA = question.readUInt16BE(end - 4) === 1;
    const head = Buffer.from(question.subarray(0, 12));
    head.writeUInt16BE(0x8180, 2);
    head.writeUInt16BE(isA ? 1 : 0, 6);
    head.fill(0, 8);
    const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...names.address.split('.').map(Number)]);
    socket.send(Buffer.concat([head, question.subarray(12, end), isA ? answer : Buffer.alloc(0)]), port, address);
    names.asked = (names.asked ?? 0) + 1;
  });
  await new Promise((resolve) => { socket.bind(0, '127.0.0.1', resolve); });
  atEnd(t, () => socket.close());
  return socket.address().port;
}

/** A back end that says at which address it is, and what it was told. */
async function startAt(t, address, port = 0) {
  const server = http.createServer((incoming, reply) => reply.end(JSON.stringify({ address, headers: incoming.headers, url: incoming.url })));
  await new Promise((resolve, reject) => { server.once('error', reject).listen(port, address, resolve); });
  const stop = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  atEnd(t, () => stop());
  return { port: server.address().port, stop };
}

const siteWith = (names) => (folder, port, backend) => readFileSync(TEMPLATE, 'utf8')
  .replace('${NGINX_LOCAL_RESOLVERS} valid=5s', `127.0.0.1:${names} valid=1s`)
  .replace('http://callspool:8080', `http://callspool.test:${backend.split(':')[1]}`)
  .replace('listen 80;', `listen 127.0.0.1:${port};`)
  .replace('/etc/nginx/tls/*.conf', join(folder, 'none*.conf'))
  .replace('/dev/stdout', join(folder, 'access.log'))
  .replaceAll('/dev/stderr', join(folder, 'error.log'));

test('a back end that moves is found again, and only what comes in between is answered 503', async (t) => {
  const names = { address: '127.0.0.1' };
  const first = await startAt(t, '127.0.0.1');
  const nginx = await startNginx(t, `http://127.0.0.1:${first.port}`, { site: siteWith(await startNames(t, names)) });
  const ask = async () => {
    const reply = await request(`${nginx.url}/api/calls/CA1/download?x=%2F`, { headers: { 'X-Forwarded-For': '203.0.113.66' } });
    return { status: reply.status, ...(reply.status === 200 ? JSON.parse(reply.body.toString()) : {}) };
  };
  const { headers, ...rest } = await ask();
  assert.deepEqual(rest, { status: 200, address: '127.0.0.1', url: '/api/calls/CA1/download?x=%2F' });
  assert.equal(headers['x-forwarded-for'], '127.0.0.1', 'what the client says of itself is not handed on');

  await first.stop();
  await startAt(t, '127.0.0.2', first.port);
  names.address = '127.0.0.2';
  const statuses = [];
  const moved = await until('nginx has asked again', async () => {
    const answer = await ask();
    statuses.push(answer.status);
    return answer.status === 200 && answer;
  });
  assert.equal(moved.address, '127.0.0.2');
  assert.ok(statuses.every((status) => status === 200 || status === 503), String(statuses));
});
