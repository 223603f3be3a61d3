// One that stands still where it hurts most, is taken for dead, and wakes: nothing of it is kept.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { callspool, untilState } from './harness/callspool.js';
import { gated, startLedger, webhook } from './harness/cluster.js';
import { request, requestJson } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { startPostgres } from './harness/postgres.js';
import { freeze, thaw } from './harness/process.js';
import { startPutGate } from './harness/put_gate.js';
import { startS3 } from './harness/s3_store.js';
import { until } from './harness/until.js';
import { startWire } from './harness/wire.js';
import { newSid } from './harness/webhook.js';

const WOKEN = { expectErrors: [/the ledger:/, /cannot commit/, /taken for dead/] };
const BURIED_MS = 60_000; // 14 to 16 s on a machine that has nothing else to do

let postgres, s3;

lifetime.after(() => {}); // registered here, and not within a hook, where its end would be that of the hook
before(async () => {
  [postgres, s3] = await Promise.all([startPostgres(lifetime), startS3(lifetime)]);
});

const listed = async (server) => (await requestJson(`${server.url}/api/calls`)).json.calls.map(({ call_sid: sid }) => sid);
const inProgress = (server, CallSid) => webhook(server, { CallSid, RecordingStatus: 'in-progress' });

/** It is no more by its old number, and there is another one. */
async function wake(server, query, number) {
  thaw(server);
  await until('it has another number', async () => (await query(`SELECT COUNT(*) FROM processes WHERE id > ${number}`)) === '2', BURIED_MS);
  await server.line(/serving as process \d+ from now on/); // the row is there before it knows
}

/** `a` on a line of its own, `b` beside it. */
async function startBesideWire(t) {
  const ledger = await startLedger(t, postgres);
  const wire = await startWire(t, postgres);
  const a = await ledger.serve('a', { ...WOKEN, settings: { database: wire.database(ledger.schema) } });
  const number = await ledger.query('SELECT MAX(id) FROM processes');
  const b = await ledger.serve('b');
  return { ...ledger, wire, a, b, number };
}

