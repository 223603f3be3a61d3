// What becomes of several, with flights under way, where a part of what they stand on fails for a while: the database, its line to one of
// them, the bucket, the clock.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { audio } from './harness/audio.js';
import { untilState } from './harness/callspool.js';
import { gated, startLedger, webhook } from './harness/cluster.js';
import { Events } from './harness/events.js';
import { RawConnection, request, requestJson } from './harness/http.js';
import { JumpingClock } from './harness/jumping.js';
import { atEnd, lifetime } from './harness/lifetime.js';
import { scrape, valuesOf } from './harness/metrics.js';
import { startPostgres } from './harness/postgres.js';
import { temporaryFolder } from './harness/process.js';
import { startPutGate } from './harness/put_gate.js';
import { startS3 } from './harness/s3_store.js';
import { preloaded } from './harness/shadow.js';
import { store } from './harness/stored.js';
import { until } from './harness/until.js';
import { startWire } from './harness/wire.js';
import { newSid } from './harness/webhook.js';

const PEERS = { cluster_listen: '127.0.0.1:0', play_wait: '60s', 'fetch.stall_timeout': '5m' };

let postgres, s3;

lifetime.after(() => {}); // registered here, and not within a hook, where its end would be that of the hook
before(async () => {
  [postgres, s3] = await Promise.all([startPostgres(lifetime), startS3(lifetime)]);
});

const listed = async (server) => (await requestJson(`${server.url}/api/calls`)).json.calls.map(({ call_sid: sid }) => sid);
const inProgress = (server, CallSid, options) => webhook(server, { CallSid, RecordingStatus: 'in-progress' }, options);
const numbers = (query) => query("SELECT string_agg(id::text, ',' ORDER BY id) FROM processes");
const flights = async (server) => valuesOf(await scrape(server), 'callspool_flights');

test('the database is restarted as after a crash, with a recording on its way and players on it: they hear all of it', async (t) => {
  const { serve, upstream, query } = await startLedger(t, postgres);
  const a = await serve('a', { settings: PEERS });
  const [arriving, landing] = [gated(upstream), gated(upstream)];
  for (const { fields } of [arriving, landing]) assert.equal((await webhook(a, fields)).status, 200);
  await until('both are fetched', () => arriving.gate.requests === 1 && landing.gate.requests === 1);
  const b = await serve('b', { settings: PEERS });
  const before = await numbers(query);
  for (const { gate } of [arriving, landing]) gate.open(20_000);
  let heads = 0;
  const plays = [arriving, landing].flatMap(({ mediaPath, media }) => [a, b].map((server) => request(server.url + mediaPath, { withinMs: 90_000, onHead: () => { heads += 1; } }).then((reply) => ({ reply, media }))));
  await until('all hear it', () => heads === plays.length);
  atEnd(t, async () => postgres.program.status && postgres.start());
  await postgres.stop('SIGQUIT');
  landing.gate.open(); // is all here while there is no database
  await until('it lands', () => landing.gate.streams.size === 0);
  await postgres.start();
  arriving.gate.open();
  for (const { reply, media } of await Promise.all(plays)) {
    assert.equal(reply.status, 200);
    assert.ok(!reply.cut && reply.body.equals(media));
  }
  for (const { callSid, gate } of [arriving, landing]) {
    await untilState(b, callSid, 'stored');
    assert.equal(gate.requests, 1);
  }
  assert.equal(await query("SELECT string_agg(outcome, ' ') FROM attempts"), 'stored stored');
  assert.equal(await numbers(query), before, 'nobody was buried for it');
});

