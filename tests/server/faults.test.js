// Never a 502: whatever the upstream does, every play through nginx with its default limits ends in
// media, in an error of the table within play_wait, or (once a head was sent) closed short; webhooks are
// answered meanwhile, credentials stay at home, and nothing but audio is stored.
//
// The matrix of fault x state x kind of request is printed at the end.
import test, { after, before, describe } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { audio } from './harness/audio.js';
import { WebhookPump, startCalm } from './harness/calm.js';
import { startServer, untilState } from './harness/callspool.js';
import { request } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { startNginx } from './harness/nginx.js';
import { check } from './harness/range_check.js';
import { oracle } from './harness/range_oracle.js';
import { Simulator, tell } from './harness/simulator.js';
import { until } from './harness/until.js';
import { startUpstream } from './harness/upstream.js';
import { newSid } from './harness/webhook.js';

// A stall is noticed after 600 ms and tried again within 300: what remains is for a busy machine.
const PLAY_WAIT_MS = 1500;
// Far more than a busy machine needs, and far less than a player that is not answered at play_wait would wait.
const SLACK_MS = 15_000;

const KINDS = {
  GET: {},
  HEAD: { method: 'HEAD' },
  '0-1': { headers: { Range: 'bytes=0-1' } },
  '0-': { headers: { Range: 'bytes=0-' } },
  '-500': { headers: { Range: 'bytes=-500' } },
  'two ranges': { headers: { Range: 'bytes=0-9,1000-1099' } },
  'the call': { path: 'downloadPath' },
};

const CODES = {
  call_not_found: 404, recording_not_found: 404, recording_not_available: 404, recording_absent: 404, recording_expired: 410,
  recording_deleted: 410, upstream_refused: 500, upstream_unavailable: 503, overloaded: 503,
};

const media = /^20[06]$/;
const unavailable = /^503 upstream_unavailable$/;
const refused = /^500 upstream_refused$/;

// first: how plays of a recording end that was announced while the fault is on.  heals: false where the
// flight is to wait longer than a test does.  lies: by so much is the length off that the upstream tells.
const FAULTS = [
  { name: 'nothing wrong', rules: [], first: media },
  { name: 'down: nobody listens', dead: true, rules: [], first: unavailable, heals: false },
  { name: 'down: closes at once', rules: ['close:all'], first: unavailable },
  { name: 'takes the request, says nothing', rules: ['hang:all'], first: unavailable },
  { name: 'slow to begin', rules: ['delay=3s:all'], first: unavailable },
  { name: 'slow to send', rules: ['slow=15000'], first: /^20[06]$|^503 upstream_unavailable$/ },
  { name: 'stalls at 0', rules: ['stall=0'], first: unavailable },
  { name: 'stalls at 30 %', rules: ['stall=30%'], first: /^20[06]$|^short$|^503 upstream_unavailable$/ },
  { name: 'cuts at 30 %', rules: ['cut=30%'], first: /^20[06]$|^short$|^503 upstream_unavailable$/ },
  { name: 'cuts at 30 %, serves ranges', rules: ['cut=30%', 'ranges'], first: /^20[06]$|^short$|^503 upstream_unavailable$/ },
  { name: 'cuts before the first byte', rules: ['cut=0'], first: unavailable },
  { name: 'promises too much', rules: ['length=+500'], lies: 500, first: /^206$|^short$|^503 upstream_unavailable$/ },
  { name: 'promises too little', rules: ['length=-500'], lies: -500, first: /^206$|^short$|^503 upstream_unavailable$/ },
  { name: 'tells no length', rules: ['no-length'], first: media },
  { name: 'tells no length, cuts', rules: ['no-length', 'cut=30%'], first: /^short$|^503 upstream_unavailable$/ },
  { name: 'calls it text/html', rules: ['type=text/html'], first: media },
  { name: 'redirects to another host', redirect: 'localhost', rules: [], first: unavailable },
  { name: 'redirects to a page elsewhere', redirect: '127.0.0.1', rules: [], first: unavailable },
  { name: '400', rules: ['400:all'], first: unavailable, becomesMono: true },
  { name: '401', rules: ['401:all'], first: refused, heals: false },
  { name: '403', rules: ['403:all'], first: refused, heals: false },
  { name: '404', rules: ['404'], first: unavailable },
  { name: '429', rules: ['429:all'], first: unavailable },
  { name: '429, come back in 1 s', rules: ['429=1:all'], first: unavailable },
  { name: '500', rules: ['500:all'], first: unavailable },
  { name: '502', rules: ['502:all'], first: unavailable },
  { name: '503, come back in 1 s', rules: ['503=1:all'], first: unavailable },
  { name: '504', rules: ['504:all'], first: unavailable },
  { name: 'an XML error as 200', rules: ['page=xml:all'], first: unavailable },
  { name: 'a JSON error as 200', rules: ['page=json:all'], first: unavailable },
  { name: 'an HTML page as 200', rules: ['page=html:all'], first: unavailable },
  { name: 'nothing as 200', rules: ['empty:all'], first: unavailable },
];
const STATES = ['at 30 %', 'new', 'tried', 'stored', 'unknown'];