// Each has a ledger of its own, and waits for most of its time until somebody is taken for dead.
describe('one that stands still', { concurrency: 2 }, () => {
  for (const when of ['before', 'after']) {
    test(`it stands still ${when} its upload, and wakes when another one has stored the recording`, async (t) => {
      const { serve, upstream, query } = await startLedger(t, postgres);
      const bucket = await s3.bucket();
      const door = await startPutGate(t, s3.port);
      const settings = { ...bucket.settings, cluster_listen: '127.0.0.1:0', play_wait: '60s' };
      const a = await serve('a', { ...WOKEN, env: bucket.env, settings: { ...settings, 's3.endpoint': door.url } });
      const number = await query('SELECT MAX(id) FROM processes');
      const recording = gated(upstream);
      assert.equal((await webhook(a, recording.fields)).status, 200);
      await until('it is fetched', () => recording.gate.requests === 1);
      const b = await serve('b', { env: bucket.env, settings });
      const plays = [request(b.url + recording.mediaPath, { withinMs: 90_000 })];
      door.hold(when);
      recording.gate.open();
      await until('it is being put', () => door.isHeld);
      plays.push(request(b.url + recording.mediaPath, { headers: { Range: 'bytes=-100' }, withinMs: 90_000 }));
      const media = async () => (await bucket.list()).filter((key) => key.endsWith('.mp3'));
      assert.equal((await media()).length, when === 'before' ? 0 : 1);
      await freeze(t, a);
      await untilState(b, recording.callSid, 'stored', BURIED_MS);
      assert.equal(await query(`SELECT COUNT(*) FROM processes WHERE id = ${number}`), '0');

      door.release(); // what it had sent arrives now
      await until('it is there', async () => (await media()).length === 2);
      const [named, generation] = (await query('SELECT path, generation FROM recordings')).split('|');
      const keys = await media();
      assert.ok(keys.includes(named), `${keys} has ${named}`);
      for (const key of keys) assert.ok((await bucket.get(key)).equals(recording.media), 'and is whole');
      await wake(a, query, number);
      await until('it plays', async () => (await request(a.url + recording.mediaPath)).body.equals(recording.media));
      assert.equal(await query('SELECT path FROM recordings'), named);
      assert.equal(await query(`SELECT process_id <> ${number} FROM attempts WHERE id = ${generation}`), 't', 'the other one\'s');
      assert.equal(await query("SELECT string_agg(outcome, ' ' ORDER BY id) FROM attempts"), 'interrupted stored');
      assert.equal((await query('SELECT COUNT(*) FROM leases')), '0');
      const etags = [];
      for (const server of [a, b]) etags.push((await request(server.url + recording.mediaPath)).headers.etag);
      assert.equal(etags[0], etags[1]);
      // Who had the last byte withheld is closed short, and hears it all by asking again.
      for (const reply of await Promise.all(plays)) assert.ok([200, 206].includes(reply.status), `${reply.status} ${reply.body}`);

      const verified = await callspool(['verify', '--json', '--set', `data_dir=${b.dataDir}`, '--set', `database=${postgres.url}&options=-csearch_path%3D${await query('SELECT current_schema()')}`], { env: bucket.env });
      // It is removed by who has put it there, if that was told so in time, and else by whoever compares the bucket with the ledger.
      for (const { kind, file } of JSON.parse(verified.stdout).findings) assert.deepEqual([kind, keys.includes(file) && file !== named], ['old', true]);
      await until('nobody names it, and it goes', async () => (await media()).length === 1);
      assert.deepEqual(await media(), [named]);
    });
  }

  test('it stands still within a transaction of webhooks: the event is in no ledger, and nobody was told that it is', async (t) => {
    const { wire, a, b, number, query } = await startBesideWire(t);
    const [kept, lost, later] = [newSid('CA'), newSid('CA'), newSid('CA')];
    assert.equal((await inProgress(a, kept)).status, 200);
    wire.holdAt(({ sql, before: ran }) => sql === 'COMMIT' && ran.some((one) => /^INSERT INTO events/.test(one)));
    const told = inProgress(a, lost).catch((error) => ({ status: error.code ?? error.message }));
    await until('its commit is on its way', () => wire.isHeld);
    await freeze(t, a);
    await until('it is buried', async () => (await query(`SELECT COUNT(*) FROM processes WHERE id = ${number}`)) === '0', BURIED_MS);
    assert.equal((await inProgress(b, later)).status, 200);
    await until('the other one goes on', async () => (await listed(b)).includes(later));
    assert.ok((await listed(b)).includes(kept));
    wire.release();
    await wake(a, query, number);
    assert.notEqual((await told).status, 200);
    assert.equal(await query(`SELECT COUNT(*) FROM events WHERE call_sid = '${lost}'`), '0');
    assert.equal((await inProgress(a, lost)).status, 200, 'sent again, as Twilio does');
    for (const server of [a, b]) await until('it is listed', async () => (await listed(server)).includes(lost));
  });

  test('it stands still while it waits for its turn: that is somebody else\'s', async (t) => {
    const { wire, a, b, number, query } = await startBesideWire(t);
    const mark = newSid('XX'), callSid = newSid('CA');
    const held = query(`SELECT pg_advisory_lock(hashtextextended('callspool ' || current_schema(), 0)); SELECT pg_sleep(120), '${mark}'`).catch(() => {});
    await until('the turn is taken', async () => (await postgres.query(`SELECT COUNT(*) FROM pg_stat_activity WHERE query LIKE '%${mark}%' AND wait_event = 'PgSleep' AND pid <> pg_backend_pid()`)) === '1');
    assert.equal((await inProgress(a, callSid)).status, 200);
    await until('it waits for its turn', async () => (await query(`SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
      AND (classid::bigint << 32 | objid::bigint) = hashtextextended('callspool ' || current_schema(), 0)`)) !== '0');
    await freeze(t, a);
    await postgres.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%${mark}%' AND pid <> pg_backend_pid()`);
    await held;
    const later = newSid('CA');
    assert.equal((await inProgress(b, later)).status, 200);
    const from = Date.now();
    await until('the turn it has got is taken from it', async () => (await listed(b)).includes(later));
    assert.ok(Date.now() - from < 12_000, 'within seconds');
    await until('what it had taken is projected', async () => (await listed(b)).includes(callSid), BURIED_MS);
    await wake(a, query, number);
    await until('it lists what is there', async () => (await listed(a)).includes(later));
    assert.equal(await query('SELECT COUNT(*) FROM calls'), '2');
    assert.equal((await listed(a)).filter((sid) => sid === callSid).length, 1);
    assert.equal(wire.way, 'open');
  });
});

test('the line breaks in the middle of a turn, and nobody tells the server: its turn is taken from it, and all go on', async (t) => {
  const { wire, a, b, number, query } = await startBesideWire(t);
  const [first, later] = [newSid('CA'), newSid('CA')];
  wire.holdAt(({ before: ran, sinceSync }) => ran.some((one) => one.includes('pg_advisory_xact_lock')) && sinceSync?.some((one) => /^(INSERT|UPDATE)/.test(one)));
  assert.equal((await inProgress(a, first)).status, 200);
  await until('half of what it has to write is on its way', () => wire.isHeld);
  const from = Date.now();
  assert.equal((await inProgress(b, later)).status, 200);
  await until('the other one takes a turn', async () => (await listed(b)).includes(later), 120_000);
  t.diagnostic(`${Date.now() - from} ms`);
  assert.ok(Date.now() - from < 20_000, `${Date.now() - from} ms`);
  for (const server of [a, b]) await until('all is listed', async () => (await listed(server)).includes(first));
  assert.equal(await query(`SELECT COUNT(*) FROM processes WHERE id = ${number}`), '1', 'it lives, and was not buried');
  wire.release();
  assert.ok(Number(await postgres.query("SELECT COUNT(*) FROM pg_stat_activity WHERE application_name = 'callspool'")) <= 20, 'nobody left connections behind');
});
