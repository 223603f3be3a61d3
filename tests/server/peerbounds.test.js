// What bounds the following of what another process fetches: how many at once, and whom is asked for it.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import http from 'node:http';
import { untilState } from './harness/callspool.js';
import { freePort, gated, startLedger, webhook } from './harness/cluster.js';
import { request } from './harness/http.js';
import { atEnd, lifetime } from './harness/lifetime.js';
import { scrape, valuesOf } from './harness/metrics.js';
import { startPostgres } from './harness/postgres.js';
import { until } from './harness/until.js';

const LONG = { cluster_listen: '127.0.0.1:0', play_wait: '60s', 'fetch.stall_timeout': '5m' };

const FOLLOWED = 20; // of sixteen times as many files that it may have open

let postgres;

lifetime.after(() => {}); // registered here, and not within a hook, where its end would be that of the hook
before(async () => {
  postgres = await startPostgres(lifetime);
});

const following = async (server) => (await valuesOf(await scrape(server), 'callspool_flights'))['state="following"'] ?? 0;

/** What it has open in its data folder. */
function openFiles(server) {
  return readdirSync(`/proc/${server.pid}/fd`).map((fd) => {
    try { return readlinkSync(`/proc/${server.pid}/fd/${fd}`); } catch { return ''; }
  }).filter((path) => path.startsWith(server.dataDir) && path.includes('arriving/'));
}

test('so many recordings are followed and no more, and who waits beyond hears what is stored', async (t) => {
  const { serve, upstream, query } = await startLedger(t, postgres);
  const a = await serve('a', { settings: { ...LONG, 'fetch.concurrency': 30 } });
  const recordings = Array.from({ length: FOLLOWED + 6 }, () => gated(upstream));
  for (const { gate, fields } of recordings) {
    gate.open(20_000);
    assert.equal((await webhook(a, fields)).status, 200);
  }
  await until('all are fetched', () => recordings.every(({ gate }) => gate.requests === 1));
  const b = await serve('b', { settings: LONG, openFiles: 16 * FOLLOWED });
  let heads = 0;
  const plays = recordings.map(({ mediaPath }) => request(b.url + mediaPath, { withinMs: 90_000, onHead: () => { heads += 1; } }));
  await until('so many are followed, and heard', async () => heads === FOLLOWED && (await following(b)) === FOLLOWED, 60_000);
  await until('the others wait', async () => {
    const { 'state="waiting"': waiting = 0, 'state="queued"': queued = 0, 'state="asking"': asking = 0 } = valuesOf(await scrape(b), 'callspool_flights');
    return waiting + queued + asking === recordings.length - FOLLOWED;
  });
  assert.ok(openFiles(b).length < FOLLOWED * 5, `${openFiles(b).length} files`);
  assert.equal(await following(b), FOLLOWED);
  for (const { gate } of recordings) gate.open();
  for (const [i, reply] of (await Promise.all(plays)).entries()) {
    assert.equal(reply.status, 200);
    assert.ok(!reply.cut && reply.body.equals(recordings[i].media));
    assert.equal(recordings[i].gate.requests, 1);
  }
  await until('no file stays', () => openFiles(b).length === 0);
  await until('no lease is left', async () => (await query('SELECT COUNT(*) FROM leases')) === '0');
});

