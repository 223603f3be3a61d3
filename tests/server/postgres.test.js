// One callspool whose ledger is on PostgreSQL: it does what it does with a file, and outlives what becomes of the server.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CREDENTIALS, callspool, startServer, untilState } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { atEnd, lifetime } from './harness/lifetime.js';
import { Caller, SIGN_IN, addToken, firstAdministrator } from './harness/people.js';
import { startPostgres } from './harness/postgres.js';
import { temporaryFolder } from './harness/process.js';
import { store } from './harness/stored.js';
import { until } from './harness/until.js';
import { startUpstream } from './harness/upstream.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

let postgres, upstream;

lifetime.after(() => {}); // registered here, and not within a hook, where its end would be that of the hook
before(async () => {
  postgres = await startPostgres(lifetime);
  upstream = await startUpstream(lifetime);
});

/** Each test has a schema of its own. */
let schemas = 0;
async function database() {
  schemas += 1;
  await postgres.query(`CREATE SCHEMA s${schemas}`);
  return `${postgres.url}&options=-csearch_path%3Ds${schemas}`;
}

const serve = (t, url, options = {}) => startServer(t, { upstream: upstream.url, ...options, settings: { database: url, ...options.settings } });
/** Opens a pipe for whoever waits for that; false: nobody does, which openSync alone would wait for, too. */
function letGo(pipe) {
  try {
    closeSync(openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch (error) {
    assert.equal(error.code, 'ENXIO');
    return false;
  }
}

const webhook = (server, fields) => postForm(server.url, RECORDING_STATUS, recordingCallback(fields));

test('a successor fails while the database is away for a moment: the server is put together again when it answers', async (t) => {
  const server = await serve(t, await database());
  const folder = temporaryFolder(t);
  const binary = join(folder, 'callspool');
  const [has, goes] = [join(folder, 'has everything'), join(folder, 'goes')];
  writeFileSync(binary, `#!/usr/bin/env python3
import os, signal, socket
channel = socket.socket(fileno=int(os.environ['CALLSPOOL_HANDOVER']))
channel.recv(65536)
channel.send(b'prepared 9.9.9')
assert channel.recv(100) == b'yours'
open('${has}', 'w').close()
open('${goes}').close() # a pipe: until somebody opens it for writing
channel.send(b'failed 5 no room')
signal.pause()
`, { mode: 0o755 });
  execFileSync('mkfifo', [goes]);
  const upgrade = callspool(['upgrade', '--binary', binary, '--set', `data_dir=${server.dataDir}`]);
  await until('it has everything', () => existsSync(has));
  await postgres.stop('SIGQUIT');
  await until('it goes', () => letGo(goes));
  await server.line(/cannot serve yet/);
  await postgres.start();
  await server.line(/serving again/);
  await upgrade;
  assert.equal((await webhook(server, { CallSid: newSid('CA'), RecordingSid: newSid('RE') })).status, 200);
  assert.equal(server.status, undefined, 'it is the same process');
});

test('what a file does: webhook, fetch, play, list, search, commands, restart, kill -9', async (t) => {
  const url = await database();
  let server = await serve(t, url);
  const { dataDir } = server;
  const recording = await store(server, upstream, { fields: { From: '+15551230001', To: '+972541230002' } });
  const before = await request(server.url + recording.mediaPath, { headers: { Range: 'bytes=0-99' } });
  assert.equal(before.status, 206);
  assert.ok(before.body.equals(recording.bytes.subarray(0, 100)));
  assert.ok(!existsSync(join(dataDir, 'ledger.db')), 'no ledger in the folder');

  const listed = async () => (await requestJson(`${server.url}/api/calls`)).json.calls.map(({ call_sid: sid }) => sid);
  assert.deepEqual(await listed(), [recording.callSid]);
  const settings = ['--set', `data_dir=${dataDir}`, '--set', `database=${url}`];
  const path = await callspool(['path', recording.callSid, ...settings]);
  assert.ok(existsSync(path.stdout.trim()), path.stderr);
  assert.equal((await callspool(['status', ...settings])).code, 0);
  const hold = await callspool(['hold', recording.recordingSid, ...settings]);
  assert.equal(hold.code, 0, hold.stderr);

  for (const how of ['SIGTERM', 'SIGKILL']) {
    const callSid = newSid('CA');
    await (how === 'SIGTERM' ? server.stop('SIGTERM') : webhook(server, { CallSid: callSid, RecordingStatus: 'in-progress' }).then(({ status }) => {
      assert.equal(status, 200);
      return server.kill();
    }));
    server = await serve(t, url, { dataDir });
    const after = await request(server.url + recording.mediaPath, { headers: { Range: 'bytes=0-99' } });
    for (const name of ['etag', 'last-modified', 'content-range']) assert.equal(after.headers[name], before.headers[name], `${name} after ${how}`);
    if (how === 'SIGKILL') await until('what was acknowledged is there', async () => (await listed()).includes(callSid));
  }
  assert.equal(upstream.mediaRequests(recording.recordingSid).length, 1, 'fetched once');
  await server.stop('SIGTERM');
  const retry = await callspool(['retry', '--list', ...settings]);
  assert.equal(retry.code, 0, retry.stderr);
  const again = await callspool(['status', ...settings]);
  assert.match(again.stdout, /stored/);
});

test('verify compares the store with it, beside a server and without one, and mends', async (t) => {
  const url = await database();
  let server = await serve(t, url);
  const { dataDir } = server;
  const settings = ['--set', `data_dir=${dataDir}`, '--set', `database=${url}`];
  const verify = async (code) => {
    const ended = await callspool(['verify', '--json', ...settings]);
    assert.equal(ended.code, code, ended.stderr + ended.stdout);
    return JSON.parse(ended.stdout).findings.map(({ kind }) => kind);
  };
  const recording = await store(server, upstream);
  const pathOfIt = async () => (await callspool(['path', recording.callSid, ...settings])).stdout.trim();
  assert.deepEqual(await verify(0), []);
  rmSync(await pathOfIt());
  assert.deepEqual(await verify(7), ['missing']);
  await untilState(server, recording.callSid, 'stored');
  assert.ok((await request(server.url + recording.mediaPath)).body.equals(recording.bytes));
  await server.finish();
  const path = await pathOfIt();
  const bytes = readFileSync(path);
  bytes[5000] ^= 0x20;
  writeFileSync(path, bytes);
  assert.deepEqual(await verify(7), ['bytes']);
  server = await serve(t, url, { dataDir });
  await untilState(server, recording.callSid, 'stored');
  assert.ok((await request(server.url + recording.mediaPath)).body.equals(recording.bytes), 'fetched again');
});

test('PostgreSQL goes away and comes back: webhooks wait, then 503; what is stored plays; nobody starts anything anew', async (t) => {
  const url = await database();
  // What one loop has open another has not.
  const server = await serve(t, url, { settings: { threads: 1 }, expectErrors: [/entries of the audit cannot be written/] });
  const recording = await store(server, upstream);
  atEnd(t, async () => postgres.program.status && postgres.start());
  assert.equal((await request(server.url + recording.mediaPath)).status, 200);

  await postgres.stop('SIGQUIT');
  const refused = await webhook(server, { CallSid: newSid('CA'), RecordingStatus: 'in-progress' });
  assert.equal(refused.status, 503);
  assert.ok((await request(server.url + recording.mediaPath)).body.equals(recording.bytes), 'warm plays go on');
  const health = await requestJson(`${server.url}/health`);
  assert.equal(health.status, 200, 'it can play');
  assert.equal(health.json.degraded, true);
  assert.equal((await request(`${server.url}/api/calls`)).status, 503);
  assert.equal((await request(`${server.url}/api/recordings/${newSid('RE')}/media`)).status, 503);

  await postgres.start();
  const callSid = newSid('CA'), recordingSid = newSid('RE');
  upstream.recordings.set(recordingSid, { media: recording.bytes, callSid, duration: 5, channels: 2 });
  await until('a webhook is taken again', async () => (await webhook(server, { CallSid: callSid, RecordingSid: recordingSid, RecordingDuration: '5' })).status === 200);
  await untilState(server, callSid, 'stored');
  assert.equal(server.status, undefined, 'it is the same process');
});

test('PostgreSQL is away: who is not known here yet is told to come again, and not that something is wrong', async (t) => {
  const server = await serve(t, await database(), { settings: SIGN_IN, expectErrors: [/entries of the audit cannot be written/] });
  const admin = await firstAdministrator(server);
  const program = await addToken(admin, 'read');
  atEnd(t, async () => postgres.program.status && postgres.start());
  await postgres.stop('SIGQUIT');
  for (const [what, ask] of [['a token', () => program.ask('GET', '/api/calls')], ['a sign-in', () => new Caller(server).signIn('ruth')]]) {
    const reply = await ask();
    assert.equal(reply.status, 503, `${what}: ${reply.body}`);
    assert.equal(reply.json.code, 'overloaded', what);
    assert.ok(Number(reply.headers['retry-after']) > 0, what);
  }
  await postgres.start();
  await until('it is known then', async () => (await program.ask('GET', '/api/calls')).status === 200);
  assert.equal((await new Caller(server).signIn('ruth')).status, 200);
});

test('PostgreSQL is restarted between two webhooks: neither notices', async (t) => {
  const server = await serve(t, await database());
  for (const signal of ['SIGINT', 'SIGQUIT']) {
    assert.equal((await webhook(server, { CallSid: newSid('CA'), RecordingStatus: 'in-progress' })).status, 200);
    await postgres.stop(signal);
    await postgres.start();
    assert.equal((await webhook(server, { CallSid: newSid('CA'), RecordingStatus: 'in-progress' })).status, 200, signal);
  }
  const waiting = webhook(server, { CallSid: newSid('CA'), RecordingStatus: 'in-progress' });
  assert.equal((await waiting).status, 200);
});

test('one event among many cannot be projected: those around it are, and it is set aside with the reason', async (t) => {
  const url = await database();
  const schema = `s${schemas}`;
  const server = await serve(t, url, { expectErrors: [/an event is set aside, after 7 tries: event \d+: PostgreSQL: not this one/] });
  const calls = Array.from({ length: 40 }, () => newSid('CA'));
  await postgres.query(`SET search_path TO ${schema}; CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''not this one''; END';
    CREATE TRIGGER refuse BEFORE INSERT ON calls FOR EACH ROW WHEN (NEW.call_sid = '${calls[20]}') EXECUTE FUNCTION refuse()`);
  for (const { status } of await Promise.all(calls.map((CallSid) => webhook(server, { CallSid, RecordingStatus: 'in-progress' })))) assert.equal(status, 200);
  const projected = async () => Number(await postgres.query(`SELECT COUNT(*) FROM ${schema}.calls`));
  await until('all others are projected', async () => (await projected()) === calls.length - 1);
  assert.match(await postgres.query(`SELECT reason FROM ${schema}.events_set_aside`), /not this one/);
});

test('what cannot be right is refused, in words', async (t) => {
  const dataDir = join(temporaryFolder(t), 'data');
  const refuse = async (args, code, text) => {
    const ended = await callspool(args, { env: CREDENTIALS, withinMs: 30_000 });
    assert.match(ended.stderr, text);
    assert.equal(ended.code, code, ended.stderr);
  };
  const settings = (url) => ['--set', 'listen=127.0.0.1:0', '--set', 'auth=none', '--set', `data_dir=${dataDir}`, '--set', `database=${url}`];
  await refuse(['serve', ...settings('postgresql://me:secret@db/x')], 2, /passfile/);
  await refuse(['serve', ...settings('postgresql://me@db/x?password=secret')], 2, /passfile/);
  await refuse(['serve', ...settings('mysql://db/x')], 2, /postgresql:\/\//);
  await refuse(['serve', ...settings('postgresql:///x?host=/nonexistent')], 5, /PostgreSQL: /);
  await refuse(['serve', ...settings(`${await database()}%20-csynchronous_commit%3Doff`)], 2, /synchronous_commit is off/);
  await refuse(['backup', join(dataDir, 'backup'), ...settings(await database())], 2, /pg_dump/);
  await refuse(['restore', dataDir, ...settings(await database())], 2, /pg_restore/);
  mkdirSync(join(dataDir, 'recordings'), { recursive: true });
  await refuse(['rebuild', ...settings(await database())], 2, /the ledger is on PostgreSQL/);
  assert.ok(!existsSync(join(dataDir, 'ledger.db')), 'of the store alone none is made beside it');
  writeFileSync(join(dataDir, 'ledger.db'), '');
  await refuse(['serve', ...settings(await database())], 4, /ledger of its own/);
});
