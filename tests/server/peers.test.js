// What one process fetches another one plays while it arrives: from the process that fetches it.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { callspool, untilState } from './harness/callspool.js';
import { audio } from './harness/audio.js';
import { freePort, gated, startLedger, webhook } from './harness/cluster.js';
import { RawConnection, request } from './harness/http.js';
import { atEnd, lifetime } from './harness/lifetime.js';
import { startLine } from './harness/line.js';
import { scrape, valuesOf } from './harness/metrics.js';
import { startPostgres } from './harness/postgres.js';
import { freeze, temporaryFolder, thaw } from './harness/process.js';
import { until, within } from './harness/until.js';

const PEERS = { settings: { cluster_listen: '127.0.0.1:0' } };
const LONG = { settings: { ...PEERS.settings, play_wait: '60s' } };
const ANY_SID = `RE${'0'.repeat(32)}`;

let postgres;

lifetime.after(() => {}); // registered here, and not within a hook, where its end would be that of the hook
before(async () => {
  postgres = await startPostgres(lifetime);
});

/** Those that wait for most of their time do so beside each other, at the end. */
const waiting = [];
const atOnce = (name, run) => waiting.push([name, run]);

const ledger = (t) => startLedger(t, postgres);

/** A plain request over a connection of its own: { status, headers, body }; those of processes are in no description of the API. */
function ask(url, { headers = {}, method = 'GET' } = {}) {
  const answer = new Promise((resolve, reject) => {
    const call = http.request(url, { method, headers, agent: false }, (reply) => {
      const chunks = [];
      reply.on('data', (chunk) => chunks.push(chunk));
      reply.on('error', () => {});
      reply.on('close', () => resolve({ status: reply.statusCode, headers: reply.headers, body: Buffer.concat(chunks), cut: !reply.complete }));
    });
    call.on('error', reject);
    call.end();
  });
  return within(`${method} ${url}`, answer, 20_000);
}

/** A player who reads as it comes: { status, headers, got(), over } */
async function listen(t, server, path, headers = {}) {
  const player = await RawConnection.open(server.url);
  atEnd(t, () => player.close());
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  player.send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${lines}\r\n`);
  return {
    player,
    async head() {
      const [text] = await player.receives(/^HTTP\/1\.1 \d{3} [^]*?\r\n\r\n/, 60_000);
      this.length = text.length;
      return { status: Number(text.slice(9, 12)), etag: text.match(/^ETag: (.*)\r$/mi)?.[1], text };
    },
    body() { return player.received.subarray(this.length); },
    async hears(count) { await until(`${count} bytes are heard`, () => this.body().length >= count, 60_000); },
  };
}

/** Where each process is asked, and what it is shown: by its number. */
async function places(query) {
  const rows = await query("SELECT string_agg(id || ' ' || address || ' ' || token, E'\\n' ORDER BY id) FROM processes");
  return rows.split('\n').map((row) => {
    const [id, address, token] = row.split(' ');
    return { id: Number(id), url: `http://${address}/internal/media/`, headers: { Authorization: `Bearer ${token}` } };
  });
}

/** One that fetches and another one; the recording is on its way to the first, and nothing of it has come yet. */
async function startTwo(t, { a: ofA = PEERS, b: ofB = PEERS, ...options } = {}) {
  const cluster = await ledger(t);
  const a = await cluster.serve('a', ofA);
  const recording = gated(cluster.upstream, options);
  assert.equal((await webhook(a, recording.fields)).status, 200);
  await until('it is asked for', () => recording.gate.requests === 1);
  const b = await cluster.serve('b', ofB);
  return { ...cluster, a, b, recording };
}

const peerRequests = async (server) => valuesOf(await scrape(server), 'callspool_peer_requests_total');

