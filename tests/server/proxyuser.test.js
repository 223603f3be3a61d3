// auth = proxy: who signs in elsewhere is whom the proxy names, and nobody else can name anybody.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { callspool, startServer } from './harness/callspool.js';
import { RawConnection } from './harness/http.js';
import { until } from './harness/until.js';
import { Caller, addToken, newAddress } from './harness/people.js';

const SETTINGS = { auth: 'proxy', trusted_proxies: '127.0.0.1', 'proxy.user_header': 'Remote-User', 'proxy.groups_header': 'Remote-Groups', 'proxy.admins': 'ops', 'proxy.listeners': 'support,sales' };
const named = (server, name, groups, more = {}) => new Caller(server, { headers: { 'Remote-User': name, ...(groups && { 'Remote-Groups': groups }), ...more } });
const names = (server) => execFileSync('sqlite3', [join(server.dataDir, 'ledger.db'), '.timeout 5000', "SELECT group_concat(name, ' ') FROM (SELECT name FROM users ORDER BY name)"], { encoding: 'utf8' }).trim();

test('a trusted proxy names who asks, and what their groups may', async (t) => {
  const server = await startServer(t, { settings: SETTINGS });
  const admin = named(server, 'Ruth@Example.com', 'staff, ops');
  const listener = named(server, 'dana', 'support');
  assert.equal((await new Caller(server).ask('GET', '/api/calls')).status, 401);
  assert.equal((await listener.ask('GET', '/api/calls')).status, 200);
  assert.equal((await listener.ask('GET', '/api/users')).status, 403);
  assert.equal((await admin.ask('GET', '/api/users')).status, 200);
  assert.equal((await admin.asks(200, 'GET', '/api/session')).json.user.name, 'ruth@example.com');
  assert.equal((await admin.ask('GET', '/api/calls', { headers: { Origin: 'https://elsewhere.test' } })).status, 403, 'the header is ambient, too');
  assert.equal((await new Caller(server).signIn('dana')).status, 403, 'no passwords here');
  const token = await addToken(admin, 'read');
  assert.equal((await token.ask('GET', '/api/calls')).status, 200, 'tokens work');
});

test('who is in no group that may anything is refused, and no user is made', async (t) => {
  const server = await startServer(t, { settings: SETTINGS });
  for (const groups of [undefined, '', 'kitchen', 'Ops', 'ops support']) {
    const reply = await named(server, 'stranger', groups).ask('GET', '/api/calls');
    assert.equal(reply.status, 403, groups);
    assert.equal(reply.json.code, 'forbidden');
  }
  assert.equal(names(server), '');
});

test('headers that come twice, and names that are none, are refused', async (t) => {
  const server = await startServer(t, { settings: SETTINGS });
  const raw = async (lines) => {
    const connection = await RawConnection.open(server.url);
    connection.send(`GET /api/calls HTTP/1.1\r\nHost: callspool.test\r\n${lines}\r\nConnection: close\r\n\r\n`);
    return (await connection.untilClosed()).slice(9, 12);
  };
  assert.equal(await raw('Remote-User: dana\r\nRemote-Groups: support'), '200');
  assert.equal(await raw('Remote-User: dana\r\nRemote-User: ruth\r\nRemote-Groups: support'), '400');
  assert.equal(await raw('Remote-User: dana\r\nRemote-Groups: support\r\nremote-groups: ops'), '400');
  assert.equal(await raw('Remote-User: <b>dana\r\nRemote-Groups: support'), '403');
  assert.equal(await raw(`Remote-User: ${'x'.repeat(200)}\r\nRemote-Groups: support`), '403');
  const doctor = await named(server, 'callspool-doctor-1', 'ops').ask('GET', '/api/calls');
  assert.equal(doctor.status, 403);
  assert.match(doctor.json.error, /doctor/);
  assert.equal(names(server), 'dana');
});

test("a stranger's user header is ignored, and told once", async (t) => {
  const server = await startServer(t, { settings: { ...SETTINGS, trusted_proxies: '203.0.113.1' } });
  for (let i = 0; i < 20; i++) assert.equal((await named(server, 'ruth', 'ops').ask('GET', '/api/users')).status, 401);
  const lines = server.err.filter((line) => line.includes('Remote-User'));
  assert.equal(lines.length, 1, lines.join('\n'));
  assert.match(lines[0], /127\.0\.0\.1, which is no trusted proxy/);
  assert.equal(names(server), '');
});

test('whom the proxy names can be disabled here', async (t) => {
  const server = await startServer(t, { settings: SETTINGS });
  const admin = named(server, 'ruth', 'ops');
  const listener = named(server, 'dana', 'support');
  await listener.asks(200, 'GET', '/api/calls');
  await admin.asks(200, 'POST', '/api/users/dana', { json: { disabled: true } });
  for (let i = 0; i < 6; i++) assert.equal((await listener.ask('GET', '/api/calls')).status, 401);
  await admin.asks(200, 'POST', '/api/users/dana', { json: { disabled: false } });
  const again = () => named(server, 'dana', 'support', { 'X-Forwarded-For': newAddress() });
  await until('dana is let in again', async () => (await again().ask('GET', '/api/calls')).status === 200);
  assert.equal((await admin.ask('POST', '/api/users', { json: { name: 'noa' } })).status, 400, 'nobody is added by hand');
  assert.equal((await admin.ask('POST', '/api/users/dana/reset', { json: {} })).status, 409);
});

test('whom the proxy names can be disabled by the command, too, whether the server runs or not', async (t) => {
  const server = await startServer(t, { settings: SETTINGS });
  const dataDir = server.dataDir;
  const settings = Object.entries({ ...SETTINGS, data_dir: dataDir }).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  const command = async (...args) => {
    const { code, stdout, stderr } = await callspool(['user', ...args, ...settings]);
    assert.equal(code, 0, `${args.join(' ')}: ${stdout}${stderr}`);
  };
  const listener = () => named(server, 'dana', 'support', { 'X-Forwarded-For': newAddress() });
  await listener().asks(200, 'GET', '/api/calls');
  await command('disable', 'dana');
  await listener().asks(401, 'GET', '/api/calls');
  await command('enable', 'dana');
  await server.stop('SIGTERM');
  server.finished = { code: 0, signal: null };
  await command('disable', 'dana');
  const again = await startServer(t, { settings: SETTINGS, dataDir });
  await named(again, 'dana', 'support').asks(401, 'GET', '/api/calls');
  await again.stop('SIGTERM');
  again.finished = { code: 0, signal: null };
  await command('enable', 'dana');
  const third = await startServer(t, { settings: SETTINGS, dataDir });
  await named(third, 'dana', 'support').asks(200, 'GET', '/api/calls');
});
