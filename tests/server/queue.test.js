// What waits is in the ledger and nowhere else: much of it costs no memory and no start, and one
// recording, one account or one wrong clock does not hold up the others.
// In full: TEST_QUEUED=100000 TEST_DUE=50000.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { audio } from './harness/audio.js';
import { ACCOUNT, TOKEN, startServer, untilState } from './harness/callspool.js';
import { request } from './harness/http.js';
import { temporaryFolder } from './harness/process.js';
import { until } from './harness/until.js';
import { startUpstream } from './harness/upstream.js';
import { RECORDING_STATUS, postForm, recordingCallback } from './harness/webhook.js';

const DAY_MS = 24 * 3600 * 1000;
const MANY = Number(process.env.TEST_QUEUED ?? 20_000);
const DUE = Number(process.env.TEST_DUE ?? 5000);
const SLOTS = 4;
const OTHER = 'AC0123456789abcdef0123456789abcd02';

const media = audio({ seconds: 5 });

const sql = (folder, statement) => execFileSync('sqlite3', [join(folder, 'ledger.db'), statement], { encoding: 'utf8' }).trim();
const rssMiB = (server) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))[1]) / 1024;

/** A data folder in which so many recordings wait, due one after the other since two days ago. */
async function folderWith(t, upstream, count) {
  const server = await startServer(t, { upstream: upstream.url, settings: { verify_every: 'forever' } }); // no pass is left to be gone on with
  await server.stop('SIGTERM');
  const since = Date.now() - 2 * DAY_MS;
  if (count > 0) {
    sql(server.dataDir, `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
      INSERT INTO recordings (recording_sid, call_sid, account_sid, state, upstream, is_held, is_duration_off, started_at_ms,
        completed_at_ms, channels_wanted, queued_at_ms, next_try_at_ms, tries, changed_seq)
      SELECT printf('RE%032x', i), printf('CA%032x', i), '${ACCOUNT}', 1, 3, 0, 0, ${since}, ${since} + i, 2, ${since} + i, ${since} + i, 0, 0 FROM n;
      INSERT INTO turns (seq, at_ms, watermark, counts) VALUES (${count} + 1000, ${since}, 0, '5=${count}');`);
  }
  return server.dataDir;
}

const hold = (upstream) => { upstream.answer = () => {}; };

/** A webhook for a recording that the upstream has; its SIDs. */
async function announce(server, upstream, recording, fields = {}) {
  const callback = recordingCallback(fields);
  upstream.recordings.set(callback.RecordingSid, { callSid: callback.CallSid, ...recording });
  assert.equal((await postForm(server.url, RECORDING_STATUS, callback)).status, 200);
  return callback;
}

test(`${MANY} recordings that wait take no memory`, async (t) => {
  const upstream = await startUpstream(t);
  hold(upstream);
  const settled = async (count) => {
    const server = await startServer(t, { upstream: upstream.url, dataDir: await folderWith(t, upstream, count), settings: { retention: 'forever' } });
    await until('the queue is known', () => count === 0 || server.err.some((line) => line.includes(`${count} recordings are still to be fetched`)));
    const one = await announce(server, upstream, { media });
    await until('a webhook that came behind it is in the ledger', async () => (await request(`${server.url}/api/calls/${one.CallSid}`)).status === 200);
    return rssMiB(server);
  };
  const none = await settled(0);
  const many = await settled(MANY);
  t.diagnostic(`${none.toFixed(1)} MiB with none, ${many.toFixed(1)} MiB with ${MANY}`);
  assert.ok(many - none <= 30, `${many - none} MiB more`);
});

test(`a start reads no more of the ledger where ${DUE} are due`, async (t) => {
  const started = async (count) => {
    const upstream = await startUpstream(t);
    hold(upstream);
    const dataDir = await folderWith(t, upstream, count);
    const { size } = statSync(join(dataDir, 'ledger.db'));
    const server = await startServer(t, { upstream: upstream.url, dataDir, settings: { retention: 'forever', verify_every: 'forever', 'fetch.concurrency': SLOTS } });
    await until('those that have a slot are asked for', () => upstream.requests.length === Math.min(count, SLOTS));
    await until('the queue is known', () => count === 0 || server.err.some((line) => line.includes(`${count} recordings are still to be fetched`)));
    const [, read] = /^rchar: (\d+)$/m.exec(readFileSync(`/proc/${server.pid}/io`, 'utf8'));
    await server.stop('SIGTERM');
    return { size, read: Number(read) };
  };
  const none = await started(0);
  const many = await started(DUE);
  const [larger, more] = [many.size - none.size, many.read - none.read];
  t.diagnostic(`the ledger is ${larger} bytes larger, of which ${more} are read`);
  assert.ok(more < larger / 4, `${more} bytes more, of ${larger}`);
});