test('another process plays it while it arrives, as the one that fetches it does', async (t) => {
  const { a, b, recording } = await startTwo(t, { b: { settings: { ...PEERS.settings, 'fetch.proxy': 'http://127.0.0.1:1' } } }); // which is for Twilio
  const { gate, media, mediaPath } = recording;
  const here = await listen(t, a, mediaPath), there = await listen(t, b, mediaPath);
  gate.open(20_000);
  const heads = [await here.head(), await there.head()];
  assert.equal(heads[1].status, 200);
  assert.ok(heads[0].etag && heads[0].etag === heads[1].etag, `one ETag: ${heads[0].etag} ${heads[1].etag}`);
  const lines = heads.map(({ text }) => text.replace(/^(Date|X-Request-Id): .*\r\n/gmi, ''));
  assert.equal(lines[1], lines[0], 'one head');
  await there.hears(20_000);

  const behind = await request(b.url + mediaPath, { headers: { Range: 'bytes=100-299' } });
  assert.equal(behind.status, 206);
  assert.ok(behind.body.equals(media.subarray(100, 300)), 'what has come is played at once');
  assert.equal((await request(b.url + mediaPath, { headers: { 'If-None-Match': heads[0].etag } })).status, 304);
  const ahead = request(b.url + mediaPath, { headers: { Range: 'bytes=30000-30099', 'If-Range': heads[0].etag } });
  gate.open(40_000);
  assert.ok((await ahead).body.equals(media.subarray(30_000, 30_100)), 'what has not is, when it comes');

  gate.open();
  await untilState(b, recording.callSid, 'stored');
  for (const player of [here, there]) {
    await player.player.untilClosed();
    assert.ok(player.body().equals(media), 'to the last byte');
  }
  assert.equal((await request(b.url + mediaPath)).headers.etag, heads[0].etag, 'the same when it is stored');
  assert.equal(gate.requests, 1);
  assert.deepEqual(await peerRequests(b), { 'result="media"': 1 });
  assert.equal((await scrape(b)).samples.get('callspool_peer_received_bytes_total'), media.length);
  assert.deepEqual(await peerRequests(a), {});
});

test('the last byte waits for the ledger', async (t) => {
  const { b, query, recording } = await startTwo(t);
  const player = await listen(t, b, recording.mediaPath);
  recording.gate.open(5000);
  await player.head();
  const held = query("SELECT pg_advisory_lock(hashtextextended('callspool ' || current_schema(), 0)); SELECT pg_sleep(20)").catch(() => {});
  await until('the turn is taken', async () => (await postgres.query("SELECT COUNT(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' "
    + "AND granted AND query LIKE '%pg_sleep(20)%' AND pid <> pg_backend_pid()")) !== '0');
  recording.gate.open();
  await player.hears(recording.media.length - 1);
  assert.equal(player.body().length, recording.media.length - 1, 'nobody can say that it is stored');
  await postgres.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(20)' AND pid <> pg_backend_pid()");
  await held;
  await player.player.untilClosed();
  assert.ok(player.body().equals(recording.media));
});

test('many players on three processes: one request to Twilio, one of each of the others', async (t) => {
  const { serve, a, b, recording } = await startTwo(t);
  const c = await serve('c', PEERS);
  let heads = 0;
  const onHead = () => { heads += 1; };
  const players = [a, b, c].flatMap((server) => Array.from({ length: 25 }, () => request(server.url + recording.mediaPath, { onHead })));
  recording.gate.open(50_000);
  await until('all of them hear it', () => heads === 75);
  const late = [b, c].map((server) => request(server.url + recording.mediaPath, { headers: { Range: 'bytes=1000-' }, onHead }));
  await until('and those who come later', () => heads === 77);
  recording.gate.open();
  for (const reply of await Promise.all(players)) {
    assert.equal(reply.status, 200);
    assert.ok(!reply.cut && reply.body.equals(recording.media));
  }
  for (const reply of await Promise.all(late)) assert.ok(reply.body.equals(recording.media.subarray(1000)));
  assert.equal(recording.gate.requests, 1);
  for (const server of [b, c]) assert.deepEqual(await peerRequests(server), { 'result="media"': 1 });
});

