// Recordings of which no webhook told: they are found in Twilio's list, at start and while callspool runs.
import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { callspool, startServer, untilState } from './harness/callspool.js';
import { audio } from './harness/audio.js';
import { request, requestJson } from './harness/http.js';
import { serveList } from './harness/longlist.js';
import { Simulator, tell } from './harness/simulator.js';
import { startUpstream } from './harness/upstream.js';
import { until } from './harness/until.js';
import { newSid } from './harness/webhook.js';

// In full: TEST_OUTAGE=200 TEST_LISTED=100000.
const OUTAGE = Number(process.env.TEST_OUTAGE ?? 12);
const LISTED = Number(process.env.TEST_LISTED ?? 5000);
const NEVER_AGAIN = { reconcile_interval: '1h' }; // the pass at start alone

const callOf = async (server, callSid) => {
  const { status, json } = await requestJson(`${server.url}/api/calls/${callSid}`);
  return status === 200 ? json.call ?? json : null;
};
const listed = (server, pattern) => server.line(pattern ?? /Twilio's list was read/);
const listRequests = (upstream) => upstream.requests.filter(({ path }) => path.endsWith(`/Recordings.json`) && !path.includes('/Calls/'));

test('calls recorded while it was down are found behind three pages of newer ones, each fetched once', async (t) => {
  const simulator = await Simulator.start(t, ['--page-size', '8']);
  const first = await startServer(t, { upstream: simulator.url, settings: NEVER_AGAIN });
  const known = await simulator.announce(first, { duration: 1 });
  await untilState(first, known.callSid, 'stored');
  await first.stop('SIGTERM');

  const missed = [];
  for (let i = 0; i < OUTAGE; i++) missed.push(await simulator.place({ duration: 1, from: `+1555000${1000 + i}`, to: '+15550009999', direction: 'inbound' }));
  const newer = [];
  for (let i = 0; i < 24; i++) newer.push(await simulator.place({ duration: 1 }));

  const server = await startServer(t, { upstream: simulator.url, dataDir: first.dataDir, settings: NEVER_AGAIN });
  await Promise.all(newer.map((recording) => tell(server, recording)));
  for (const { callSid } of [...missed, ...newer]) await untilState(server, callSid, 'stored');
  for (const [i, { callSid, recordingSid, bytes, mediaPath }] of missed.entries()) {
    const call = await until(`it is known what ${callSid} was`, async () => {
      const told = await callOf(server, callSid);
      return told?.from && told;
    }, 600_000);
    assert.deepEqual([call.from, call.to, call.direction], [`+1555000${1000 + i}`, '+15550009999', 'inbound']);
    assert.ok((await request(server.url + mediaPath)).body.equals(bytes));
    assert.equal((await simulator.counts(recordingSid)).requests, 1);
  }
  for (const { recordingSid } of [known, ...newer]) assert.equal((await simulator.counts(recordingSid)).requests, 1);
});

test('a callback that is lost while it runs: the recording is found within reconcile_interval', async (t) => {
  const simulator = await Simulator.start(t);
  const server = await startServer(t, { upstream: simulator.url, settings: { reconcile_interval: '1s' } });
  for (let i = 0; i < 2; i++) await untilState(server, (await simulator.place({ duration: 1 })).callSid, 'stored');
});

test('a long list is read page by page, and once it was read it is not read again', async (t) => {
  const simulator = await Simulator.start(t);
  const count = LISTED;
  const placed = await request(`${simulator.url}/simulate/calls`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ callbacks: false, recording_status: 'absent', duration: 1, age: 3 * 86_400, count }),
  });
  assert.equal(placed.status, 201);
  const first = await startServer(t, { upstream: simulator.url, settings: NEVER_AGAIN });
  await first.line(new RegExp(`Twilio's list was read, ${count} recordings, ${count} of them news`), 600_000);
  await until('all are in the ledger', async () => (await requestJson(`${first.url}/api/status`)).json.recordings.absent === count);
  await first.stop('SIGTERM');

  const late = await simulator.place({ duration: 1 });
  const server = await startServer(t, { upstream: simulator.url, dataDir: first.dataDir, settings: NEVER_AGAIN });
  await listed(server, /Twilio's list was read, 1 recordings, 1 of them news/);
  await untilState(server, late.callSid, 'stored');
});