const matrix = new Map();
const webhookTimes = [];
let calm;

/**
 * An ETag never names two contents: all the plays of a recording that heard the same one were told of the same
 * length and time.  What is stored is called what it was called before the fault.
 */
function checkValidators({ headers }, total, recording) {
  const { etag } = headers;
  const told = { etag, total, lastModified: headers['last-modified'] };
  assert.match(etag, /^"[^"]+"$/, 'a strong ETag');
  recording.told ??= new Map();
  if (!recording.told.has(etag)) recording.told.set(etag, told);
  assert.deepEqual(told, recording.told.get(etag), 'what was told under this ETag before');
  if (recording.stored) assert.deepEqual({ etag, lastModified: told.lastModified }, recording.stored, 'as it was stored');
}

/** How a play ended, in a word; throws where it may not end so. */
function outcome(reply, kind, recording, lies) {
  const options = KINDS[kind];
  const type = reply.headers['content-type'] ?? '';
  assert.ok(![502, 504].includes(reply.status), `nginx answered ${reply.status}`);
  if (reply.status === 200 || reply.status === 206) {
    assert.match(type, /^(audio\/mpeg|multipart\/byteranges; ?boundary=.*)$/);
    // A length that the upstream lied about is told to players, until the lie is found out.
    const ofPart = reply.status === 206 && reply.body.toString('latin1').match(/\r\nContent-Range: bytes \d+-\d+\/(\d+)\r\n/i)?.[1];
    const total = Number(reply.headers['content-range']?.match(/\/(\d+)$/)?.[1] ?? (ofPart || reply.headers['content-length']));
    // Without a length there is no ETag, and of several ranges the first bytes may be missing.
    if (Number.isFinite(total) && (ofPart || !type.startsWith('multipart'))) checkValidators(reply, total, recording);
    const size = lies && total === recording.bytes.length + lies ? total : recording.bytes.length;
    const described = {
      bytes: recording.bytes, size, etag: reply.headers.etag, lastModified: reply.headers['last-modified'],
    };
    const wanted = oracle(options.headers ?? {}, described);
    if (reply.cut) {
      if (wanted.ranges.length === 1 || reply.status === 200) {
        const first = reply.status === 200 ? 0 : wanted.ranges[0][0];
        assert.ok(reply.body.equals(recording.bytes.subarray(first, first + reply.body.length)), 'what came before the end is right');
        assert.ok(lies || reply.body.length < recording.bytes.length, 'what is whole is not cut');
      }
      return 'short';
    }
    if (reply.headers['transfer-encoding']) {
      assert.equal(reply.status, 200);
      assert.ok(reply.body.equals(recording.bytes), 'the bytes, without a length');
      return '200';
    }
    check(reply, wanted, described, options.method ?? 'GET');
    return String(reply.status);
  }
  assert.match(type, /^application\/json\b/);
  if (options.method === 'HEAD') {
    assert.ok(Object.values(CODES).includes(reply.status));
    assert.equal(reply.status === 503, reply.headers['retry-after'] !== undefined);
    return String(reply.status);
  }
  const body = JSON.parse(reply.body);
  assert.equal(CODES[body.code], reply.status, reply.body.toString());
  assert.equal(body.success, false);
  assert.match(body.error, /^\S.*\s.*\S$/);
  if (reply.status === 503) assert.ok(Number(reply.headers['retry-after']) >= 1, 'Retry-After');
  assert.ok(reply.ms < PLAY_WAIT_MS + SLACK_MS, `answered after ${Math.round(reply.ms)} ms`);
  return `${reply.status} ${body.code}`;
}