test('after two days down, what waits is fetched in the order in which it became due', async (t) => {
  const upstream = await startUpstream(t);
  const dataDir = await folderWith(t, upstream, DUE);
  const seen = [];
  upstream.answer = (asked, reply) => {
    seen.push(parseInt(/RE([0-9a-f]{32})/.exec(asked.url)[1], 16));
    reply.writeHead(200, { 'Content-Type': 'audio/mpeg', 'Content-Length': media.length }).end(media);
  };
  const began = performance.now();
  const server = await startServer(t, {
    upstream: upstream.url, dataDir, settings: { retention: 'forever', 'fetch.concurrency': SLOTS },
  });
  t.diagnostic(`with ${DUE} due it listens after ${Math.round(performance.now() - began)} ms`);
  await until('the first three hundred were asked for', () => seen.length >= 300);
  const strays = seen.filter((n, at) => Math.abs(n - (at + 1)) > 2 * SLOTS);
  assert.deepEqual(strays, [], 'each in its place, but for those that are fetched at the same time');
  assert.equal(new Set(seen).size, seen.length, 'none twice');
  await server.stop('SIGTERM');
});

test('one recording that answers 403 stops no other', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url });
  const forbidden = await announce(server, upstream, { answer: (_, reply) => reply.writeHead(403).end() });
  await until('it was tried', () => upstream.mediaRequests(forbidden.RecordingSid).length > 0);
  await untilState(server, forbidden.CallSid, 'waiting');
  const others = [];
  for (let i = 0; i < 10; i++) others.push(await announce(server, upstream, { media }));
  for (const { CallSid } of others) await untilState(server, CallSid, 'stored', 15_000);
});

test('what a redirect leads to refuses, and the account goes on', async (t) => {
  const upstream = await startUpstream(t);
  const elsewhere = await startUpstream(t);
  elsewhere.answer = (_, reply) => reply.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end();
  const server = await startServer(t, { upstream: upstream.url });
  const led = await announce(server, upstream, { answer: (_, reply) => reply.writeHead(302, { Location: `${elsewhere.url}/away.mp3` }).end() });
  await until('it was tried', () => elsewhere.requests.length > 0);
  await untilState(server, led.CallSid, 'waiting');
  const other = await announce(server, upstream, { media });
  await untilState(server, other.CallSid, 'stored', 15_000);
});

test('three recordings in a row that answer 403 pause the account, and say so', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, expectErrors: [/refuses the credentials of account/] });
  for (let i = 0; i < 3; i++) await announce(server, upstream, { answer: (_, reply) => reply.writeHead(403).end() });
  await until('it is said', () => server.err.some((line) => /level=error.*refuses the credentials of account/.test(line)));
  // What a call was is asked for beside it, some seconds after its recording was told of.
  const asked = () => upstream.requests.filter(({ path }) => !/\/Calls\/CA[0-9a-f]{32}\.json$/.test(path)).length;
  const before = asked();
  const other = await announce(server, upstream, { media });
  const played = await request(`${server.url}/api/calls/${other.CallSid}/download`);
  assert.equal(played.status, 500);
  assert.equal(JSON.parse(played.body).code, 'upstream_refused');
  assert.equal(asked(), before, 'nothing more is asked of Twilio');
});

