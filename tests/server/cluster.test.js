// Several callspools on one PostgreSQL, each with a data folder of its own and one folder of recordings between them.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { callspool, untilState } from './harness/callspool.js';
import { gated, startLedger, webhook } from './harness/cluster.js';
import { Events } from './harness/events.js';
import { request, requestJson } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { SIGN_IN, firstAdministrator } from './harness/people.js';
import { startPostgres } from './harness/postgres.js';
import { freeze, run, thaw } from './harness/process.js';
import { startReceiver } from './harness/receiver.js';
import { seeded } from './harness/seeded.js';
import { store } from './harness/stored.js';
import { until } from './harness/until.js';
import { CALL_STATUS, RECORDING_STATUS, callCallback, newSid, postForm, recordingCallback } from './harness/webhook.js';

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

test('what is deleted while the younger one fetches it goes, though its end comes late', async (t) => {
  const { serve, upstream, query } = await startLedger(t, postgres);
  const a = await serve('a', { settings: { 'fetch.concurrency': '1' } }), b = await serve('b');
  const stored = await store(a, upstream);
  const fetchedByB = async () => {
    const recording = gated(upstream);
    assert.equal((await webhook(b, recording.fields)).status, 200);
    await until('it is fetched', () => recording.gate.requests === 1);
    const holder = await query(`SELECT process_id = (SELECT MAX(id) FROM processes) FROM attempts JOIN recordings r ON r.id = recording_id WHERE recording_sid = '${recording.recordingSid}'`);
    return holder === 't' && recording;
  };
  const recording = await fetchedByB() || await fetchedByB(); // the elder one fetches no second
  await freeze(t, b);
  for (const sid of [recording.recordingSid, stored.recordingSid]) assert.equal((await request(`${a.url}/api/recordings/${sid}`, { method: 'DELETE' })).status, 200);
  await until('the removals were gone through', async () => (await query("SELECT string_agg(recording_sid, ' ') FROM removals")) === recording.recordingSid);
  thaw(b);
  await until('its attempt has ended', async () => (await query(`SELECT COUNT(*) FROM attempts JOIN recordings r ON r.id = recording_id WHERE ended_at_ms IS NULL AND recording_sid = '${recording.recordingSid}'`)) === '0');
  await until('and it is removed', async () => (await query('SELECT COUNT(*) FROM removals')) === '0');
});

test('of a receiver that was gone, whichever process hears that it is back: the one that sends tells it what waits', async (t) => {
  const { serve, upstream } = await startLedger(t, postgres);
  const receiver = await startReceiver(t);
  receiver.answer = (_, reply) => reply.writeHead(410).end();
  const settings = receiver.settings();
  const a = await serve('a', { settings }), b = await serve('b', { settings });
  const recording = await store(a, upstream);
  await until('it is gone', async () => (await requestJson(`${a.url}/api/status`)).json.notify.gone);
  receiver.answer = (_, reply) => reply.writeHead(204).end();
  assert.equal(receiver.of('recording.stored', recording.recordingSid).length, 1);
  const retry = await callspool(['retry', '--notify', '--all', '--set', `data_dir=${b.dataDir}`]);
  assert.equal(retry.code, 0, retry.stderr);
  await until('it is told once more', () => receiver.of('recording.stored', recording.recordingSid).length === 2);
  assert.equal((await requestJson(`${a.url}/api/status`)).json.notify.gone, false);
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

test('a retry at one while the other fetches: what ends there is not the end of it', async (t) => {
  const { serve, upstream, query } = await startLedger(t, postgres);
  const settings = { 'fetch.give_up_after': '1ms', 'fetch.retry_first': '1ms', 'fetch.retry_most': '2ms' };
  const a = await serve('a', { settings });
  const recording = gated(upstream);
  const held = [];
  upstream.recordings.set(recording.recordingSid, { callSid: recording.callSid, answer: (_, reply) => held.push(reply) });
  assert.equal((await webhook(a, recording.fields)).status, 200);
  await until('it is fetched', () => held.length === 1);
  const b = await serve('b', { settings });
  for (const tries of [1, 2]) {
    await until(`it is asked for, try ${tries}`, () => held.length === tries);
    assert.equal((await requestJson(`${b.url}/api/recordings/${recording.recordingSid}/retry`, { method: 'POST' })).status, 200);
    held[tries - 1].writeHead(500).end();
  }
  await until('it is asked for once more', () => held.length === 3);
  upstream.recordings.get(recording.recordingSid).answer = recording.gate.answer;
  recording.gate.open();
  recording.gate.answer({ headers: {} }, held[2]);
  await untilState(b, recording.callSid, 'stored');
  assert.equal(await query('SELECT COUNT(*) FROM attempts WHERE ended_at_ms IS NULL'), '0');
  await until('no lease is left', async () => (await query('SELECT COUNT(*) FROM leases')) === '0');
});

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
  await freeze(t, a);
  const b = await serve('b');
  await until('it is asked for once more', () => recording.gate.requests === 2, 60_000);
  assert.equal(await query('SELECT COUNT(*) FROM processes'), '1');
  recording.gate.open();
  await untilState(b, recording.callSid, 'stored');
  assert.ok((await listed(b)).includes(callSid), 'what it had acknowledged');
  thaw(a);
  await until('it has another number', async () => (await query('SELECT COUNT(*) FROM processes')) === '2');
  await until('and takes webhooks', async () => (await webhook(a, { CallSid: newSid('CA'), RecordingStatus: 'in-progress' })).status === 200);
  assert.ok((await play(a, recording.mediaPath)).body.equals(recording.media));
  assert.equal(await query("SELECT COUNT(*) FROM attempts WHERE outcome = 'stored'"), '1');
});

