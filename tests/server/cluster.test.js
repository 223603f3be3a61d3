// Several callspools on one PostgreSQL, each with a data folder of its own and one folder of recordings between them.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { untilState } from './harness/callspool.js';
import { gated, startLedger, webhook } from './harness/cluster.js';
import { Events } from './harness/events.js';
import { request, requestJson } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { startPostgres } from './harness/postgres.js';
import { run } from './harness/process.js';
import { store } from './harness/stored.js';
import { until } from './harness/until.js';
import { newSid } from './harness/webhook.js';

let postgres;

lifetime.after(() => {}); // registered here, and not within a hook, where its end would be that of the hook
before(async () => {
  postgres = await startPostgres(lifetime);
});

const play = (server, path) => request(server.url + path);
const listed = async (server) => (await requestJson(`${server.url}/api/calls`)).json.calls.map(({ call_sid: sid }) => sid);

test('two side by side: what one is told both list, fetch once, play, and hear of', async (t) => {
  const { serve, upstream } = await startLedger(t, postgres);
  const a = await serve('a'), b = await serve('b');
  const events = await Events.open(t, b);
  const recording = await store(a, upstream);
  for (const server of [a, b]) {
    await until('both list it', async () => (await listed(server)).includes(recording.callSid));
    const reply = await play(server, recording.mediaPath);
    assert.equal(reply.status, 200);
    assert.ok(reply.body.equals(recording.bytes));
  }
  await events.hears('the other one tells of it', ({ calls }) => calls?.some(({ call_sid: sid }) => sid === recording.callSid));
  assert.equal(upstream.mediaRequests(recording.recordingSid).length, 1);
  const many = await Promise.all(Array.from({ length: 6 }, (_, i) => store([a, b][i % 2], upstream)));
  for (const { recordingSid } of many) assert.equal(upstream.mediaRequests(recordingSid).length, 1, 'each is fetched once');
  assert.equal((await request(`${a.url}/api/recordings/${recording.recordingSid}`, { method: 'DELETE' })).status, 200);
  await until('the other one plays it no more', async () => (await play(b, recording.mediaPath)).status !== 200);
  const { seq } = events.messages.find(({ calls }) => calls);
  const c = await serve('c');
  for (const server of [a, b, c]) {
    const feed = await Events.open(t, server, `?after=${seq}`);
    await feed.hears('what came after is told by any of them', ({ calls }) => calls?.some(({ call_sid: sid }) => sid === many[5].callSid));
    assert.ok(feed.messages.every(({ reset }) => !reset));
  }
});

test('a play at one while the other fetches: one request, and the sound once it is stored', async (t) => {
  const { serve, upstream } = await startLedger(t, postgres);
  const a = await serve('a'), b = await serve('b');
  const recording = gated(upstream);
  assert.equal((await webhook(a, recording.fields)).status, 200);
  await until('one of them fetches it', () => recording.gate.requests === 1);
  const plays = [a, b].map((server) => play(server, recording.mediaPath));
  recording.gate.open();
  for (const reply of await Promise.all(plays)) {
    assert.equal(reply.status, 200);
    assert.ok(reply.body.equals(recording.media));
  }
  assert.equal(recording.gate.requests, 1);
});

for (const signal of ['SIGTERM', 'SIGKILL']) {
  test(`the one that fetches ends by ${signal}: the other, or the same one started again, fetches it anew`, async (t) => {
    const { serve, upstream, query } = await startLedger(t, postgres);
    const a = await serve('a');
    const recording = gated(upstream);
    assert.equal((await webhook(a, recording.fields)).status, 200);
    await until('it is fetched', () => recording.gate.requests === 1);
    const b = await serve('b');
    assert.equal(await query('SELECT COUNT(*) FROM leases'), '1');
    if (signal === 'SIGTERM') await a.stop('SIGTERM').then((ended) => { a.finished = ended; });
    else await a.kill().then(() => serve('a'));
    await until('it is asked for once more', () => recording.gate.requests === 2);
    recording.gate.open();
    await untilState(b, recording.callSid, 'stored');
    assert.ok((await play(b, recording.mediaPath)).body.equals(recording.media));
    assert.equal(await query('SELECT COUNT(*) FROM attempts WHERE ended_at_ms IS NULL'), '0');
    await until('no lease is left', async () => (await query('SELECT COUNT(*) FROM leases')) === '0');
  });
}

test('one that is taken for dead keeps nothing of it, begins anew, and goes on', async (t) => {
  const { serve, upstream, query } = await startLedger(t, postgres);
  const a = await serve('a'), b = await serve('b');
  const recording = gated(upstream);
  assert.equal((await webhook(a, recording.fields)).status, 200);
  await until('it is fetched', () => recording.gate.requests === 1);
  const first = await query('SELECT string_agg(id::text, \',\' ORDER BY id) FROM processes');
  await query('BEGIN; DELETE FROM processes; DELETE FROM leases; COMMIT');
  await until('both have another number', async () => (await query(`SELECT COUNT(*) FROM processes WHERE id NOT IN (${first})`)) === '2');
  for (const server of [a, b]) {
    const callSid = newSid('CA');
    assert.equal((await webhook(server, { CallSid: callSid, RecordingStatus: 'in-progress' })).status, 200);
    await until('and it is listed', async () => (await listed(b)).includes(callSid));
  }
  recording.gate.open();
  await untilState(a, recording.callSid, 'stored');
  assert.ok((await play(b, recording.mediaPath)).body.equals(recording.media));
});