test('who jumps ahead at another process hears it at once', async (t) => {
  const { b, recording } = await startTwo(t, { seconds: 60, ranges: true });
  const { gate, media, mediaPath } = recording;
  gate.open(10_000);
  const player = await listen(t, b, mediaPath);
  const { etag } = await player.head();
  await player.hears(10_000);
  gate.openAhead(Infinity);
  const jump = await request(b.url + mediaPath, { headers: { Range: 'bytes=200000-200999', 'If-Match': etag } });
  assert.equal(jump.status, 206);
  assert.ok(jump.body.equals(media.subarray(200_000, 201_000)));
  assert.equal(gate.limit, 10_000, 'the rest has not come');
  gate.open();
  await player.player.untilClosed();
  assert.ok(player.body().equals(media));
});

test('what Twilio sends without a length', async (t) => {
  const { b, recording } = await startTwo(t, { length: false });
  const play = request(b.url + recording.mediaPath);
  recording.gate.open(20_000);
  const seen = [];
  const first = request(b.url + recording.mediaPath, { onHead: (reply) => seen.push(reply.headers) });
  await until('its head is here before all of it', () => seen.length === 1);
  assert.equal(seen[0]['transfer-encoding'], 'chunked');
  recording.gate.open();
  for (const reply of await Promise.all([play, first])) assert.ok(!reply.cut && reply.body.equals(recording.media));
});

test('the line between them breaks, and the one that fetches it lives: nobody notices', async (t) => {
  const port = await freePort();
  const line = await startLine(t, port);
  const { b, recording } = await startTwo(t, {
    seconds: 40, a: { settings: { cluster_listen: `127.0.0.1:${port}`, cluster_address: `127.0.0.1:${line.port}` } },
  });
  const { gate, media, mediaPath } = recording;
  const player = await listen(t, b, mediaPath);
  gate.open(30_000);
  const { etag } = await player.head();
  await player.hears(30_000);
  line.cut();
  gate.open(60_000);
  await player.hears(60_000);
  line.isDown = true;
  line.cut();
  gate.open(100_000);
  await until('it is tried', async () => (await peerRequests(b))['result="unreachable"'] > 1);
  assert.equal(player.body().length, 60_000);
  line.isDown = false;
  await player.hears(100_000);
  gate.open();
  await player.player.untilClosed();
  assert.ok(player.body().equals(media));
  assert.equal(gate.requests, 1);
  const again = line.requests.slice(1);
  assert.ok(again.length >= 2);
  for (const [i, from] of [[0, 30_000], [again.length - 1, 60_000]]) {
    assert.ok(again[i].includes(`\r\nRange: bytes=${from}-\r\n`), again[i].split('\r\n\r\n')[0].replace(/Bearer .*/, ''));
    assert.ok(again[i].includes(`\r\nIf-Match: ${etag}\r\n`));
  }
});

test('it is not known for a while where the one is that fetches it: players stay', async (t) => {
  const port = await freePort();
  const line = await startLine(t, port);
  const { serve, b, query, recording } = await startTwo(t, {
    seconds: 40, a: { settings: { cluster_listen: `127.0.0.1:${port}`, cluster_address: `127.0.0.1:${line.port}` } },
  });
  const c = await serve('c', PEERS);
  const { gate, media, mediaPath } = recording;
  const player = await listen(t, b, mediaPath);
  gate.open(30_000);
  const { etag } = await player.head();
  await player.hears(30_000);
  await query(`UPDATE processes SET address = NULL WHERE address LIKE '%:${line.port}'`);
  c.finished = await c.stop('SIGTERM'); // what it had is anybody's: all look
  const flights = async () => valuesOf(await scrape(b), 'callspool_flights');
  await until('it is followed no more', async () => (await flights())['state="waiting"'] === 1);
  gate.open(60_000);
  assert.equal((await request(b.url + mediaPath, { headers: { Range: 'bytes=0-9' } })).headers.etag, etag, 'what is here is played');
  await query(`UPDATE processes SET address = '127.0.0.1:${line.port}' WHERE address IS NULL`);
  await player.hears(60_000);
  assert.ok(line.requests.at(-1).includes('\r\nRange: bytes=30000-\r\n'));
  gate.open();
  await player.player.untilClosed();
  assert.ok(player.body().equals(media));
  assert.equal(gate.requests, 1);
});