test('a webhook waits for nobody\'s turn', async (t) => {
  const { serve, query } = await startLedger(t, postgres);
  const a = await serve('a');
  const held = query("SELECT pg_advisory_lock(hashtextextended('callspool ' || current_schema(), 0)); SELECT pg_sleep(600)").catch(() => {});
  const holder = "FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted AND query LIKE '%pg_sleep(600)%'";
  const callSid = newSid('CA');
  try {
    await until('the seat is taken', async () => (await postgres.query(`SELECT COUNT(*) ${holder}`)) === '1');
    assert.equal((await webhook(a, { CallSid: callSid, RecordingStatus: 'in-progress' })).status, 200);
    assert.ok(!(await listed(a)).includes(callSid), 'while somebody else has the seat');
  } finally {
    assert.equal(await postgres.query(`SELECT pg_terminate_backend(pid) ${holder}`), 't');
  }
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

test('three are told everything at random, some of it twice and in any order, and agree with one that reads the log alone', async (t) => {
  const server = await startPostgres(t);
  const many = await startLedger(t, server), alone = await startLedger(t, server);
  const processes = await Promise.all(['a', 'b', 'c'].map((name) => many.serve(name)));
  const below = seeded(14);
  const told = [];
  for (let i = 0; i < 60; i++) {
    const CallSid = newSid('CA'), Timestamp = new Date(Date.now() - 60_000 + i * 1000).toUTCString().replace('GMT', '+0000');
    for (const CallStatus of ['initiated', 'ringing', 'in-progress', 'completed']) told.push([CALL_STATUS, callCallback({ CallSid, CallStatus, Timestamp, CallDuration: CallStatus === 'completed' ? '7' : undefined })]);
    for (let r = below(3); r > 0; r--) {
      const RecordingSid = newSid('RE'), end = ['absent', 'failed', 'completed'][below(3)];
      for (const RecordingStatus of ['in-progress', end]) told.push([RECORDING_STATUS, recordingCallback({ CallSid, RecordingSid, RecordingStatus, ErrorCode: RecordingStatus === 'absent' ? '16101' : '0' })]);
    }
  }
  for (let i = told.length; i > 0; i--) told.push(told[below(told.length)]);
  for (let i = told.length - 1; i > 0; i--) {
    const other = below(i + 1);
    [told[i], told[other]] = [told[other], told[i]];
  }
  const send = async () => {
    for (let one = told.pop(); one; one = told.pop()) assert.equal((await postForm(processes[below(3)].url, ...one)).status, 200);
  };
  await Promise.all(Array.from({ length: 12 }, send));
  await until('all is projected', async () => (await many.query("SELECT COUNT(*) FROM events e WHERE seq > COALESCE((SELECT split_part(word, '=', 2)::bigint FROM (SELECT streams FROM turns ORDER BY seq DESC LIMIT 1) t, regexp_split_to_table(t.streams, ' ') word WHERE split_part(word, '=', 1)::bigint = e.stream), 0)")) === '0');
  for (const process of processes) await process.finish();

  const [{ schema: from }, { schema: to }] = [many, alone];
  await (await alone.serve('once')).finish();
  await server.query(`INSERT INTO ${to}.events SELECT (jsonb_populate_record(NULL::${to}.events, to_jsonb(e) || jsonb_build_object('stream', 0, 'seq', row_number() OVER (ORDER BY received_at_ms, stream, seq)))).* FROM ${from}.events e`);
  const one = await alone.serve('once');
  const total = await server.query(`SELECT COUNT(*) FROM ${to}.events`);
  await until('it has read the log', async () => (await alone.query('SELECT watermark FROM turns ORDER BY seq DESC LIMIT 1')) === total);
  await one.finish();
  const rows = (schema, what) => server.query(`SELECT ${what} FROM ${schema}.calls c LEFT JOIN ${schema}.recordings r ON r.call_id = c.id ORDER BY c.call_sid, r.recording_sid`);
  const ofCall = 'c.call_sid, c.account_sid, c.status, c.direction, c.from_address, c.to_address, c.started_at_ms, c.started_rank, c.ended_at_ms, c.duration_s, c.recordings, c.is_main_fixed';
  const ofRecording = 'r.recording_sid, r.account_sid, r.upstream, r.started_at_ms, r.completed_at_ms, r.duration_s, r.channels, r.error_code, r.source, r.track, r.url, r.direction';
  const projected = await rows(from, `${ofCall}, ${ofRecording}`);
  assert.ok(projected.split('\n').length >= 60);
  assert.equal(projected, await rows(to, `${ofCall}, ${ofRecording}`));
  for (const schema of [from, to]) {
    assert.equal(await server.query(`SELECT COUNT(*) FROM ${schema}.calls c WHERE c.recordings <> (SELECT COUNT(*) FROM ${schema}.recordings r WHERE r.call_id = c.id)`), '0');
    assert.equal(await server.query(`SELECT COUNT(*) FROM ${schema}.calls c JOIN ${schema}.recordings r ON r.id = c.main_recording_id WHERE r.call_id <> c.id`), '0');
    const counts = await server.query(`SELECT counts FROM ${schema}.turns ORDER BY seq DESC LIMIT 1`);
    const states = (await server.query(`SELECT state + 4 || '=' || COUNT(*) FROM ${schema}.recordings GROUP BY state`)).split('\n').filter(Boolean);
    for (const state of states) assert.ok(` ${counts} `.includes(` ${state} `), `${state} of ${counts}`);
    assert.ok(` ${counts} `.includes(` 2=${await server.query(`SELECT COUNT(*) FROM ${schema}.calls`)} `), counts);
  }
});

test('several start where nobody can sign in yet: the link of each works, until one was used', async (t) => {
  const { serve, query } = await startLedger(t, postgres);
  const servers = await Promise.all(['a', 'b', 'c'].map((name) => serve(name, { settings: SIGN_IN })));
  const invitations = async () => Number(await query('SELECT COUNT(*) FROM credentials WHERE kind = 6'));
  assert.equal(await invitations(), 3, 'each has one');
  const [a, b, c] = servers;
  await a.stop();
  const again = await serve('a', { settings: SIGN_IN });
  assert.equal(await invitations(), 3, 'that of an earlier start is over');
  await firstAdministrator(b, 'ruth');
  for (const server of [c, again]) await assert.rejects(firstAdministrator(server, 'dana'), /POST \/join: 4\d\d/);
});