test('one that stands still is buried by the others, and wakes as another', async (t) => {
  const { serve, upstream, query } = await startLedger(t, postgres);
  const a = await serve('a', { expectErrors: [/the ledger:/, /cannot commit/] });
  const recording = gated(upstream);
  assert.equal((await webhook(a, recording.fields)).status, 200);
  await until('it is fetched', () => recording.gate.requests === 1);
  const callSid = newSid('CA');
  assert.equal((await webhook(a, { CallSid: callSid, RecordingStatus: 'in-progress' })).status, 200);
  process.kill(a.pid, 'SIGSTOP');
  const b = await serve('b');
  await until('it is asked for once more', () => recording.gate.requests === 2, 60_000);
  assert.equal(await query('SELECT COUNT(*) FROM processes'), '1');
  recording.gate.open();
  await untilState(b, recording.callSid, 'stored');
  assert.ok((await listed(b)).includes(callSid), 'what it had acknowledged');
  process.kill(a.pid, 'SIGCONT');
  await until('it has another number', async () => (await query('SELECT COUNT(*) FROM processes')) === '2');
  await until('and takes webhooks', async () => (await webhook(a, { CallSid: newSid('CA'), RecordingStatus: 'in-progress' })).status === 200);
  assert.ok((await play(a, recording.mediaPath)).body.equals(recording.media));
  assert.equal(await query("SELECT COUNT(*) FROM attempts WHERE outcome = 'stored'"), '1');
});

test('a webhook waits for nobody\'s turn', async (t) => {
  const { serve, query } = await startLedger(t, postgres);
  const a = await serve('a');
  const held = query("SELECT pg_advisory_lock(hashtextextended('callspool ' || current_schema(), 0)); SELECT pg_sleep(1.5)");
  await until('the seat is taken', async () => (await postgres.query("SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND granted")) !== '0');
  const callSid = newSid('CA');
  const before = Date.now();
  assert.equal((await webhook(a, { CallSid: callSid, RecordingStatus: 'in-progress' })).status, 200);
  assert.ok(Date.now() - before < 1200, 'while somebody else has the seat');
  await held;
  await until('it is listed then', async () => (await listed(a)).includes(callSid));
});

test('the server is killed and comes back, somebody holds a snapshot, somebody writes elsewhere for long: both go on as themselves', async (t) => {
  const { serve, upstream, query } = await startLedger(t, postgres);
  const a = await serve('a'), b = await serve('b');
  const numbers = () => query("SELECT string_agg(id::text, ',' ORDER BY id) FROM processes");
  const before = await numbers();
  await postgres.stop('SIGQUIT');
  await postgres.start();
  await postgres.query('CREATE DATABASE elsewhere');
  const others = [
    query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT COUNT(*) FROM calls; SELECT pg_sleep(60)'),
    postgres.queryIn('elsewhere', 'BEGIN; CREATE TABLE x (n int); SELECT pg_sleep(60)'),
  ].map((ended) => ended.catch(() => {}));
  await until('both hold on', async () => (await postgres.query("SELECT COUNT(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)'")) === '2');
  for (const [told, other] of [[a, b], [b, a]]) {
    const recording = await store(told, upstream);
    await until('the other one lists it', async () => (await listed(other)).includes(recording.callSid));
    assert.ok((await play(other, recording.mediaPath)).body.equals(recording.bytes));
  }
  await postgres.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)'");
  await Promise.all(others);
  assert.equal(await numbers(), before);
});

/** The numbers of what was told. */
const numbersOf = ({ messages }) => messages.map(({ seq }) => seq).filter(Boolean);

test('a standby takes over without the last turns: who has heard of them is told to read anew, by any process, and no number is given twice', async (t) => {
  const server = await startPostgres(t);
  const { serve, upstream } = await startLedger(t, server);
  const a = await serve('a'), b = await serve('b');
  const recording = await store(a, upstream);
  await until('the other one lists it', async () => (await listed(b)).includes(recording.callSid));
  const data = join(server.folder, 'data'), standby = join(server.folder, 'standby');
  await server.stop('SIGINT');
  await run('cp', ['-a', data, standby]);
  await server.start();

  const tellSome = async (told, count) => {
    const calls = [];
    for (let i = 0; i < count; i++) {
      const CallSid = newSid('CA');
      await until('a webhook is taken', async () => (await webhook(told, { CallSid, RecordingStatus: 'in-progress' })).status === 200);
      calls.push(CallSid);
    }
    await until('they are listed', async () => (await listed(told)).includes(calls.at(-1)));
    return calls;
  };
  const feed = await Events.open(t, a);
  const lost = await tellSome(a, 5);
  await feed.hears('the last of them', ({ calls }) => calls?.some(({ call_sid: sid }) => sid === lost.at(-1)));
  const seq = Math.max(...numbersOf(feed));

  await server.stop('SIGQUIT');
  renameSync(data, join(server.folder, 'lost'));
  renameSync(standby, data);
  writeFileSync(join(data, 'recovery.signal'), '');
  appendFileSync(join(data, 'postgresql.conf'), "restore_command = 'false'\n");
  await server.start();
  const kept = await tellSome(b, 20);
  const c = await serve('c');
  for (const [name, process] of Object.entries({ a, b, c })) {
    await until(`${name} lists what is there`, async () => (await listed(process)).includes(kept.at(-1)));
    assert.ok(!(await listed(process)).some((sid) => lost.includes(sid)), name);
    const again = await Events.open(t, process, `?after=${seq}`);
    await again.hears(`${name} tells to read anew`, ({ reset, more }) => reset || more);
    assert.ok(Math.max(...numbersOf(again)) > seq, 'numbers are larger than those that were given before');
    assert.ok((await play(process, recording.mediaPath)).body.equals(recording.bytes));
  }
});