for (const how of ['killed', 'held']) {
  test(`the bucket's gateway is ${how} in the middle of an upload: it is put again, and nobody asks Twilio`, async (t) => {
    const { serve, upstream, query } = await startLedger(t, postgres);
    const bucket = await s3.bucket();
    const door = await startPutGate(t, s3.port);
    const settings = { ...bucket.settings, ...PEERS };
    const a = await serve('a', { env: bucket.env, settings: { ...settings, 's3.endpoint': door.url } });
    const recording = gated(upstream, { seconds: 400 });
    recording.gate.open(20_000);
    assert.equal((await webhook(a, recording.fields)).status, 200);
    await until('it arrives', async () => (await flights(a))['state="arriving"'] === 1);
    const b = await serve('b', { env: bucket.env, settings });
    const plays = [a, b].map((server) => request(server.url + recording.mediaPath, { withinMs: 120_000 }));
    door.hold('within');
    recording.gate.open();
    await until('some of it has gone through', () => door.isHeld);
    if (how === 'killed') await s3.stop();
    else s3.hold();
    atEnd(t, () => (how === 'killed' ? s3.gateway.status && s3.start() : s3.release()));
    door.release();
    if (how === 'killed') {
      await until('it is told', async () => (await requestJson(`${a.url}/api/health`)).json.degraded === true);
      await s3.start();
    } else {
      s3.release();
    }
    await untilState(b, recording.callSid, 'stored', 90_000);
    for (const reply of await Promise.all(plays)) {
      assert.equal(reply.status, 200);
      assert.ok(!reply.cut && reply.body.equals(recording.media));
    }
    assert.equal(recording.gate.requests, 1);
    const keys = (await bucket.list()).filter((key) => key.endsWith('.mp3'));
    assert.deepEqual(keys, [await query('SELECT path FROM recordings')]);
    assert.ok((await bucket.get(keys[0])).equals(recording.media), 'whole');
    assert.equal(new Set(door.puts).size, 1, 'under one name');
    assert.equal(await query('SELECT COUNT(*) FROM attempts'), '1');
  });
}

test('clocks an hour apart, either way: what failed is tried again in time, by whoever was told, and nobody buries anybody', async (t) => {
  const { serve, upstream, query } = await startLedger(t, postgres);
  const servers = {};
  for (const [name, aheadMs] of [['right', 0], ['ahead', 3_600_000], ['behind', -3_600_000]]) {
    const clock = new JumpingClock(join(temporaryFolder(t), 'clock'));
    clock.set(aheadMs);
    servers[name] = await serve(name, { settings: PEERS, env: { ...preloaded([clock.library]), ...clock.env } });
  }
  const beats = () => query("SELECT string_agg(beat::text, ',' ORDER BY id) FROM processes").then((list) => list.split(',').map(Number));
  const [before, beatsBefore] = [await numbers(query), await beats()];
  const recordings = Object.entries(servers).map(([name, server]) => {
    const recording = { name, server, ...gated(upstream), tries: 0 };
    recording.gate.open();
    upstream.recordings.get(recording.recordingSid).answer = (asked, reply) => {
      recording.tries += 1;
      if (recording.tries > 3) return recording.gate.answer(asked, reply);
      reply.writeHead(503, { 'Content-Length': 0 });
      return reply.end();
    };
    return recording;
  });
  const from = Date.now();
  for (const { server, fields } of recordings) assert.equal((await webhook(server, fields)).status, 200);
  for (const { name, callSid, media, mediaPath, tries, gate } of recordings) {
    await untilState(servers.right, callSid, 'stored');
    t.diagnostic(`told to the one whose clock is ${name}: ${Date.now() - from} ms, ${tries}`);
    for (const server of Object.values(servers)) assert.ok((await request(server.url + mediaPath)).body.equals(media));
    assert.equal(gate.requests, 1);
  }
  for (const server of Object.values(servers)) await until('all list all', async () => (await listed(server)).length === 3);
  await until('each has beaten as often as one that is dead has not', async () => (await beats()).every((beat, i) => beat >= beatsBefore[i] + 8));
  assert.equal(await numbers(query), before);
});

test('what others notify does not arrive at one alone: it hears of it all the same, within seconds, and nobody else is slower', async (t) => {
  const { serve, upstream, query, schema } = await startLedger(t, postgres);
  const wire = await startWire(t, postgres);
  const deaf = await serve('deaf', { settings: { ...PEERS, database: wire.database(schema) } }), b = await serve('b', { settings: PEERS });
  const before = await numbers(query);
  const feed = await Events.open(t, deaf);
  const first = newSid('CA');
  assert.equal((await inProgress(b, first)).status, 200);
  await feed.hears('as long as all is well', ({ calls }) => calls?.some(({ call_sid: sid }) => sid === first));
  await until('it hears', async () => (await query('SELECT COUNT(*) FROM processes WHERE hears = 1')) === '2');
  wire.mode = 'deaf';
  const recording = await store(b, upstream);
  const from = Date.now();
  await feed.hears('what others have changed', ({ calls }) => calls?.some(({ call_sid: sid }) => sid === recording.callSid));
  t.diagnostic(`${Date.now() - from} ms`);
  assert.ok(Date.now() - from < 10_000, `${Date.now() - from} ms`);
  assert.equal((await request(deaf.url + recording.mediaPath)).status, 200);
  assert.equal((await request(`${b.url}/api/recordings/${recording.recordingSid}`, { method: 'DELETE' })).status, 200);
  await until('what is deleted is played no more', async () => (await request(deaf.url + recording.mediaPath)).status !== 200, 10_000);
  const slow = gated(upstream); // and one that is fetched by the one that hears nothing is followed by the other
  assert.equal((await webhook(deaf, slow.fields)).status, 200);
  await until('it is fetched', () => slow.gate.requests === 1);
  const plays = [deaf, b].map((server) => request(server.url + slow.mediaPath));
  slow.gate.open();
  for (const reply of await Promise.all(plays)) assert.ok(reply.body.equals(slow.media));
  assert.equal(slow.gate.requests, 1);
  assert.equal(await numbers(query), before);
});

