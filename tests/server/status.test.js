// What status, /health and the log know of webhooks that do not come in and of a Twilio that does not answer.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { BINARY, callspool, startServer, untilState } from './harness/callspool.js';
import { audio } from './harness/audio.js';
import { request, requestJson } from './harness/http.js';
import { scrape } from './harness/metrics.js';
import { run, temporaryFolder } from './harness/process.js';
import { startStored } from './harness/stored.js';
import { startUpstream, xmlError } from './harness/upstream.js';
import { until } from './harness/until.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const HOUR_MS = 3600 * 1000;
const WAITING = 'callspool_oldest_waiting_seconds';

const statusOf = async (server) => (await requestJson(`${server.url}/api/status`)).json;
const isDegraded = async (server) => (await requestJson(`${server.url}/health`)).json.degraded;
const command = (server, ...args) => callspool(['status', ...args, '--set', `data_dir=${server.dataDir}`]);
const aboutNow = (text) => assert.ok(Math.abs(Date.parse(text) - Date.now()) < 60_000, text);

/** Tells of a recording that the upstream has; does not wait for it. */
async function announce(server, upstream) {
  const fields = recordingCallback();
  upstream.recordings.set(fields.RecordingSid, { media: audio({ seconds: 5 }), callSid: fields.CallSid });
  assert.equal((await postForm(server.url, RECORDING_STATUS, fields)).status, 200);
  return fields.CallSid;
}

test('a wrong public_url: degraded, with the cause, until a webhook is good', async (t) => {
  const server = await startServer(t, { settings: { public_url: 'https://calls.example.com' } });
  assert.equal(await isDegraded(server), false);
  const publicUrl = 'https://calls.example.org';
  assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback(), { publicUrl })).status, 403);
  assert.equal(await isDegraded(server), true);
  assert.match((await statusOf(server)).causes.join('\n'), /^Webhooks are refused: .*public_url/);
  const told = await command(server);
  assert.equal(told.code, 6, told.stderr);
  assert.match(told.stdout, /running, degraded\n/);
  assert.match(told.stdout, /^webhooks +last good one never; since the start 0 accepted, 1 refused \(wrong_signature\)$/m);
  assert.match(told.stdout, /^! Webhooks are refused/m);
  assert.equal((await command(server, '--json')).code, 6);

  const good = { publicUrl: 'https://calls.example.com' };
  assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback({ RecordingStatus: 'in-progress' }), good)).status, 200);
  const { degraded, causes } = await statusOf(server);
  assert.deepEqual([degraded, causes], [false, []]);
  assert.equal((await command(server)).code, 0);
});

test('an account that is not configured is a cause while no webhook was good, and a stranger\'s try afterwards is none', async (t) => {
  const server = await startServer(t);
  const strange = () => postForm(server.url, RECORDING_STATUS, recordingCallback({ AccountSid: newSid('AC') }));
  assert.equal((await strange()).status, 403);
  assert.match((await statusOf(server)).causes.join('\n'), /AccountSid is not configured \(1 so far\)/);
  assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback({ RecordingStatus: 'in-progress' }))).status, 200);
  assert.equal((await strange()).status, 403);
  assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback(), { signature: null })).status, 400);
  assert.equal(await isDegraded(server), false);
});

test('an outage of Twilio is a warning when it begins and a line when it ends, and status has it meanwhile', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: { 'fetch.retry_first': '20ms', 'fetch.retry_most': '200ms' } });
  upstream.answer = (request, reply) => {
    reply.writeHead(503, { 'Content-Type': 'application/xml' });
    reply.end(xmlError(503, 20503, 'Service unavailable'));
  };
  const callSid = await announce(server, upstream);
  await server.line(/level=warn .*Twilio does not answer/);
  const during = await until('status has the outage', async () => {
    const status = await statusOf(server);
    return status.fetching.outage_since && status;
  });
  aboutNow(during.fetching.outage_since);
  assert.equal(during.degraded, true);
  assert.match(during.causes.join('\n'), /^Twilio does not answer/m);
  const failures = upstream.requests.length;
  await until('it goes on failing', () => upstream.requests.length > failures + 3);

  upstream.answer = null;
  await untilState(server, callSid, 'stored');
  await server.line(/level=info .*Twilio answers again/);
  assert.equal(server.err.filter((line) => /Twilio does not answer/.test(line)).length, 1, 'one line an outage');
  const { fetching, degraded } = await statusOf(server);
  assert.equal(degraded, false);
  assert.equal(fetching.outage_since, null);
  aboutNow(fetching.last_stored_at);
});