test('a long list takes no more memory than a short one, and a request for a thousand', async (t) => {
  const peakKib = (server) => Number(readFileSync(`/proc/${server.pid}/status`, 'utf8').match(/VmHWM:\s+(\d+) kB/)[1]);
  const read = async (count) => {
    const upstream = await startUpstream(t);
    serveList(upstream, { count, of: () => ({ status: 'absent', startedAt: new Date(Date.now() - 3 * 86_400_000).toUTCString() }) });
    // What was freed is not kept by a sanitizer.
    const env = { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ? `${process.env.ASAN_OPTIONS}:` : ''}quarantine_size_mb=1` };
    const server = await startServer(t, { upstream: upstream.url, env, settings: NEVER_AGAIN });
    await server.line(new RegExp(`Twilio's list was read, ${count} recordings, ${count} of them news`), 600_000);
    await until('all are in the ledger', async () => (await requestJson(`${server.url}/api/status`)).json.recordings.absent === count, 600_000);
    assert.equal(listRequests(upstream).length, Math.ceil(count / 1000));
    const kib = peakKib(server);
    await server.stop('SIGTERM');
    return kib;
  };
  const short = await read(1000);
  const long = await read(LISTED);
  t.diagnostic(`at most ${short} KiB for 1000 recordings, ${long} KiB for ${LISTED}`);
  assert.ok(long - short < 40 * 1024, `${short} KiB for 1000 recordings, ${long} KiB for ${LISTED}`);
});

test('what is older than recordings are kept is not listed; the first pass goes back to there', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: { ...NEVER_AGAIN, retention: '7d', purge_grace: '23d' } });
  await until('the list was asked for', () => listRequests(upstream).length > 0);
  const [{ query, at }] = listRequests(upstream);
  const thirtyDaysBefore = [at - 1000, at].map((now) => new Date(now - 30 * 86_400_000).toISOString().slice(0, 10));
  assert.equal(query.get('PageSize'), '1000');
  assert.ok(thirtyDaysBefore.includes(query.get('DateCreated>')), query.toString());
  assert.equal((await requestJson(`${server.url}/health`)).json.degraded, false);
});

test('a list that is refused is a warning, and read once it can be', async (t) => {
  const upstream = await startUpstream(t);
  upstream.answer = (_, reply) => reply.writeHead(401, { 'Content-Length': 0 }).end();
  const server = await startServer(t, { upstream: upstream.url, settings: { reconcile_interval: '1s' } });
  await listed(server, /level=warn .*Twilio's list of recordings cannot be read.*401/);
  upstream.answer = null;
  await listed(server, /level=info .*Twilio's list was read, 0 recordings/);
});

test('status says that all recordings are here since when, or what is missing', async (t) => {
  const upstream = await startUpstream(t);
  const add = (recording) => {
    const sid = newSid('RE');
    upstream.recordings.set(sid, { callSid: newSid('CA'), listed: true, ...recording });
    return upstream.recordings.get(sid).callSid;
  };
  const stored = add({ media: audio() });
  add({ answer: (_, reply) => reply.writeHead(503, { 'Content-Length': 0 }).end() });
  const server = await startServer(t, { upstream: upstream.url, settings: { ...NEVER_AGAIN, 'fetch.retry_first': '1h', 'fetch.retry_most': '1h' } });
  await untilState(server, stored, 'stored');
  const complete = await until('both are known, and the list was read', async () => {
    const { json } = await requestJson(`${server.url}/api/status`);
    return json.complete.listed && json.complete.recordings === 2 && json.complete;
  });
  const since = complete.since;
  assert.ok(Math.abs(Date.parse(since) - (Date.now() - 30 * 86_400_000)) < 600_000, since);
  assert.deepEqual([complete.here, complete.to_be_fetched, complete.given_up, complete.expired, complete.failing_since], [1, 1, 0, 0, null]);
  assert.equal(complete.text, `1 of 2 recordings since ${since} are here, 1 to be fetched`);
  await server.stop('SIGTERM');
  const { stdout } = await callspool(['status', '--set', `data_dir=${server.dataDir}`]);
  assert.match(stdout, new RegExp(`^complete +1 of 2 recordings since ${since} are here, 1 to be fetched\\nlist +last read \\d{4}-\\S+$`, 'm'));
});

test('a list that cannot be read is told by status, and only after an hour a cause', async (t) => {
  const upstream = await startUpstream(t);
  upstream.answer = (_, reply) => reply.writeHead(401, { 'Content-Length': 0 }).end();
  const server = await startServer(t, { upstream: upstream.url, settings: NEVER_AGAIN });
  const { complete, degraded } = await until('it is told', async () => {
    const { json } = await requestJson(`${server.url}/api/status`);
    return json.complete.failing_since && json;
  });
  assert.deepEqual([degraded, complete.listed, complete.failure], [false, false, 'Twilio answered 401: it refuses the credentials']);
  const { stdout } = await callspool(['status', '--set', `data_dir=${server.dataDir}`]);
  assert.match(stdout, /^list +last read never; cannot be read since \d{4}-\S+: Twilio answered 401/m);
});