/** Plays the recording in every way at once; returns { kind: outcome } and collects what is wrong. */
async function playAll(bases, recording, wrong, lies) {
  const cells = {};
  await Promise.all(Object.keys(KINDS).flatMap((kind) => Object.keys(bases).map(async (where) => {
    const { path = 'mediaPath', ...options } = KINDS[kind];
    let said;
    try {
      const reply = await request(bases[where] + recording[path], { ...options, withinMs: 40_000 });
      try {
        said = outcome(reply, kind, recording, lies);
      } catch (error) {
        wrong.push(`${kind}, ${where}: ${reply.status}, ${reply.body.length} bytes: ${error.message}`);
        said = `WRONG ${reply.status}`;
      }
    } catch (error) {
      wrong.push(`${kind}, ${where}: ${error.message}`);
      said = 'NOTHING';
    }
    (cells[kind] ??= new Set()).add(said);
  })));
  return cells;
}

/** Somebody else's server: serves a page to everybody, and keeps what it was sent. */
async function startForeigner(t) {
  const seen = [];
  const server = http.createServer((incoming, reply) => {
    seen.push(incoming.headers);
    reply.writeHead(200, { 'Content-Type': 'text/html' });
    reply.end('<html><body>a page of somebody else</body></html>');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => { server.closeAllConnections(); server.close(); });
  return { seen, port: server.address().port };
}

/** What may be stored of it: with the channels it has; in one, where the upstream said that it has no two. */
const rightBytes = (fault, { bytes, mono }) => (fault.becomesMono ? [bytes, mono] : [bytes]);

/** Every file of media in the store is the recording that its name says. */
async function checkStore(fault, server, recordings) {
  const files = readdirSync(join(server.dataDir, 'recordings'), { recursive: true }).map(String).filter((name) => /RE[0-9a-f]{32}.*\.(mp3|wav)$/.test(name));
  for (const file of files) {
    const found = readFileSync(join(server.dataDir, 'recordings', file));
    const bytes = rightBytes(fault, recordings.find(({ recordingSid }) => file.includes(recordingSid)));
    assert.ok(bytes.some((all) => found.equals(all)), `${file} is not what Twilio has`);
  }
}

async function withFault(t, fault) {
  const simulator = await Simulator.start(t);
  const foreigner = await startForeigner(t);
  const server = await startServer(t, {
    upstream: simulator.url,
    settings: { play_wait: `${PLAY_WAIT_MS}ms`, 'fetch.stall_timeout': '600ms', 'fetch.retry_most': '300ms' },
    expectErrors: fault.first === refused ? [/refuses the credentials/] : [],
  });
  const bases = { stock: (await startNginx(t, server.url, { stock: true })).url, packaged: (await startNginx(t, server.url)).url };
  const place = { duration: 8 };
  const recordings = {};
  const rules = fault.redirect ? [`redirect=http://${fault.redirect}:${foreigner.port}`] : fault.rules;

  // One is stored, one has come 30 % far, before anything goes wrong.
  recordings.stored = await simulator.announce(server, place);
  await untilState(server, recordings.stored.callSid, 'stored');
  const { headers: stored } = await request(server.url + recordings.stored.mediaPath, { method: 'HEAD' });
  recordings.stored.stored = { etag: stored.etag, lastModified: stored['last-modified'] };
  recordings.new = await simulator.place(place);
  recordings.unknown = await simulator.place(place);
  recordings.tried = recordings.new;
  recordings['at 30 %'] = await simulator.place(place);
  await simulator.addFaults('stall=30%');
  await tell(server, recordings['at 30 %']);
  await until('some of it is here', async () => (await request(server.url + recordings['at 30 %'].mediaPath, { headers: { Range: 'bytes=0-1' } })).status === 206);
  await simulator.clearFaults();
  if (rules.length > 0) await simulator.addFaults(...rules);
  if (fault.dead) await simulator.program.stop('SIGTERM');

  const webhooks = new WebhookPump(server);
  const rows = {};
  for (const state of STATES) {
    const wrong = [];
    if (state === 'new') await tell(server, recordings.new);
    await t.test(state, async () => {
      rows[state] = await playAll(bases, recordings[state], wrong, fault.lies);
      assert.deepEqual(wrong, []);
      const ends = Object.entries(rows[state]).filter(([kind]) => kind !== 'HEAD').flatMap(([, set]) => [...set]);
      if (state === 'new') assert.deepEqual(ends.filter((end) => !fault.first.test(end)), [], 'ends as this fault is to end');
      if (state === 'at 30 %' && fault.first === media) assert.deepEqual(ends.filter((end) => !media.test(end)), [], 'players hear on when the upstream is well again');
      if (state === 'stored') assert.deepEqual(ends.filter((end) => !media.test(end)), [], 'what is stored plays');
    });
  }
  matrix.set(fault.name, rows);
  await t.test('webhooks are answered meanwhile', async () => {
    const sent = await webhooks.stop();
    webhookTimes.push(...sent.map(({ ms }) => ms));
    assert.deepEqual(calm.tooSlow(sent), []);
  });
  await t.test('credentials stay at home', async () => {
    assert.deepEqual(foreigner.seen.filter((headers) => headers.authorization || headers.cookie), []);
    if (fault.redirect === 'localhost') assert.equal(foreigner.seen.length, 0, 'a host that nobody named is not even asked');
  });
  if (fault.heals !== false) {
    await t.test('once the fault is over all of it arrives', async () => {
      await simulator.clearFaults();
      for (const state of ['new', 'at 30 %', 'unknown']) {
        const { callSid, mediaPath, downloadPath } = recordings[state];
        const bytes = rightBytes(fault, recordings[state]);
        // A play brings the next try forward; one that is not known yet is discovered by it.
        await until(`${state} plays`, async () => {
          const reply = await request(server.url + downloadPath);
          return reply.status === 200 && !reply.cut && bytes.some((all) => reply.body.equals(all));
        });
        await untilState(server, callSid, 'stored');
        const { body } = await request(server.url + mediaPath);
        assert.ok(bytes.some((all) => body.equals(all)), state);
      }
    });
  }
  await t.test('nothing but audio is stored', () => checkStore(fault, server, Object.values(recordings)));
}

describe('whatever the upstream does', { concurrency: 4 }, () => {
  before(async () => { calm = await startCalm(lifetime); });
  for (const fault of FAULTS) test(fault.name, (t) => withFault(t, fault));
});

test('a storage of the account\'s own: what media_hosts names is fetched from there, without credentials, and nothing else is', async (t) => {
  const [upstream, storage] = [await startUpstream(t), await startUpstream(t)];
  const bytes = audio({ seconds: 2 });
  storage.answer = (_, reply) => {
    reply.writeHead(200, { 'Content-Type': 'audio/mpeg', 'Content-Length': bytes.length });
    reply.end(bytes);
  };
  const server = await startServer(t, { upstream: upstream.url, settings: { media_hosts: 'localhost' } });
  const keptAt = async (host) => {
    const recording = { callSid: newSid('CA'), recordingSid: newSid('RE') };
    const url = `http://${host}:${new URL(storage.url).port}/kept/${recording.recordingSid}`;
    await tell(server, recording, { RecordingDuration: '2', RecordingUrl: url });
    return recording;
  };
  const named = await keptAt('localhost');
  await untilState(server, named.callSid, 'stored');
  assert.ok((await request(`${server.url}/api/recordings/${named.recordingSid}/media`)).body.equals(bytes));
  const unnamed = await keptAt('127.0.0.1');
  await untilState(server, unnamed.callSid, 'waiting');
  assert.deepEqual(storage.requests.map(({ path, headers }) => [path, headers.authorization]), [[`/kept/${named.recordingSid}`, undefined]]);
  assert.equal(upstream.mediaRequests(named.recordingSid).length, 0);
  assert.ok(upstream.mediaRequests(unnamed.recordingSid).length > 0);
});

after(() => {
  const kinds = Object.keys(KINDS);
  const short = (set) => [...(set ?? ['-'])].map((end) => end.replace('upstream_', '').replace('recording_', '')).sort().join('|');
  const lines = [['fault', 'state', ...kinds]];
  for (const [name, rows] of matrix) {
    for (const state of STATES) lines.push([state === STATES[0] ? name : '', state, ...kinds.map((kind) => short(rows[state]?.[kind]))]);
  }
  const widths = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  console.log(lines.map((line) => `| ${line.map((cell, i) => cell.padEnd(widths[i])).join(' | ')} |`).join('\n'));
  webhookTimes.sort((a, b) => a - b);
  const at = (share) => webhookTimes[Math.floor((webhookTimes.length - 1) * share)]?.toFixed(1);
  console.log(`| ${webhookTimes.length} webhooks meanwhile, one after the other: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, slowest ${at(1)} ms`);
});