const sockets = (server) => readdirSync(`/proc/${server.pid}/fd`).length;

test('the database takes connections and says nothing: it tells of itself at once, and of that within seconds, refuses as soon, and ends within seconds', async (t) => {
  const { serve, upstream, schema } = await startLedger(t, postgres);
  const wire = await startWire(t, postgres);
  const a = await serve('a', { settings: { ...PEERS, database: wire.database(schema), play_wait: '1s', stop_timeout: '1s', threads: 1 }, expectErrors: [/the ledger:/, /cannot commit/, /entries of the audit cannot be written/] });
  const warm = await store(a, upstream), behind = newSid('CA');
  const feed = await Events.open(t, a);
  // What changes a recording has it looked up once more: the last such change is behind us, and told.
  await until('its waveform is there', async () => (await request(`${a.url}/api/recordings/${warm.recordingSid}/waveform`)).status === 200);
  assert.equal((await inProgress(a, behind)).status, 200);
  await feed.hears('what came behind it', ({ calls }) => calls?.some(({ call_sid: sid }) => sid === behind));
  assert.equal((await request(a.url + warm.mediaPath)).status, 200);
  await until('all is well', async () => (await requestJson(`${a.url}/health`)).json.degraded === false);
  wire.mode = 'black';
  const ask = (path, method = 'GET') => request(a.url + path, { method, withinMs: 90_000 });
  const lists = () => Array.from({ length: 12 }, () => ask('/api/calls'));
  const webhooks = () => Array.from({ length: 12 }, () => inProgress(a, newSid('CA')));
  const others = ['/api/processes', '/api/audit', '/api/links', `/api/calls/${warm.callSid}`, `/api/recordings/${newSid('RE')}/media`, `/api/recordings/${warm.recordingSid}/waveform`];
  const changes = [['DELETE', `/api/recordings/${warm.recordingSid}`], ['POST', `/api/calls/${warm.callSid}/retry`]];
  const refused = [...lists(), ...others.map((path) => ask(path)), ...changes.map(([method, path]) => ask(path, method)), ...webhooks()];
  const told = await Promise.all([ask('/health'), ask('/api/health'), ask('/metrics'), ask(warm.mediaPath)]);
  assert.deepEqual(told.map(({ status }) => status), [200, 200, 200, 200]);
  assert.ok(told.every(({ ms }) => ms < 8000), told.map(({ ms }) => ms).join());
  assert.doesNotMatch(told[2].body.toString(), /^callspool_calls /m, 'what is not known is not told');
  for (const { status, ms, headers, body } of await Promise.all(refused)) {
    assert.equal(status, 503, body.toString());
    assert.ok(ms < 15_000, `${ms} ms`);
    assert.ok(Number(headers['retry-after']) > 0);
  }
  assert.equal(JSON.parse((await ask('/health')).body).degraded, true);
  assert.match((await ask('/metrics')).body.toString(), /^callspool_degraded 1$/m);
  for (const asked of [...lists(), ...webhooks()]) asked.catch(() => {}); // what it does not wait for
  const from = Date.now();
  await a.finish();
  t.diagnostic(`told ${told.map(({ ms }) => Math.round(ms))}, ended in ${Date.now() - from} ms`);
  assert.ok(Date.now() - from < 30_000, `${Date.now() - from} ms`);
});

/** Until the returned function is called nobody reads that table; resolves once it is so. */
async function lockTable(t, query, table) {
  const mark = newSid('XX');
  const locked = query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(300), '${mark}'`).catch(() => {});
  await until(`${table} is locked`, async () => (await postgres.query(`SELECT COUNT(*) FROM pg_stat_activity WHERE query LIKE '%${mark}%' AND wait_event = 'PgSleep'`)) === '1');
  const release = async () => {
    await postgres.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%${mark}%' AND pid <> pg_backend_pid()`);
    await locked;
  };
  atEnd(t, release);
  return release;
}