test('the limit that 429 brings is that of its account alone', async (t) => {
  const upstream = await startUpstream(t);
  const accounts = join(temporaryFolder(t), 'accounts');
  writeFileSync(accounts, `${OTHER} ${upstream.url} ${TOKEN}\n`, { mode: 0o600 });
  const held = [];
  upstream.answer = (asked, reply) => {
    if (asked.url.includes(OTHER)) held.push(reply);
    else reply.writeHead(429).end();
  };
  const server = await startServer(t, {
    upstream: upstream.url, settings: { 'twilio.accounts_file': accounts, 'fetch.concurrency': 16, 'fetch.retry_most': '100ms' },
  });
  for (let i = 0; i < 8; i++) await announce(server, upstream, { media });
  await until('the one account is limited to two', () => server.err.some((line) => /at most [12] downloads/.test(line)));
  for (let i = 0; i < 12; i++) assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback({ AccountSid: OTHER }))).status, 200);
  await until('twelve of the other are fetched at once', () => held.length === 12);
});

/** What the last run left of a recording: tried once, and waiting. */
async function leftWaiting(t, columns) {
  const upstream = await startUpstream(t);
  const first = await startServer(t, { upstream: upstream.url, settings: { 'fetch.retry_first': '10m' } });
  const callback = await announce(first, upstream, { answer: (_, reply) => reply.writeHead(503).end() });
  await untilState(first, callback.CallSid, 'waiting');
  await first.stop('SIGTERM');
  sql(first.dataDir, `UPDATE recordings SET ${columns}`);
  return { upstream, callback, dataDir: first.dataDir };
}

test('time in which callspool did not run is not time in which it tried', async (t) => {
  const ago = Date.now() - 2 * DAY_MS;
  const waiting = (await columnsOf(t)).includes('waiting_since_ms') ? `, waiting_since_ms = ${ago}` : '';
  const { upstream, callback, dataDir } = await leftWaiting(t, `first_try_at_ms = ${ago}, next_try_at_ms = ${ago + 1000}${waiting}`);
  let tries = 0;
  upstream.recordings.get(callback.RecordingSid).answer = (_, reply) => {
    if (tries++ === 0) reply.writeHead(503).end();
    else reply.writeHead(200, { 'Content-Type': 'audio/mpeg', 'Content-Length': media.length }).end(media);
  };
  const second = await startServer(t, { upstream: upstream.url, dataDir });
  const call = await untilState(second, callback.CallSid, ['stored', 'dead']);
  assert.equal(call.recordings[0].state, 'stored', 'one 503 after two days down is not the end');
});

test('a next try further away than any wait is was written by a wrong clock', async (t) => {
  const { upstream, callback, dataDir } = await leftWaiting(t, `next_try_at_ms = ${Date.now() + 365 * DAY_MS}`);
  Object.assign(upstream.recordings.get(callback.RecordingSid), { media, answer: undefined });
  const second = await startServer(t, { upstream: upstream.url, dataDir });
  await untilState(second, callback.CallSid, 'stored', 15_000);
});

test('an account that is refused is not asked for more than one recording a minute, however many wait', async (t) => {
  const upstream = await startUpstream(t);
  const accounts = join(temporaryFolder(t), 'accounts');
  writeFileSync(accounts, `${OTHER} ${upstream.url} ${TOKEN}\n`, { mode: 0o600 });
  upstream.answer = (asked, reply) => {
    if (asked.url.includes(OTHER)) reply.writeHead(200, { 'Content-Type': 'audio/mpeg', 'Content-Length': media.length }).end(media);
    else reply.writeHead(401).end();
  };
  const server = await startServer(t, {
    upstream: upstream.url, dataDir: await folderWith(t, upstream, 3000), expectErrors: [/refuses the credentials of account/],
    settings: { retention: 'forever', 'twilio.accounts_file': accounts, 'fetch.concurrency': 4 },
  });
  await until('it is said', () => server.err.some((line) => /level=error.*refuses the credentials/.test(line)));
  const other = recordingCallback({ AccountSid: OTHER });
  await postForm(server.url, RECORDING_STATUS, other);
  await untilState(server, other.CallSid, 'stored', 15_000);
  const asked = upstream.requests.filter(({ path }) => path.includes(ACCOUNT)).length;
  assert.ok(asked <= 5, `${asked} requests: those that were under way, and a probe at most`);
  assert.equal(sql(server.dataDir, "SELECT count(*) FROM recordings WHERE state = 1"), String(3000 - asked), 'all others are as they were');
});

async function columnsOf(t) {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url });
  return sql(server.dataDir, 'SELECT group_concat(name) FROM pragma_table_info(\'recordings\')');
}
