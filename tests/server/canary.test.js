// The server examines itself: when somebody asks, and every while; what it found is on /health, /api/health and /metrics.
// And `callspool doctor --watch`, which tells what has changed.
import test from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BINARY, startServer } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { freePort } from './harness/nginx.js';
import { Program, temporaryFolder } from './harness/process.js';
import { startUpstream } from './harness/upstream.js';
import { until } from './harness/until.js';

const get = async (server, path) => (await requestJson(`${server.url}${path}`)).json;
const post = (server, json) => request(`${server.url}/api/health/check`, { method: 'POST', body: JSON.stringify(json), headers: { 'Content-Type': 'application/json' } });

/** A server whose public address is its own, or one at which nobody is. */
async function start(t, settings = {}, { isPublic = true, args } = {}) {
  const upstream = await startUpstream(t);
  const port = await freePort();
  return startServer(t, { upstream: upstream.url, args, settings: { listen: `127.0.0.1:${port}`, trusted_proxies: '127.0.0.1', public_url: `http://127.0.0.1:${isPublic ? port : 1}`, ...settings } });
}

test('Check now: examined once, kept, and told everywhere', async (t) => {
  const server = await start(t);
  assert.deepEqual([(await get(server, '/health')).checks, (await get(server, '/api/health')).checks], [null, null], 'nobody has asked');
  const reply = await post(server, {});
  assert.equal(reply.status, 200);
  const { checks } = JSON.parse(reply.body);
  const byName = Object.fromEntries(checks.checks.map((check) => [check.check, check]));
  assert.equal(byName['first-bytes'].result, 'good');
  assert.equal(byName.webhook.result, 'good');
  assert.equal(byName.twilio.result, 'good');
  assert.equal(byName.events.result, 'good', 'a WebSocket is opened, without sign-in, too');
  assert.equal(checks.limits.length, 8);
  const kept = (await get(server, '/api/health')).checks;
  assert.deepEqual(kept, checks, 'what was answered is what is kept');
  const word = await get(server, '/health');
  assert.equal(word.checks, kept.verdict);
  assert.equal(word.checked_at, kept.checked_at);
  const metrics = (await request(`${server.url}/metrics`)).body.toString();
  assert.match(metrics, /^callspool_examinations_total 1$/m);
  assert.match(metrics, new RegExp(`^callspool_checks\\{result="good"\\} ${kept.good}$`, 'm'));

  const some = await post(server, { checks: ['disk', 'limits'] });
  assert.deepEqual([...new Set(JSON.parse(some.body).checks.checks.map(({ group }) => group))], ['services', 'limits']);
  assert.deepEqual((await get(server, '/api/health')).checks, kept, 'what was asked for by name is not kept');
  assert.equal((await post(server, { checks: ['dusk'] })).status, 400);
  for (const checks of [[1], 'disk', { disk: true }]) assert.equal((await post(server, { checks })).status, 400);
});

test('the disk is judged by the min_free that a reload said', async (t) => {
  const file = join(temporaryFolder(t), 'callspool.conf');
  writeFileSync(file, 'min_free = 9000T\n');
  const server = await start(t, {}, { args: ['--config', file] });
  const reload = async (minFree) => {
    const before = server.err.length;
    writeFileSync(file, `min_free = ${minFree}\n`);
    server.child.kill('SIGHUP');
    await until('the settings are taken', () => server.err.slice(before).some((line) => /the settings were read anew/.test(line)));
  };
  const examine = async () => {
    const { checks } = JSON.parse((await post(server, {})).body);
    return { disk: checks.checks.find(({ check }) => check === 'disk').result, causes: (await get(server, '/api/health')).causes };
  };
  await reload('0');
  assert.deepEqual(await examine(), { disk: 'good', causes: [] }, 'it is fetched again');
  await reload('9000T');
  const { disk, causes } = await examine();
  assert.equal(disk, 'finding', 'it is not');
  assert.ok(causes.some((cause) => /examined itself: the disk is full/.test(cause)), causes);
});

test('however many ask at once, few wait; who goes away is waited for no longer', async (t) => {
  const server = await start(t);
  const some = { checks: ['playback'] };
  const leaving = Array.from({ length: 4 }, () => http.request(`${server.url}/api/health/check`, { method: 'POST', headers: { 'Content-Type': 'application/json' } }).on('error', () => {}));
  for (const asked of leaving) asked.end(JSON.stringify({}));
  await Promise.all(leaving.map((asked) => once(asked, 'finish')));
  const replies = Array.from({ length: 40 }, () => post(server, some));
  const full = await until('the line is full', () => Promise.race(replies.map(async (asked) => {
    const reply = await asked;
    return reply.status === 503 ? reply : new Promise(() => {});
  })));
  assert.equal(JSON.parse(full.body).code, 'overloaded');
  assert.ok(Number(full.headers['retry-after']) > 0);
  for (const asked of leaving) asked.destroy();
  const statuses = (await Promise.all(replies)).map(({ status }) => status);
  assert.deepEqual([...new Set(statuses)].sort(), [200, 503]);
  assert.ok(statuses.filter((status) => status === 503).length >= 40 - 20, `${statuses}`);
  assert.equal((await post(server, some)).status, 200, 'then there is room again');
});

test('the canary: what breaks is a cause of being degraded, and goes with it', async (t) => {
  const server = await start(t, { canary_every: '1s' }, { isPublic: false });
  const broken = await until('it was examined', async () => {
    const health = await get(server, '/api/health');
    return health.checks?.verdict === 'findings' && health;
  });
  assert.equal(broken.degraded, true);
  assert.ok(broken.causes.some((cause) => /examined itself: nobody listens at the public address/.test(cause)), broken.causes);
  assert.deepEqual([...new Set(broken.checks.checks.map(({ group }) => group))], ['services', 'playback', 'strategy'], 'it plays, and looks at no more');
});

test('a server that is stopped while it examines itself ends, and whoever waits is told', async (t) => {
  const server = await start(t, {}, { isPublic: true });
  const asked = post(server, {}).catch(() => undefined);
  await until('it examines', async () => (await request(`${server.url}/metrics`)).status === 200);
  await server.finish();
  const reply = await asked;
  assert.ok(!reply || [200, 503].includes(reply.status));
});

test('doctor --watch: what has changed, and nothing else', async (t) => {
  const server = await start(t);
  const watch = new Program(BINARY, ['doctor', 'answers', 'disk', 'runs', '--watch', '--every', '1s', '--set', `data_dir=${server.dataDir}`]);
  t.after(() => watch.stop('SIGTERM'));
  await watch.line(/^3 good/);
  assert.equal(server.pid > 0, true);
  await server.stop('SIGTERM');
  server.finished = { code: 0, signal: null };
  await watch.line(/^\d\d:\d\d:\d\d {2}!! {2}runs +callspool does not run$/);
  assert.ok(!watch.out.some((line) => /^\d\d:\d\d:\d\d.* disk /.test(line)), 'what is as it was is not told');
});