test('credentials that Twilio refuses: degraded, with the account', async (t) => {
  const upstream = await startUpstream(t);
  upstream.answer = (request, reply) => {
    reply.writeHead(401, { 'Content-Type': 'application/xml' });
    reply.end(xmlError(401, 20003, 'Authenticate'));
  };
  const server = await startServer(t, { upstream: upstream.url, expectErrors: [/Twilio refuses/] });
  await announce(server, upstream);
  const status = await until('the account is refused', async () => {
    const now = await statusOf(server);
    return now.fetching.accounts_refused > 0 && now;
  });
  assert.equal(status.fetching.accounts_refused, 1);
  assert.match(status.causes.join('\n'), /Twilio refuses the credentials of 1 account \(AC0123456789abcdef0123456789abcdef\)/);
  assert.equal((await command(server)).code, 6);
});

test('a webhook that can never be worked into the ledger: degraded, with the count, and those behind it go on', async (t) => {
  const first = await startServer(t);
  const { dataDir } = first;
  await first.stop('SIGTERM');
  const bad = newSid('CA');
  execFileSync('sqlite3', [join(dataDir, 'ledger.db'),
    `CREATE TRIGGER refuse BEFORE INSERT ON calls WHEN NEW.call_sid = '${bad}' BEGIN SELECT RAISE(ABORT, 'no such call'); END`]);
  const server = await startServer(t, { dataDir, expectErrors: [/set aside/] });
  const send = async (fields) => assert.equal((await postForm(server.url, RECORDING_STATUS, { ...recordingCallback(), ...fields })).status, 200);
  await send({ CallSid: bad });
  const good = newSid('CA');
  await send({ CallSid: good, RecordingStatus: 'in-progress' });
  const status = await until('the event is set aside', async () => {
    const now = await statusOf(server);
    return now.events_set_aside > 0 && now;
  });
  assert.deepEqual([status.events_set_aside, status.degraded], [1, true]);
  assert.match(status.causes.join('\n'), /^1 event could not be worked into the ledger/m);
  assert.equal(await isDegraded(server), true);
  const [, number] = await server.line(/level=error .*an event is set aside, after \d+ tries: event (\d+): .*no such call/);
  assert.equal(number, execFileSync('sqlite3', ['-readonly', join(dataDir, 'ledger.db'), 'SELECT event_seq FROM events_set_aside'], { encoding: 'utf8' }).trim());
  await until('the next one is in the ledger', async () => (await requestJson(`${server.url}/api/calls/${good}`)).status === 200);
  assert.equal(server.err.filter((line) => /level=error/.test(line)).length, 1, 'one line an event');
  assert.equal((await command(server)).code, 6);
});

test('since when the oldest waits that is to be fetched: in status, metrics and the command, and where nothing runs', async (t) => {
  const upstream = await startUpstream(t);
  upstream.answer = () => {};
  const settings = { retention: 'forever' };
  const first = await startServer(t, { upstream: upstream.url, settings });
  const { dataDir } = first;
  assert.equal((await scrape(first)).samples.get(WAITING), 0);
  const sids = [await announce(first, upstream), await announce(first, upstream)];
  for (const callSid of sids) await until('it is known', async () => (await request(`${first.url}/api/calls/${callSid}`)).status === 200);
  await first.stop('SIGTERM');
  const [older, younger] = [Date.now() - 2 * HOUR_MS, Date.now() - HOUR_MS];
  execFileSync('sqlite3', [join(dataDir, 'ledger.db'), sids.map((sid, i) => `UPDATE recordings SET queued_at_ms = ${[younger, older][i]} WHERE call_sid = '${sid}'`).join(';')]);
  const line = /^waiting +since (\S+), the oldest$/m;
  const stopped = await command(first);
  assert.equal(Date.parse(stopped.stdout.match(line)[1]), older, stopped.stdout);

  const server = await startServer(t, { upstream: upstream.url, dataDir, settings });
  assert.equal(Date.parse((await statusOf(server)).oldest_queued_at), older);
  const asked = Date.now();
  const seconds = (await scrape(server)).samples.get(WAITING);
  assert.ok(seconds >= Math.floor((asked - older) / 1000) && seconds <= Math.ceil((Date.now() - older) / 1000), `${seconds} s`);
  const told = await command(server);
  assert.equal(Date.parse(told.stdout.match(line)[1]), older, told.stdout);
});

test('not running is not well: status 5, and the last webhook from the ledger', async (t) => {
  const { server } = await startStored(t);
  await server.stop('SIGTERM');
  const told = await command(server);
  assert.equal(told.code, 5, told.stderr);
  assert.match(told.stdout, /^callspool \S+, not running$/m);
  assert.doesNotMatch(told.stdout, /\bwell\b/);
  const { code, stdout } = await command(server, '--json');
  assert.equal(code, 5);
  const { status, webhooks } = JSON.parse(stdout);
  assert.equal(status, 'stopped');
  aboutNow(webhooks.last_taken_at);
});

