// Several addresses of `listen`, Unix sockets among them, and who counts as a proxy on those.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { callspool, startServer } from './harness/callspool.js';
import { request } from './harness/http.js';
import { temporaryFolder } from './harness/process.js';

/** The status of a GET over a Unix socket. */
async function statusOver(socketPath, path, headers = {}) {
  const call = http.get({ socketPath, path, headers: { Host: 'callspool.test', ...headers } });
  const [reply] = await once(call, 'response');
  reply.resume();
  await once(reply, 'end');
  return reply.statusCode;
}

test('each address of listen is served, and the ready line names the first', async (t) => {
  const socket = join(temporaryFolder(t), 'http');
  const server = await startServer(t, { settings: { listen: `127.0.0.1:0 127.0.0.2:0, unix:${socket}` } });
  assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
  assert.equal((await request(`${server.url}/health`)).status, 200);
  assert.equal(await statusOver(socket, '/health'), 200);
  assert.equal(statSync(socket).mode & 0o777, 0o660);
  await server.finish();
  assert.equal(existsSync(socket), false, 'it goes with the server');
});

test('a Unix socket that was left behind is replaced, one that is listened on is not', async (t) => {
  const socket = join(temporaryFolder(t), 'http');
  const killed = await startServer(t, { settings: { listen: `127.0.0.1:0 unix:${socket}` } });
  await killed.kill();
  assert.equal(existsSync(socket), true);
  await startServer(t, { settings: { listen: `127.0.0.1:0 unix:${socket}` } });
  assert.equal(await statusOver(socket, '/health'), 200);
  const { code, stderr } = await callspool(['serve', '--set', `data_dir=${join(temporaryFolder(t), 'other')}`, '--set', `listen=unix:${socket}`]);
  assert.equal(code, 4, stderr);
  assert.equal(await statusOver(socket, '/health'), 200, 'and goes on');
});

test('a Unix listener has no rights of its own, and is a proxy only where trusted_proxies says unix', async (t) => {
  const folder = temporaryFolder(t);
  const settings = (name, trusted) => ({ listen: `127.0.0.1:0 unix:${join(folder, name)}`, auth: 'proxy', trusted_proxies: trusted, 'proxy.listeners': 'staff', 'proxy.admins': 'boss' });
  await startServer(t, { settings: settings('trusted', 'unix') });
  await startServer(t, { settings: settings('stranger', '127.0.0.9') });
  const named = { 'Remote-User': 'dana', 'Remote-Groups': 'staff' };
  assert.equal(await statusOver(join(folder, 'trusted'), '/api/calls'), 401, 'nobody is named');
  assert.equal(await statusOver(join(folder, 'trusted'), '/api/calls', named), 200);
  assert.equal(await statusOver(join(folder, 'trusted'), '/api/users', named), 403);
  assert.equal(await statusOver(join(folder, 'stranger'), '/api/calls', named), 401);
});