test('cut off from the one that fetches it alone: it is played once it is stored', async (t) => {
  const port = await freePort();
  const line = await startLine(t, port);
  const { b, recording } = await startTwo(t, {
    seconds: 40, a: { settings: { cluster_listen: `127.0.0.1:${port}`, cluster_address: `127.0.0.1:${line.port}` } },
  });
  const { gate, media, mediaPath } = recording;
  const begun = await listen(t, b, mediaPath);
  gate.open(30_000);
  await begun.head();
  await begun.hears(30_000);
  line.isDown = true;
  line.cut();
  const ahead = request(b.url + mediaPath, { headers: { Range: 'bytes=70000-' } });
  gate.open();
  await begun.player.untilClosed();
  assert.ok(begun.body().equals(media), 'who had some hears the rest');
  assert.ok((await ahead).body.equals(media.subarray(70_000)));
  assert.ok((await request(b.url + mediaPath)).body.equals(media));
  assert.equal(gate.requests, 1);
});

test('the one that fetches it is killed: it is fetched anew, soon, by who has players', async (t) => {
  const { a, b, query, recording } = await startTwo(t, { b: LONG });
  const { gate, media, mediaPath } = recording;
  const begun = await listen(t, b, mediaPath);
  gate.open(20_000);
  const before = await begun.head();
  await begun.hears(20_000);
  const waiting = request(b.url + mediaPath, { headers: { Range: 'bytes=30000-' }, withinMs: 60_000 });
  const killedAt = Date.now();
  await a.kill();
  await until('it is asked for once more', () => gate.requests === 2, 60_000);
  const tookMs = Date.now() - killedAt;
  t.diagnostic(`${tookMs} ms from the kill to the next request`);
  assert.ok(tookMs < 10_000, `${tookMs} ms: not as where nobody waits`);
  await begun.player.untilClosed(60_000);
  assert.equal(begun.body().length, 20_000, 'who had some of the old one is closed short');
  gate.open();
  const reply = await waiting;
  assert.ok(!reply.cut && reply.body.equals(media.subarray(30_000)), 'who had none hears the new one');
  assert.notEqual(reply.headers.etag, before.etag);
  assert.equal(await query('SELECT COUNT(*) FROM processes'), '1');
  await until('no lease is left', async () => (await query('SELECT COUNT(*) FROM leases')) === '0');
});

atOnce('the one that fetches it stands still: the others bury it, and go on', async (t) => {
  const { a, b, recording } = await startTwo(t, {
    a: { ...PEERS, expectErrors: [/the ledger:/, /cannot commit/] }, b: LONG,
  });
  const { gate, media, mediaPath } = recording;
  const begun = await listen(t, b, mediaPath);
  gate.open(20_000);
  await begun.head();
  await begun.hears(20_000);
  const waiting = request(b.url + mediaPath, { headers: { Range: 'bytes=30000-' }, withinMs: 60_000 });
  await freeze(t, a);
  await until('it is asked for once more', () => gate.requests === 2, 60_000);
  gate.open();
  const reply = await waiting;
  assert.ok(!reply.cut && reply.body.equals(media.subarray(30_000)));
  await begun.player.untilClosed(60_000);
  assert.equal(begun.body().length, 20_000);
  thaw(a);
  await until('it plays what the other has stored', async () => (await request(a.url + mediaPath)).body.equals(media));
});

test('the one that asks is killed, or stands still: the other stores it as if nothing were', async (t) => {
  const { serve, a, b, recording } = await startTwo(t);
  const c = await serve('c', { ...PEERS, expectErrors: [/the ledger:/, /cannot commit/] });
  const d = await serve('d', { settings: { ...PEERS.settings, stop_timeout: '100ms' } });
  const players = await Promise.all([a, b, c, d].map((server) => listen(t, server, recording.mediaPath)));
  recording.gate.open(20_000);
  for (const player of players) await player.head();
  await freeze(t, c);
  await b.kill();
  d.finished = await d.stop('SIGTERM');
  recording.gate.open();
  await players[0].player.untilClosed();
  assert.ok(players[0].body().equals(recording.media));
  await untilState(a, recording.callSid, 'stored');
  thaw(c);
  await players[2].player.untilClosed();
  assert.ok(players[2].body().equals(recording.media));
  assert.equal(recording.gate.requests, 1);
});