/** A trap that nobody may walk into: { url, requests }. */
async function startTrap(t) {
  const trap = { requests: [] };
  const server = http.createServer((asked, reply) => {
    trap.requests.push(`${asked.method} ${asked.url} ${JSON.stringify(asked.headers)}`);
    reply.writeHead(200, { 'Content-Type': 'audio/mpeg' });
    reply.end('caught');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => { server.closeAllConnections(); server.close(); });
  trap.url = `http://127.0.0.1:${server.address().port}`;
  return trap;
}

/** What stands at the address of a process, and passes on what `answers(asked, reply)` does not answer itself. */
async function startDoor(t, to, answers) {
  const server = http.createServer((asked, reply) => {
    if (answers(asked, reply)) return;
    const onward = http.request({ host: '127.0.0.1', port: to, path: asked.url, headers: asked.headers, agent: false }, (answer) => {
      reply.writeHead(answer.statusCode, answer.headers);
      answer.on('error', () => reply.destroy());
      answer.pipe(reply);
    });
    reply.on('close', () => onward.destroy());
    onward.on('error', () => reply.destroy());
    onward.end();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(t, () => { server.closeAllConnections(); server.close(); });
  return server.address().port;
}

const PATIENT = { ...LONG, play_wait: '5m' };

async function startBehindDoor(t, answers, env) {
  const { serve, upstream, query } = await startLedger(t, postgres);
  const port = await freePort();
  const door = await startDoor(t, port, answers);
  const a = await serve('a', { settings: { ...LONG, cluster_listen: `127.0.0.1:${port}`, cluster_address: `127.0.0.1:${door}` } });
  const recording = gated(upstream, { seconds: 60, ranges: true });
  recording.gate.open(20_000);
  assert.equal((await webhook(a, recording.fields)).status, 200);
  await until('it is fetched', () => recording.gate.requests === 1);
  const b = await serve('b', { settings: PATIENT, env });
  return { a, b, recording, query };
}

const AHEAD = 200_000;
const isAhead = (asked) => Number(asked.headers.range?.match(/^bytes=(\d+)-/)?.[1] ?? 0) >= AHEAD;
const json = (reply, status, headers = {}) => {
  const body = '{"success":false,"error":"No.","code":"no"}';
  reply.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': body.length, ...headers });
  reply.end(body);
};

test('a part ahead that is redirected, refused, or of other bytes: nobody else is asked, nothing of it is heard, and the rest comes', async (t) => {
  const trap = await startTrap(t);
  const answers = {
    'is redirected': (asked, reply) => { reply.writeHead(302, { Location: `${trap.url}${asked.url}`, 'Content-Length': 0 }); reply.end(); },
    'is redirected to itself': (asked, reply) => { reply.writeHead(307, { Location: asked.url, 'Content-Length': 0 }); reply.end(); },
    'is refused': (_, reply) => json(reply, 401, { 'WWW-Authenticate': 'Bearer' }),
    'is not there': (_, reply) => json(reply, 421),
    'fails': (_, reply) => json(reply, 500),
    'is all of it': (_, reply) => { reply.writeHead(200, { 'Content-Type': 'audio/mpeg', 'Content-Length': 1000 }); reply.end(Buffer.alloc(1000, 7)); },
    'is another part': (_, reply) => { reply.writeHead(206, { 'Content-Type': 'audio/mpeg', 'Content-Range': 'bytes 5-1004/240000', 'Content-Length': 1000 }); reply.end(Buffer.alloc(1000, 7)); },
    'is of another length': (asked, reply) => { reply.writeHead(206, { 'Content-Type': 'audio/mpeg', 'Content-Range': `bytes ${AHEAD}-${AHEAD + 999}/999999`, 'Content-Length': 1000 }); reply.end(Buffer.alloc(1000, 7)); },
    'breaks off': (_, reply) => reply.destroy(),
  };
  let now, seen = 0;
  const { b, recording } = await startBehindDoor(t, (asked, reply) => {
    if (!isAhead(asked)) return false;
    seen += 1;
    answers[now](asked, reply);
    return true;
  });
  const { gate, media, mediaPath } = recording;
  const begun = request(b.url + mediaPath, { withinMs: 120_000 });
  const plays = [];
  for (now of Object.keys(answers)) {
    seen = 0;
    const [first, last] = [AHEAD + plays.length * 100, AHEAD + plays.length * 100 + 99];
    plays.push(request(b.url + mediaPath, { headers: { Range: `bytes=${first}-${last}` }, withinMs: 120_000 }).then((reply) => ({ reply, first, last, what: now })));
    await until(`a part ahead ${now}`, () => seen > 0, 60_000); // after one that failed none is tried for 5 s
  }
  gate.open();
  for (const { reply, first, last } of await Promise.all(plays)) {
    assert.equal(reply.status, 206);
    assert.ok(reply.body.equals(media.subarray(first, last + 1)), `bytes ${first} to ${last}`);
  }
  assert.ok((await begun).body.equals(media));
  assert.equal(gate.headers.filter(({ range }) => !range).length, 1);
  assert.deepEqual(trap.requests, []);
});

test('a recording that is redirected, and proxies of the environment: what is registered is asked, and nothing else', async (t) => {
  const trap = await startTrap(t);
  let redirected = 0;
  const proxies = Object.fromEntries(['http_proxy', 'HTTP_PROXY', 'https_proxy', 'all_proxy', 'ALL_PROXY'].map((name) => [name, trap.url]));
  const { b, recording } = await startBehindDoor(t, (asked, reply) => {
    if (redirected > 2) return false;
    redirected += 1;
    reply.writeHead(redirected > 1 ? 308 : 301, { Location: `${trap.url}${asked.url}`, 'Content-Length': 0 });
    reply.end();
    return true;
  }, proxies);
  const { gate, media, mediaPath, callSid } = recording;
  let heads = 0;
  const play = request(b.url + mediaPath, { withinMs: 120_000, onHead: () => { heads += 1; } });
  await until('it was redirected, and asked again', () => redirected === 3, 60_000);
  await until('it is heard', () => heads === 1, 60_000);
  gate.open();
  assert.ok((await play).body.equals(media));
  await untilState(b, callSid, 'stored');
  assert.equal(gate.requests, 1);
  assert.deepEqual(trap.requests, []);
  assert.equal(valuesOf(await scrape(b), 'callspool_peer_requests_total')['result="unreachable"'], 3);
});