test('both readers are busy: no trouble is told of it until it lasts for long, and what was told without them is not read later', async (t) => {
  const { serve, upstream, query } = await startLedger(t, postgres);
  const a = await serve('a', { settings: { ...PEERS, threads: 1 } });
  await store(a, upstream);
  const degraded = async () => (await requestJson(`${a.url}/health`)).json.degraded;
  await until('all is well', async () => (await degraded()) === false);
  const waiting = async () => Number(await query("SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'"));
  const release = await lockTable(t, query, 'imports');
  const lists = [1, 2].map(() => request(`${a.url}/api/imports`, { withinMs: 90_000 }));
  await until('both are busy', async () => (await waiting()) === 2);
  const from = Date.now();
  const impatient = await RawConnection.open(a.url);
  impatient.send(`GET /api/status HTTP/1.1\r\nHost: ${new URL(a.url).host}\r\n\r\n`);
  const asked = ['/health', '/api/health', '/metrics'].map((path) => request(a.url + path));
  await asked[0];
  impatient.socket.resetAndDestroy(); // before it is told
  const told = await Promise.all(asked);
  for (const { body } of told.slice(0, 2)) assert.equal(JSON.parse(body).degraded, false, body.toString());
  assert.match(JSON.parse(told[1].body).complete.text, /^not known/);
  assert.match(told[2].body.toString(), /^callspool_degraded 0$/m);
  await until('that it lasts is told', degraded, 40_000);
  assert.ok(Date.now() - from > 15_000, 'and not before');
  const open = await lockTable(t, query, 'notices'); // which only those that are told without the readers read
  await release();
  for (const { status } of await Promise.all(lists)) assert.equal(status, 200);
  const list = await request(`${a.url}/api/calls`);
  assert.ok(list.status === 200 && list.ms < 10_000, `${list.status} after ${list.ms} ms`);
  assert.equal(await waiting(), 0, 'nobody reads what is not wanted any more');
  await open();
});

for (const how of ['cut', 'black']) {
  test(`one is cut off from the database for longer than its limits (${how === 'cut' ? 'refused' : 'no answer'}): 503 and never 500, no socket stays behind, and it goes on by itself`, async (t) => {
    const { serve, upstream, query, schema } = await startLedger(t, postgres);
    const wire = await startWire(t, postgres);
    const errors = [/the ledger:/, /cannot commit/, /entries of the audit cannot be written/];
    const a = await serve('a', { settings: { ...PEERS, database: wire.database(schema), play_wait: '5s', threads: 1 }, expectErrors: errors });
    const warm = await store(a, upstream);
    assert.equal((await request(a.url + warm.mediaPath)).status, 200);
    const arriving = gated(upstream), asked = gated(upstream);
    assert.equal((await webhook(a, arriving.fields)).status, 200);
    await until('it is fetched', () => arriving.gate.requests === 1);
    arriving.gate.open(20_000);
    const begun = request(a.url + arriving.mediaPath, { withinMs: 120_000 });
    await until('and heard', async () => (await flights(a))['state="arriving"'] === 1);
    const b = await serve('b', { settings: PEERS });
    const cold = await store(b, upstream);
    await until('it lists all', async () => (await listed(a)).length === 3);
    const number = await query('SELECT MIN(id) FROM processes');
    const open = sockets(a);
    wire.mode = how;

    const statuses = { warm: new Set(), webhook: new Set(), list: new Set(), play: new Set() };
    const longest = { webhook: 0, list: 0, play: 0 };
    const questions = [
      ['warm', () => request(a.url + warm.mediaPath, { withinMs: 60_000 })],
      ['webhook', () => inProgress(a, newSid('CA'))],
      ['list', () => request(`${a.url}/api/calls`, { withinMs: 120_000 })],
      ['list', () => request(`${a.url}/api/calls/${warm.callSid}`, { withinMs: 120_000 })],
      ['play', () => request(a.url + cold.mediaPath, { withinMs: 120_000 })],
      ['play', () => request(a.url + asked.mediaPath, { withinMs: 120_000 })],
    ];
    let most = 0;
    const isBuried = async () => (await query(`SELECT COUNT(*) FROM processes WHERE id = ${number}`)) === '0';
    while (!(await isBuried())) { // by the other one, after longer than all limits
      for (const [kind, reply] of await Promise.all(questions.map(async ([kind, question]) => [kind, await question()]))) {
        statuses[kind].add(reply.status);
        if (kind !== 'warm') longest[kind] = Math.max(longest[kind], reply.ms);
        if (reply.status === 503) assert.ok(Number(reply.headers['retry-after']) > 0);
      }
      most = Math.max(most, sockets(a));
    }
    t.diagnostic(JSON.stringify({ warm: [...statuses.warm], webhook: [...statuses.webhook], list: [...statuses.list], play: [...statuses.play], longest, open, most }));
    assert.deepEqual([...statuses.warm], [200], 'what it has open plays');
    assert.deepEqual([...statuses.webhook], [503]);
    for (const kind of ['list', 'play']) assert.deepEqual([...statuses[kind]], [503], kind);
    // That nobody is there is found out after some 11 s where there is no answer: a busy machine has as much room as where it is refused at once.
    const mostMs = how === 'black' ? 40_000 : 20_000;
    assert.ok(Math.max(...Object.values(longest)) < mostMs, JSON.stringify(longest));
    assert.ok(most <= open + 30, `${most} descriptors, and ${open} before`);
    const { json: health, status } = await requestJson(`${a.url}/health`);
    assert.deepEqual([status, health.degraded], [200, true]);
    await until('what it fetched is fetched by the other one', () => arriving.gate.requests === 2, 60_000);

    wire.mode = 'open';
    await until('it has another number', async () => (await query(`SELECT COUNT(*) FROM processes WHERE id > ${number}`)) === '2', 60_000);
    arriving.gate.open();
    await untilState(b, arriving.callSid, 'stored');
    await until('it plays what it did not have', async () => (await request(a.url + cold.mediaPath)).body.equals(cold.bytes));
    await until('and takes webhooks', async () => (await inProgress(a, newSid('CA'))).status === 200);
    assert.ok((await request(a.url + arriving.mediaPath)).body.equals(arriving.media));
    const heard = await begun;
    assert.ok(heard.body.equals(arriving.media.subarray(0, heard.body.length)), 'who had begun it heard a part of it, or all');
    await until('no socket stays behind', () => sockets(a) <= open + 5);
    assert.equal(await query("SELECT COUNT(*) FROM attempts WHERE outcome = 'stored'"), '3');
    await until('no lease is left', async () => (await query('SELECT COUNT(*) FROM leases')) === '0');
  });
}