test('the one that fetches it is stopped: who plays it elsewhere hears it there', async (t) => {
  const { a, b, recording } = await startTwo(t, { a: { settings: { ...PEERS.settings, stop_timeout: '100ms' } }, b: LONG });
  const waiting = request(b.url + recording.mediaPath, { withinMs: 60_000 });
  await until('it is asked', async () => recording.gate.requests === 1);
  a.finished = await a.stop('SIGTERM');
  await until('it is asked for once more', () => recording.gate.requests === 2);
  recording.gate.open();
  const reply = await waiting;
  assert.ok(!reply.cut && reply.body.equals(recording.media));
});

test('what SIGHUP changes counts for those who ask from another process, too', async (t) => {
  const file = join(temporaryFolder(t), 'callspool.conf');
  writeFileSync(file, 'stop_timeout = 10m\n');
  const { a, b, recording } = await startTwo(t, { a: { ...PEERS, args: ['--config', file] } });
  const player = await listen(t, b, recording.mediaPath);
  recording.gate.open(20_000);
  await player.head();
  writeFileSync(file, 'stop_timeout = 100ms\n');
  a.child.kill('SIGHUP');
  await a.line(/the settings were read anew/);
  a.finished = await a.stop('SIGTERM', 10_000);
  recording.gate.open();
  await player.player.untilClosed();
});

atOnce('whose file the one that began it keeps no more is fetched by who has players, soon', async (t) => {
  const { serve, upstream, query } = await ledger(t);
  const a = await serve('a', { openFiles: 160, settings: { ...PEERS.settings, 'fetch.retry_first': '10m', 'fetch.retry_most': '10m' } });
  const recordings = Array.from({ length: 11 }, () => gated(upstream, { ranges: true })); // 160 / 16 are kept
  for (const [i, { gate, fields }] of recordings.entries()) {
    gate.open(20_000);
    assert.equal((await webhook(a, fields)).status, 200);
    await until('some of it is here', async () => (await valuesOf(await scrape(a), 'callspool_flights'))['state="arriving"'] === 1);
    gate.cut();
    await until('it waits', async () => (await query('SELECT COUNT(*) FROM recordings WHERE waiting_since_ms > 0')) === String(i + 1));
  }
  await until('the lease of what is not kept is given back', async () => (await query('SELECT COUNT(*) FROM leases')) === '10', 10_000);
  const [first] = recordings;
  first.gate.open();
  const b = await serve('b', LONG);
  const reply = await request(b.url + first.mediaPath, { withinMs: 60_000 });
  assert.ok(!reply.cut && reply.body.equals(first.media));
  assert.ok(reply.ms < 15_000, `${reply.ms} ms`);
});

test('the upstream breaks off, and the file is begun anew: so it is for the other', async (t) => {
  const { b, recording } = await startTwo(t, { b: LONG });
  const { gate, mediaPath } = recording;
  const begun = await listen(t, b, mediaPath);
  gate.open(20_000);
  const { etag } = await begun.head();
  await begun.hears(20_000);
  const other = audio({ seconds: 20, channels: 1 });
  assert.ok(!other.equals(gate.media));
  gate.media = other;
  gate.cut();
  await begun.player.untilClosed(60_000);
  assert.equal(begun.body().length, 20_000);
  gate.open();
  const reply = await request(b.url + mediaPath);
  assert.ok(reply.body.equals(other));
  assert.notEqual(reply.headers.etag, etag);
});

test('why nothing comes is told by the other as well', async (t) => {
  const { serve, upstream } = await ledger(t);
  const a = await serve('a', { ...PEERS, expectErrors: [/Twilio refuses the credentials/] });
  const recording = gated(upstream);
  upstream.recordings.get(recording.recordingSid).answer = (_, reply) => {
    reply.writeHead(401, { 'Content-Type': 'application/json' });
    reply.end('{"code": 20003, "message": "Authenticate", "status": 401}');
  };
  assert.equal((await webhook(a, recording.fields)).status, 200);
  const here = await request(a.url + recording.mediaPath);
  const b = await serve('b', PEERS);
  const there = await request(b.url + recording.mediaPath);
  for (const reply of [here, there]) assert.equal(reply.status, 500);
  const of = ({ body }) => { const { request_id: id, ...rest } = JSON.parse(body); return id && rest; };
  assert.deepEqual(of(there), of(here));
  assert.ok(there.ms < 10_000, 'at once');
});