test('run by another user it says so', async (t) => {
  const { server } = await startStored(t);
  let tool = [BINARY];
  if (process.getuid() === 0) {
    chmodSync(server.dataDir, 0o700);
    tool = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', BINARY];
  } else {
    chmodSync(server.dataDir, 0);
    t.after(() => chmodSync(server.dataDir, 0o750));
  }
  const { code, stderr } = await run(tool[0], [...tool.slice(1), 'status', '--set', `data_dir=${server.dataDir}`]);
  assert.equal(code, 8, stderr);
  assert.match(stderr, /another user's: run this as the user that callspool runs as/);
});

test('a start below min_free is a line of the log, before there is anything to fetch', async (t) => {
  const folder = temporaryFolder(t);
  const { bavail, bsize } = statfsSync(folder);
  const server = await startServer(t, { dataDir: join(folder, 'data'), settings: { min_free: `${Math.ceil(bavail * bsize / 2 ** 20) + 1024}M` } });
  await server.line(/level=warn .*less than min_free/);
  assert.match((await statusOf(server)).causes.join('\n'), /less room than min_free/);
});

test('a ledger that cannot be read: degraded where health is told, 500 elsewhere, a line of the log, and no word of being well', async (t) => {
  const server = await startServer(t, { expectErrors: [/cannot answer/] });
  const sql = (statement) => execFileSync('sqlite3', [join(server.dataDir, 'ledger.db'), '.timeout 5000', statement]);
  sql('ALTER TABLE recordings RENAME TO elsewhere');
  for (const path of ['/health', '/api/status']) {
    const { status, json } = await requestJson(`${server.url}${path}`);
    assert.deepEqual([status, json.degraded], [200, true], path);
  }
  const { status, json } = await requestJson(`${server.url}/api/calls`);
  assert.deepEqual([status, json.code], [500, 'internal']);
  await server.line(/level=error .*cannot answer \/api\/calls: /);
  const told = await command(server);
  assert.notEqual(told.code, 0, told.stdout);
  assert.doesNotMatch(told.stdout, /well/);
  sql('ALTER TABLE elsewhere RENAME TO recordings');
});

test('/health and /metrics read no event: after an import there are millions', async (t) => {
  const server = await startServer(t, { expectErrors: [/cannot answer/] });
  execFileSync('sqlite3', [join(server.dataDir, 'ledger.db'), '.timeout 5000', 'ALTER TABLE events RENAME COLUMN kind TO sort']);
  for (const [path, wanted] of [['/health', 200], ['/api/health', 200], ['/metrics', 200]])
    assert.equal((await request(`${server.url}${path}`)).status, wanted, path);
  assert.equal((await requestJson(`${server.url}/api/status`)).json.degraded, true, 'which reads them');
});

test('what /health tells anybody is whether it plays, and no more', async (t) => {
  const { server } = await startStored(t);
  const health = (await requestJson(`${server.url}/health`)).json;
  assert.deepEqual(Object.keys(health).sort(), ['checked_at', 'checks', 'degraded', 'status', 'version']);
  const status = await statusOf(server);
  assert.deepEqual([status.status, status.degraded, status.version, status.causes], ['ok', false, health.version, []]);
  aboutNow(status.started_at);
  aboutNow(status.webhooks.last_taken_at);
  aboutNow(status.fetching.last_stored_at);
  assert.deepEqual([status.recordings.stored, status.calls, status.events_waiting, status.events_set_aside, status.oldest_queued_at], [1, 1, 0, 0, null]);
  assert.ok(status.free_bytes > 0 && status.bytes_stored > 1000, JSON.stringify(status));
  assert.deepEqual([status.webhooks.taken, status.webhooks.last_refused_at, status.webhooks.last_refused_from], [1, null, null]);
  assert.deepEqual([status.fetching.outage_since, status.fetching.accounts_refused], [null, 0]);
  const { stdout } = await command(server);
  assert.match(stdout, /^callspool \S+, running, well$/m);
  assert.match(stdout, /^complete +all 1 of 1 recordings that webhooks told of is here\nlist +last read never$/m);
  assert.match(stdout, new RegExp(`^bytes +${status.bytes_stored} stored, \\d+ free$`, 'm'));
  assert.match(stdout, /^webhooks +last good one \d{4}-\S+; since the start 1 accepted$/m);
  assert.doesNotMatch(stdout, /^waiting|^dead|^! /m, 'what is none is not said');
});