test('a snapshot is held, and somebody writes in another database, all the time: nothing waits for either', async (t) => {
  const { serve, upstream, query } = await startLedger(t, postgres);
  const a = await serve('a', { settings: PEERS }), arriving = gated(upstream);
  assert.equal((await webhook(a, arriving.fields)).status, 200);
  await until('it is fetched', () => arriving.gate.requests === 1);
  const b = await serve('b', { settings: PEERS });
  await postgres.query('CREATE DATABASE elsewhere');
  const mark = newSid('XX');
  const others = [
    query(`BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT COUNT(*) FROM calls; SELECT pg_sleep(300), '${mark}'`),
    postgres.queryIn('elsewhere', `BEGIN; CREATE TABLE x (n int); INSERT INTO x VALUES (1); SELECT pg_sleep(300), '${mark}'`),
  ].map((ended) => ended.catch(() => {}));
  const holding = () => postgres.query(`SELECT COUNT(*) FROM pg_stat_activity WHERE query LIKE '%${mark}%' AND wait_event = 'PgSleep'`);
  await until('both hold on', async () => (await holding()) === '2');
  const feeds = await Promise.all([a, b].map((server) => Events.open(t, server)));
  const from = await query('SELECT MAX(seq) FROM turns');
  const many = await Promise.all(Array.from({ length: 10 }, (_, i) => store([a, b][i % 2], upstream, { media: audio({ seconds: 1 }), seconds: 1 })));
  const [kept, taken] = many;
  await a.kill();
  const c = await serve('a', { settings: PEERS });
  await until('it is fetched anew', () => arriving.gate.requests === 2, 60_000);
  arriving.gate.open();
  await untilState(b, arriving.callSid, 'stored');
  for (const server of [b, c]) {
    await until('all is listed', async () => (await listed(server)).length === 11);
    assert.equal((await request(server.url + kept.mediaPath)).status, 200);
  }
  assert.equal((await request(`${c.url}/api/recordings/${taken.recordingSid}`, { method: 'DELETE' })).status, 200);
  await until('it is heard of', async () => (await request(b.url + taken.mediaPath)).status === 410);
  await feeds[1].hears('all that was changed', ({ calls }) => calls?.some(({ call_sid: sid }) => sid === arriving.callSid));
  assert.ok(Number(await query('SELECT MAX(seq) FROM turns')) > Number(from));
  assert.equal(await holding(), '2', 'all the time');
  await postgres.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%${mark}%' AND pid <> pg_backend_pid()`);
  await Promise.all(others);
});