test('that Twilio has none of it is told by the other at once, whose slots are all taken', async (t) => {
  const { serve, upstream } = await ledger(t);
  const settings = { ...LONG.settings, 'fetch.concurrency': 1, 'fetch.player_slots': 0 };
  const a = await serve('a', { settings }), gone = gated(upstream), slow = gated(upstream);
  let answer;
  upstream.recordings.get(gone.recordingSid).answer = (_, reply) => { answer = reply; };
  assert.equal((await webhook(a, gone.fields)).status, 200);
  await until('it is asked for', () => answer);
  const b = await serve('b', { settings });
  assert.equal((await webhook(b, slow.fields)).status, 200);
  await until('the other one has no slot either', () => slow.gate.requests === 1);
  const plays = [a, b].map((server) => request(server.url + gone.mediaPath, { withinMs: 90_000 }));
  await until('it is followed', async () => (await valuesOf(await scrape(b), 'callspool_flights'))['state="following"'] === 1);
  answer.writeHead(410, { 'Content-Length': 0 });
  answer.end();
  const [here, there] = await Promise.all(plays);
  for (const reply of [here, there]) assert.equal(reply.status, 410, reply.body.toString());
  assert.equal(JSON.parse(there.body).code, JSON.parse(here.body).code);
  assert.ok(there.ms < 20_000, `${there.ms} ms`);
});

atOnce('Twilio does not answer for a while: both say so, and both hear it then', async (t) => {
  const { serve, upstream } = await ledger(t);
  const a = await serve('a', LONG), b = await serve('b', LONG), c = await serve('c', { settings: { ...PEERS.settings, play_wait: '4s' } });
  const recording = gated(upstream);
  const of = upstream.recordings.get(recording.recordingSid);
  let tries = 0;
  of.answer = (_, reply) => { tries += 1; reply.writeHead(503, { 'Content-Length': 0 }); reply.end(); };
  assert.equal((await webhook(a, recording.fields)).status, 200);
  await until('it was tried', () => tries > 0);
  const plays = [a, b].map((server) => request(server.url + recording.mediaPath, { withinMs: 60_000 }));
  const told = await request(c.url + recording.mediaPath);
  assert.equal(told.status, 503);
  const { code, reason } = JSON.parse(told.body);
  assert.equal(code, 'upstream_unavailable');
  assert.ok(reason, told.body.toString());
  of.answer = recording.gate.answer;
  recording.gate.open();
  for (const reply of await Promise.all(plays)) assert.ok(!reply.cut && reply.body.equals(recording.media));
  assert.equal(recording.gate.requests, 1);
});

test('it is deleted while another one plays it', async (t) => {
  const { a, b, recording } = await startTwo(t);
  const player = await listen(t, b, recording.mediaPath);
  recording.gate.open(20_000);
  await player.head();
  await player.hears(20_000);
  assert.equal((await request(`${b.url}/api/recordings/${recording.recordingSid}`, { method: 'DELETE' })).status, 200);
  await player.player.untilClosed();
  assert.equal(player.body().length, 20_000);
  for (const server of [a, b]) await until('it is gone', async () => (await request(server.url + recording.mediaPath)).status === 410);
});

test('the one that fetches it is upgraded: its listener stays, and what it fetches is fetched by the next', async (t) => {
  const listen = Array(16).fill('127.0.0.1:0').join(' '); // as many as may be
  const { a, b, query, recording } = await startTwo(t, { a: { settings: { ...PEERS.settings, listen }, manager: [] }, b: LONG });
  const [before] = await places(query);
  const waiting = request(b.url + recording.mediaPath, { withinMs: 60_000 });
  await until('it is asked', async () => (await scrape(a)).text.length > 0);
  const upgraded = await callspool(['upgrade', '--set', `data_dir=${a.dataDir}`]);
  assert.equal(upgraded.code, 0, upgraded.stderr);
  await until('it is asked for once more', () => recording.gate.requests === 2);
  const after = (await places(query)).find(({ url }) => url === before.url);
  assert.ok(after, 'the same address');
  assert.notEqual(after.headers.Authorization, before.headers.Authorization, 'another token');
  recording.gate.open();
  const reply = await waiting;
  assert.ok(!reply.cut && reply.body.equals(recording.media));
  assert.ok((await request(a.url + recording.mediaPath)).body.equals(recording.media));
});

