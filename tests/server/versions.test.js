// callspools of several releases on one PostgreSQL: the newer ones are this one with more migrations (tests/tools/schema_*.h).
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BINARY, CREDENTIALS, startServer } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { startPostgres } from './harness/postgres.js';
import { freeze, run, temporaryFolder, thaw } from './harness/process.js';
import { store } from './harness/stored.js';
import { until } from './harness/until.js';
import { startUpstream } from './harness/upstream.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

/** Its last migration only adds; or takes something away from those that do not know the one before. */
const ADDS = join(dirname(BINARY), 'tests/tools/callspool-adds'), TAKES = join(dirname(BINARY), 'tests/tools/callspool-takes');
for (const binary of [ADDS, TAKES]) if (!existsSync(binary)) throw new Error(`there is no ${binary}: build tests/tools, too`);

let postgres;
lifetime.after(() => {}); // registered here, and not within a hook, where its end would be that of the hook
before(async () => {
  postgres = await startPostgres(lifetime);
});

let ledgers = 0;
async function startLedger(t) {
  ledgers += 1;
  const schema = `v${ledgers}`;
  await postgres.query(`CREATE SCHEMA ${schema}`);
  const upstream = await startUpstream(t);
  const folder = temporaryFolder(t);
  const database = `${postgres.url}&options=-csearch_path%3D${schema}`;
  mkdirSync(join(folder, 'recordings'));
  const serve = (name, options = {}) => {
    const dataDir = join(folder, name);
    mkdirSync(dataDir, { recursive: true });
    try { symlinkSync('../recordings', join(dataDir, 'recordings')); } catch (error) { assert.equal(error.code, 'EEXIST'); }
    return startServer(t, { upstream: upstream.url, dataDir, ...options, settings: { database, ...options.settings } });
  };
  const query = (sql) => postgres.query(`SET search_path TO ${schema}; ${sql}`);
  const versions = () => query('SELECT version, oldest FROM schema_version ORDER BY version DESC LIMIT 1');
  return { serve, upstream, query, versions, folder, database };
}

const webhook = (server) => {
  const callSid = newSid('CA');
  return postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingStatus: 'in-progress' })).then((reply) => ({ ...reply, callSid }));
};
const listed = async (server) => (await requestJson(`${server.url}/api/calls`)).json.calls.map(({ call_sid: sid }) => sid);
const plays = async (server, { mediaPath, bytes }) => {
  const reply = await request(server.url + mediaPath);
  assert.equal(reply.status, 200);
  assert.ok(reply.body.equals(bytes));
};

test('a newer one that only adds: those before it go on beside it, and may be started anew', async (t) => {
  const { serve, upstream, query, versions } = await startLedger(t);
  let older = await serve('a');
  const known = Number((await versions()).split('|')[0]);
  const oldest = (await versions()).split('|')[1];
  const newer = await serve('b', { binary: ADDS });
  assert.equal(await versions(), `${known + 1}|${oldest}`, 'no more has to be known than before');
  assert.equal(await query("SELECT string_agg(schema_known::text, ',' ORDER BY id) FROM processes"), `${known},${known + 1}`);
  for (const again of [false, true]) {
    if (again) {
      await older.finish();
      older = await serve('a');
    }
    for (const [told, other] of [[older, newer], [newer, older]]) {
      const { status, callSid } = await webhook(told);
      assert.equal(status, 200);
      await until('the other one lists it', async () => (await listed(other)).includes(callSid));
      const recording = await store(told, upstream);
      await plays(other, recording);
      assert.equal(upstream.mediaRequests(recording.recordingSid).length, 1);
    }
  }
  assert.equal((await requestJson(`${older.url}/health`)).json.degraded, false);
});

test('somebody reads a table for long: the newer one waits for it by and by, and nobody waits behind it', async (t) => {
  const { serve, query, versions } = await startLedger(t);
  const older = await serve('a');
  const before = await versions();
  const report = query('BEGIN; SELECT COUNT(*) FROM calls; SELECT pg_sleep(120)').catch(() => {});
  await until('a report is made', async () => (await postgres.query("SELECT COUNT(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(120)'")) === '1');
  let starting;
  const coming = serve('b', { binary: ADDS, settings: { log_level: 'debug' }, spawned: (program) => { starting = program; } });
  await starting.line(/cannot be brought up to date yet: .*lock timeout/);
  assert.equal(await versions(), before);
  const { status, callSid } = await webhook(older);
  assert.equal(status, 200);
  await until('others have their turns', async () => (await listed(older)).includes(callSid));
  await postgres.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(120)'");
  await report;
  const newer = await coming;
  assert.ok((await listed(newer)).includes(callSid));
  assert.notEqual(await versions(), before);
});

test('a newer one that takes away waits until those are gone that would be left behind; then they are refused', async (t) => {
  const { serve, versions, folder, database } = await startLedger(t);
  const older = await serve('a');
  const before = await versions();
  const known = Number(before.split('|')[0]);
  let starting;
  const coming = serve('b', { binary: TAKES, settings: { log_level: 'debug' }, spawned: (program) => { starting = program; } });
  await starting.line(/1 processes of an older callspool still serve from it/);
  assert.equal(await versions(), before);
  assert.equal((await webhook(older)).status, 200);
  await older.finish();
  const newer = await coming;
  assert.equal(await versions(), `${known + 2}|${known + 1}`);
  assert.equal((await webhook(newer)).status, 200);
  const refused = await run(BINARY, ['serve', '--set', 'listen=127.0.0.1:0', '--set', 'auth=none', '--set', `data_dir=${join(folder, 'a')}`, '--set', `database=${database}`], { env: CREDENTIALS });
  assert.equal(refused.code, 2, refused.stderr);
  assert.match(refused.stderr, new RegExp(`newer callspool, .*\\(schema ${known + 2}; this one, .*, knows ${known}\\): run that one`));
  const between = await serve('c', { binary: ADDS });
  const { callSid } = await webhook(between);
  await until('one that knows enough goes on', async () => (await listed(newer)).includes(callSid));
});

test('one that stood still meanwhile is left behind: it writes nothing more, says why, and plays what it has', async (t) => {
  const { serve, upstream, query, versions } = await startLedger(t);
  const older = await serve('a', { expectErrors: [/was left behind, and writes nothing more/, /entries of the audit cannot be written/] });
  const recording = await store(older, upstream);
  await plays(older, recording);
  const [known] = (await versions()).split('|');
  await freeze(t, older);
  const newer = await serve('b', { binary: TAKES });
  await plays(newer, recording);
  thaw(older);
  await older.line(/was left behind, and writes nothing more: .*newer callspool/);
  const refused = await webhook(older);
  assert.equal(refused.status, 503);
  assert.ok(Number(refused.headers['retry-after']) > 0);
  const health = (await requestJson(`${older.url}/health`)).json;
  assert.equal(health.degraded, true);
  const { json } = await requestJson(`${older.url}/api/health`);
  assert.match(JSON.stringify(json), /cannot be written[^"]*newer callspool/);
  await plays(older, recording);
  assert.equal((await webhook(newer)).status, 200);
  await until('nobody counts on it any more', async () => (await query(`SELECT COUNT(*) FROM processes WHERE schema_known = ${known}`)) === '0', 60_000);
});
