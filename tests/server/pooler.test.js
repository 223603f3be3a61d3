// Two callspools on a ledger behind pgbouncer in transaction mode: what a pooler takes away (LISTEN, statements by name) is noticed
// and done without, and nothing else differs.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { callspool } from './harness/callspool.js';
import { Events } from './harness/events.js';
import { Gate } from './harness/gated.js';
import { audio } from './harness/audio.js';
import { request, requestJson } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { startPooler } from './harness/pooler.js';
import { startPostgres } from './harness/postgres.js';
import { startLedger } from './harness/cluster.js';
import { store } from './harness/stored.js';
import { until } from './harness/until.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

let postgres, pooler;

lifetime.after(() => {}); // registered here, and not within a hook, where its end would be that of the hook
before(async () => {
  postgres = await startPostgres(lifetime);
  pooler = await startPooler(lifetime, postgres);
});

/** A database of its own: a schema in `options` would be lost on the way. */
let databases = 0;
async function startPooled(t) {
  databases += 1;
  const name = `pooled${databases}`;
  await postgres.query(`CREATE DATABASE ${name} ENCODING 'UTF8' TEMPLATE template0`);
  const ledger = await startLedger(t, postgres);
  const direct = postgres.url.replace('/postgres?', `/${name}?`);
  return {
    ...ledger, direct,
    serve: (folder, options = {}) => ledger.serve(folder, { ...options, settings: { database: pooler.url(name), ...options.settings } }),
    query: (sql) => postgres.queryIn(name, sql),
  };
}

const processes = async (server) => (await requestJson(`${server.url}/api/processes`)).json.processes;
const doctor = async (server) => {
  const { stdout } = await callspool(['doctor', 'listening', '--json', '--set', `data_dir=${server.dataDir}`]);
  return JSON.parse(stdout).checks.find(({ check }) => check === 'listening');
};

test('webhooks, turns, flights, plays and what is heard of; LISTEN is polled for, names are given up', async (t) => {
  const { serve, upstream, query } = await startPooled(t);
  const a = await serve('a'), b = await serve('b');
  const events = await Events.open(t, b);
  const many = await Promise.all(Array.from({ length: 24 }, (_, i) => store([a, b][i % 2], upstream)));
  for (const { recordingSid } of many) assert.equal(upstream.mediaRequests(recordingSid).length, 1, 'each is fetched once');
  for (const server of [a, b]) {
    const listed = async () => (await requestJson(`${server.url}/api/calls?limit=100`)).json.calls.length;
    await until('both list all', async () => (await listed()) === many.length);
    for (const { mediaPath, bytes } of many) assert.ok((await request(server.url + mediaPath)).body.equals(bytes));
  }
  await events.hears('of what the other one was told', ({ calls }) => calls?.some(({ call_sid: sid }) => sid === many[0].callSid));
  await until('both know that they are not told', async () => (await processes(a)).every(({ hears_by: by, prepares }) => by === 'poll' && !prepares));
  assert.equal(await query('SELECT COUNT(*) FROM attempts WHERE ended_at_ms IS NULL'), '0');
  const found = await doctor(b);
  assert.equal(found.result, 'finding');
  assert.match(found.looked_at, /delivers nothing to process \d+, \d+ \(this one\); prepared statements are lost, too: a pooler/);
});

test('a flight whose holder is killed is taken over, and nothing is fetched twice at a time', async (t) => {
  const { serve, upstream, query } = await startPooled(t);
  const a = await serve('a');
  const media = audio({ seconds: 5 });
  const gate = new Gate(media, { length: true });
  const callSid = newSid('CA'), recordingSid = newSid('RE');
  upstream.recordings.set(recordingSid, { callSid, duration: 5, channels: 2, answer: gate.answer });
  assert.equal((await postForm(a.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid, RecordingDuration: '5' }))).status, 200);
  await until('it is fetched', () => gate.requests === 1);
  const b = await serve('b');
  await a.kill();
  const again = await serve('a');
  await until('it is asked for once more', () => gate.requests === 2);
  gate.open();
  for (const server of [again, b]) await until('it plays', async () => (await request(`${server.url}/api/recordings/${recordingSid}/media`)).body.equals(media));
  await until('no lease is left', async () => (await query('SELECT COUNT(*) FROM leases')) === '0');
});

test('database_listen leads past it: what others change is heard, and the doctor finds nothing', async (t) => {
  const { serve, upstream, direct } = await startPooled(t);
  const a = await serve('a', { settings: { database_listen: direct } }), b = await serve('b', { settings: { database_listen: direct } });
  await until('both hear', async () => (await processes(a)).every(({ hears_by: by }) => by === 'listen'));
  assert.equal((await doctor(a)).result, 'good');
  const events = await Events.open(t, b);
  const { callSid } = await store(a, upstream);
  await events.hears('of it', ({ calls }) => calls?.some(({ call_sid: sid }) => sid === callSid));
});

test('database_listen of another ledger is refused, and leaves nothing there', async (t) => {
  const { serve, upstream } = await startPooled(t);
  const other = await startPooled(t);
  const settings = { database_listen: other.direct };
  let server = await serve('a', { settings, mayDie: true, expectErrors: [/./] });
  assert.equal(server.url, undefined);
  assert.match(server.said, /database_listen.*no ledger of callspool/);
  assert.equal(await other.query("SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'"), '0');
  await other.serve('x').then((made) => made.stop('SIGTERM').then((ended) => { made.finished = ended; }));
  server = await serve('a', { settings, mayDie: true, expectErrors: [/./] });
  assert.equal(server.url, undefined);
  assert.match(server.said, /database_listen: it is another ledger than that of database/);
  server = await serve('a');
  await store(server, upstream);
});

test('the way past it is cut and comes back: nobody is taken for dead for that, and it is used again', async (t) => {
  const { serve, upstream, query, direct } = await startPooled(t);
  const past = await startPooler(t, postgres);
  const settings = { database: direct, database_listen: past.url(new URL(direct.replace('@/', '@x/')).pathname.slice(1)) };
  const a = await serve('a', { settings }), b = await serve('b', { settings });
  const hear = async (by) => (await processes(a)).every(({ hears_by: how, clock_ahead_ms: ahead }) => how === by && ahead !== null);
  const numbers = () => query("SELECT string_agg(id::text, ',' ORDER BY id) FROM processes");
  await until('both look, for a pooler stands there', () => hear('poll'));
  const before = await numbers();
  await past.stop();
  await until('both go the other way, on which they hear', () => hear('listen'));
  await store(a, upstream);
  assert.equal(await numbers(), before, 'as who they were');
  const without = await serve('c', { settings });
  await until('one that starts meanwhile does without it, too', async () => (await processes(without)).length === 3 && hear('listen'));
  past.start();
  await until('they go there again', () => hear('poll'), 60_000);
  for (const server of [a, b]) {
    assert.ok(server.err.some((line) => /database_listen does not answer .*doing without it/.test(line)));
    assert.ok(server.err.some((line) => /database_listen answers again/.test(line)));
    assert.ok(!server.err.some((line) => /taken for dead/.test(line)));
  }
});