test('what processes ask each other', async (t) => {
  const told = { settings: { ...PEERS.settings, log_level: 'debug' } };
  const { a, b, query, recording } = await startTwo(t, { a: told, b: { settings: { ...told.settings, cluster_listen: '[::1]:0' } } });
  const { gate, media, recordingSid } = recording;
  gate.open(20_000);
  const [first, second] = await places(query);
  const { url, headers } = first;
  const begun = await request(a.url + recording.mediaPath, { headers: { Range: 'bytes=0-0' } });
  const { etag } = begun.headers;

  for (const wrong of [{}, { Authorization: 'Bearer ' }, second.headers, { Authorization: headers.Authorization.slice(0, -1) }, { Authorization: `${headers.Authorization}0` },
    { Authorization: headers.Authorization.replace('Bearer', 'Basic') }]) {
    const reply = await ask(url + recordingSid, { headers: wrong });
    assert.equal(reply.status, 401, 'the token of this process, and nothing else');
    assert.equal(JSON.parse(reply.body).code, 'unauthenticated');
  }
  assert.equal((await ask(`${url}RE1`, { headers })).status, 400);
  assert.equal((await ask(`${url}${recordingSid}/x`, { headers })).status, 404);
  assert.equal((await ask(url.replace('/internal/media/', '/health'), { headers })).status, 404, 'there is nothing else');
  assert.equal((await ask(url + recordingSid, { headers, method: 'POST' })).status, 405);
  for (const server of [a, b]) assert.equal((await ask(`${server.url}/internal/media/${recordingSid}`, { headers })).status, 404, 'and nowhere else');

  const part = await ask(url + recordingSid, { headers: { ...headers, Range: 'bytes=10-19', 'If-Match': etag } });
  assert.equal(part.status, 206);
  assert.ok(part.body.equals(media.subarray(10, 20)));
  assert.equal(part.headers.etag, etag);
  assert.equal(part.headers['callspool-generation'], etag.match(/-(\d+)"$/)[1]);
  assert.equal(Math.floor(part.headers['callspool-generation-at'] / 1000) * 1000, Date.parse(part.headers['last-modified']));
  assert.equal((await ask(url + recordingSid, { headers: { ...headers, Range: 'bytes=10-19', 'If-Match': '"other"' } })).status, 412);

  assert.match(second.url, /^http:\/\/\[::1\]:\d+\//);
  const elsewhere = await ask(second.url + recordingSid, { headers: second.headers });
  assert.equal(elsewhere.status, 421, 'it is fetched by the other one');
  assert.equal(JSON.parse(elsewhere.body).code, 'elsewhere');
  assert.equal((await ask(url + ANY_SID, { headers })).status, 421);
  assert.equal(await query('SELECT COUNT(*) FROM attempts'), '1', 'and nothing was begun for them');

  const play = request(b.url + recording.mediaPath);
  await until('the other one asks', async () => (await scrape(b)).samples.get('callspool_peer_received_bytes_total') > 0);
  gate.open();
  await untilState(a, recording.callSid, 'stored');
  assert.ok((await play).body.equals(media));
  assert.equal((await ask(url + recordingSid, { headers })).status, 421, 'what is stored is nobody\'s');
  const tokens = [first, second].map((place) => place.headers.Authorization.slice('Bearer '.length));
  assert.ok(tokens.every((token) => /^[0-9a-f]{64}$/.test(token)) && tokens[0] !== tokens[1]);
  for (const line of [a, b].flatMap(({ out, err }) => [...out, ...err])) assert.ok(tokens.every((token) => !line.includes(token)), 'it stands in no log');
});

test('one that follows it itself sends nobody on', async (t) => {
  const { b, query, recording } = await startTwo(t);
  const player = await listen(t, b, recording.mediaPath);
  recording.gate.open(20_000);
  await player.head();
  const { url, headers } = (await places(query))[1];
  assert.equal((await ask(url + recording.recordingSid, { headers })).status, 421);
  recording.gate.open();
  await player.player.untilClosed();
  assert.ok(player.body().equals(recording.media));
});

test('a token that is not known any more: who has the lease is looked up anew', async (t) => {
  const { b, query, recording } = await startTwo(t);
  await query("UPDATE processes SET token = repeat('0', 64) WHERE id = (SELECT MIN(id) FROM processes)");
  const play = request(b.url + recording.mediaPath);
  await until('it is refused', async () => (await peerRequests(b))['result="refused"'] > 1);
  recording.gate.open();
  assert.ok((await play).body.equals(recording.media), 'it is stored, and played');
});

atOnce('what nobody plays here any more is followed no further, and played anew all the same', async (t) => {
  const { a, b, recording } = await startTwo(t, { seconds: 60 });
  const { gate, media, mediaPath } = recording;
  const begun = await listen(t, b, mediaPath);
  gate.open(20_000);
  await begun.head();
  begun.player.close();
  let sent = 20_000;
  await until('it is followed no more', async () => {
    gate.open(sent += 10);
    return Object.keys(valuesOf(await scrape(b), 'callspool_flights')).length === 0;
  });
  assert.equal(valuesOf(await scrape(a), 'callspool_flights')['state="arriving"'], 1);
  const again = request(b.url + mediaPath);
  gate.open();
  assert.ok((await again).body.equals(media));
  assert.equal(gate.requests, 1);
});

atOnce('the address of the one that fetches it is nobody\'s', async (t) => {
  const port = await freePort();
  const { a, b, query, recording } = await startTwo(t, {
    a: { settings: { cluster_listen: '127.0.0.1:0', cluster_address: `127.0.0.1:${port}` } },
  });
  const play = request(b.url + recording.mediaPath);
  await until('it is refused again and again', async () => (await peerRequests(b))['result="refused"'] > 5);
  assert.equal(await query('SELECT COUNT(*) FROM processes'), '2', 'whoever beats is not buried');
  recording.gate.open();
  assert.ok((await play).body.equals(recording.media));
  assert.ok((await request(a.url + recording.mediaPath)).body.equals(recording.media));
});

test('settings that make no sense', async () => {
  const check = async (...set) => callspool(['config', ...set.flatMap((each) => ['--set', each])]);
  const database = 'database=postgresql://x@localhost/x';
  for (const [set, says] of [
    [['cluster_listen=127.0.0.1:8081'], /one database/],
    [[database, 'cluster_listen=0.0.0.0:8081'], /cluster_address/],
    [[database, 'cluster_listen=[::]:8081'], /cluster_address/],
    [[database, 'cluster_listen=10.0.0.5'], /cluster_listen = 10\.0\.0\.5: expected/],
    [[database, 'cluster_listen=unix:/x'], /cluster_listen = .*: expected/],
    [[database, 'cluster_listen=127.0.0.1:0', 'cluster_address=a/b'], /cluster_address = a\/b: expected/],
    [[database, 'cluster_listen=127.0.0.1:0', 'cluster_address=a:0'], /cluster_address = a:0: expected/],
    [[database, 'cluster_listen=127.0.0.1:0', 'cluster_address=u@h'], /cluster_address = u@h: expected/],
  ]) {
    const { code, stderr } = await check(...set);
    assert.equal(code, 2, `${set}: ${stderr}`);
    assert.match(stderr, says);
  }
  for (const set of [[database], [database, 'cluster_listen=none'], [database, 'cluster_listen=0.0.0.0:8081', 'cluster_address=[fd00::5]'],
    [database, 'cluster_listen=10.0.0.5:8081', 'cluster_address=a-1.example.com:9']]) {
    const { code, stderr } = await check(...set);
    assert.equal(code, 0, `${set}: ${stderr}`);
  }
});

test('what takes its time', { concurrency: true }, (t) => Promise.all(waiting.map(([name, run]) => t.test(name, run))));
