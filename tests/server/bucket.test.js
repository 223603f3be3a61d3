// Media in a bucket: what is stored there plays as from a file, and nothing is lost while the bucket is away.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import http from 'node:http';
import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { audio } from './harness/audio.js';
import { ACCOUNT, callspool, startServer, untilState } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { JumpingClock } from './harness/jumping.js';
import { startKeyAgent } from './harness/key_agent.js';
import { atEnd, lifetime } from './harness/lifetime.js';
import { scrape } from './harness/metrics.js';
import { Caller, SIGN_IN, addLink, addToken, firstAdministrator } from './harness/people.js';
import { startPostgres } from './harness/postgres.js';
import { cases, fill } from './harness/range_cases.js';
import { check } from './harness/range_check.js';
import { oracle } from './harness/range_oracle.js';
import { temporaryFolder } from './harness/process.js';
import { startS3 } from './harness/s3_store.js';
import { preloaded } from './harness/shadow.js';
import { store } from './harness/stored.js';
import { until } from './harness/until.js';
import { startUpstream } from './harness/upstream.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

// Most of them wait, for what is tried again after a while.  Who stops the store, or holds it, is alone.
const AT_ONCE = { concurrency: 4 };

let s3, upstream;

before(async () => {
  s3 = await startS3(lifetime);
  upstream = await startUpstream(lifetime);
});

const serve = (t, bucket, options = {}) => startServer(t, {
  upstream: upstream.url, ...options, settings: { ...bucket.settings, ...options.settings }, env: { ...bucket.env, ...options.env },
});
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const filesUnder = (folder) => readdirSync(folder, { recursive: true }).filter((name) => /\.(mp3|wav|peaks)$/.test(name));
const mediaOf = (names) => names.filter((name) => /\.(mp3|wav)$/.test(name));
const settingsOf = (server, bucket) => Object.entries({ data_dir: server.dataDir, ...bucket.settings }).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
const keyOf = async (bucket, { recordingSid }) => mediaOf(await bucket.list()).find((key) => key.includes(recordingSid));
const dropCache = (server) => rmSync(join(server.dataDir, 'cache'), { recursive: true });
const play = (server, recording, headers = {}) => request(server.url + recording.mediaPath, { headers });

/** Of files that have no name, and which it has open still: the disk has no room for others before they are closed. */
const heldBytes = (server) => readdirSync(`/proc/${server.pid}/fd`).map((fd) => `/proc/${server.pid}/fd/${fd}`)
  .filter((fd) => readlinkSync(fd, 'utf8').startsWith(server.dataDir)).map((fd) => statSync(fd))
  .reduce((sum, about) => sum + (about.isFile() && about.nlink === 0 ? about.size : 0), 0);

const untilGood = (server) => until('health is good', async () => {
  const { json } = await requestJson(`${server.url}/api/health`);
  if (json.degraded) throw new Error(JSON.stringify(json.causes));
  return true;
});
/** So many recordings are stored, each with its waveform: the ledger has the name a moment after the bucket has the file. */
const untilWaveforms = async (server, bucket, count) => {
  await until('waveforms are in the bucket', async () => (await bucket.list()).length === 2 * count);
  await until('and named', async () => {
    const { json } = await requestJson(`${server.url}/api/calls?state=stored`);
    return json.calls.filter(({ recordings }) => recordings[0].waveform).length === count;
  });
};
const health = async (server) => (await requestJson(`${server.url}/health`)).json;
const webhook = (server, fields) => postForm(server.url, RECORDING_STATUS, recordingCallback(fields));

/** Twilio has it, and says so; the recording is not waited for. */
async function announce(server) {
  const [callSid, recordingSid] = [newSid('CA'), newSid('RE')];
  const media = audio();
  upstream.recordings.set(recordingSid, { media, wav: media, callSid, duration: 5, channels: 2 });
  assert.equal((await webhook(server, { CallSid: callSid, RecordingSid: recordingSid, RecordingDuration: '5', RecordingChannels: '2' })).status, 200);
  return { callSid, recordingSid, bytes: media, mediaPath: `/api/recordings/${recordingSid}/media` };
}

/** What is left of a recording that is deleted now: nothing, in no version. */
async function deleted(server, bucket, gone, withinMs) {
  const { status } = await request(`${server.url}/api/recordings/${gone.recordingSid}`, { method: 'DELETE' });
  assert.equal(status, 200);
  await until('its files are gone', async () => (await bucket.versions()).every((key) => !key.includes(gone.recordingSid)), withinMs);
  assert.ok(filesUnder(join(server.dataDir, 'cache')).every((name) => !name.includes(gone.recordingSid)));
  assert.equal((await play(server, gone)).status, 410);
}

const verify = async (server, bucket) => {
  const ended = await callspool(['verify', '--json', ...settingsOf(server, bucket)], { env: bucket.env });
  return { code: ended.code, ...JSON.parse(ended.stdout || '{}'), stderr: ended.stderr };
};

const start = (settings, env) => callspool(['serve', '--set', 'auth=none', '--set', 'listen=127.0.0.1:0', ...Object.entries(settings).flatMap(([name, value]) => ['--set', `${name}=${value}`])], { env, withinMs: 30_000 });

/** To its last byte. */
function fillDisk(path) {
  writeFileSync(path, '');
  for (const piece of [1024 * 1024, 65536, 4096]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(piece, 1), { flag: 'a' });
    } catch (error) {
      assert.equal(error.code, 'ENOSPC');
    }
  }
}

describe('what is stored in the bucket', () => {
  let server, bucket, recording;

  before(async () => {
    bucket = await s3.bucket();
    server = await serve(lifetime, bucket, { settings: { retention: 'forever', verify_every: 'forever' } });
    recording = await store(server, upstream, { seconds: 60 });
  });

  test('lies there under its name and generation, as it came, and is in the cache', async () => {
    const [key, ...others] = mediaOf(await bucket.list());
    assert.deepEqual(others, []);
    assert.match(key, new RegExp(`^${recording.callSid.slice(2, 4)}/${recording.callSid}\\.${recording.recordingSid}\\.\\d+\\.mp3$`));
    assert.ok((await bucket.get(key)).equals(recording.bytes));
    assert.deepEqual(mediaOf(filesUnder(join(server.dataDir, 'cache'))), [key]);
    assert.ok(!existsSync(join(server.dataDir, 'recordings')), 'no folder for files');
    const { json } = await requestJson(`${server.url}/api/calls/${recording.callSid}`);
    assert.equal(json.recordings[0].sha256, sha256(recording.bytes));
    const path = await callspool(['path', recording.callSid, '--set', `data_dir=${server.dataDir}`, ...Object.entries(bucket.settings).flatMap(([name, value]) => ['--set', `${name}=${value}`])], { env: bucket.env });
    assert.equal(path.stdout, `s3://${bucket.name}/calls/${key}\n`);
  });

  test('its waveform is in the bucket, too, and is served without the cache', async () => {
    await until('the waveform is there', async () => (await bucket.list()).some((key) => key.endsWith('.peaks')));
    const address = `${server.url}/api/recordings/${recording.recordingSid}/waveform`;
    const before = await until('it is served', async () => {
      const reply = await request(address);
      return reply.status === 200 ? reply : null;
    });
    for (const name of filesUnder(join(server.dataDir, 'cache')).filter((file) => file.endsWith('.peaks'))) rmSync(join(server.dataDir, 'cache', name));
    const after = await request(address);
    assert.equal(after.status, 200);
    assert.ok(after.body.equals(before.body));
  });

  test('no secret is seen: not in the environment, not in the log, not where settings are shown', async () => {
    const secret = bucket.env.AWS_SECRET_ACCESS_KEY;
    assert.ok(!readFileSync(`/proc/${server.pid}/environ`, 'latin1').includes(secret));
    assert.ok(!server.said.includes(secret));
    const shown = await callspool(['config', ...settingsOf(server, bucket)], { env: bucket.env });
    assert.ok(!shown.stdout.includes(secret));
    assert.match(shown.stdout, /s3\.region = default/);
  });

  test('files that another system left are taken over into it', async (t) => {
    const [callSid, bytes] = [newSid('CA'), audio()];
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, `${callSid}.mp3`), bytes);
    const { code, stderr } = await callspool(['import', '--from', folder, '--set', 'retention=forever', ...settingsOf(server, bucket)], { env: bucket.env, withinMs: 0 });
    assert.equal(code, 0, stderr);
    const key = mediaOf(await bucket.list()).find((name) => name.includes(callSid));
    assert.ok((await bucket.get(key)).equals(bytes));
    assert.ok((await request(`${server.url}/api/calls/${callSid}/download`)).body.equals(bytes));
  });

  test('what is deleted goes from there, and from the cache', () => deleted(server, bucket, recording));
});

describe('what is in the bucket alone', () => {
  let bucket, door, dataDir, server, media, recording, missing, damaged, hidden;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const settings = { verify_every: 'forever' };

  before(async () => {
    bucket = await s3.bucket();
    const first = await serve(lifetime, bucket, { settings });
    recording = await store(first, upstream, { seconds: 60 });
    missing = await store(first, upstream);
    damaged = await store(first, upstream);
    hidden = await store(first, upstream);
    await untilWaveforms(first, bucket, 4);
    await first.stop('SIGTERM');
    ({ dataDir } = first);
    dropCache(first);
    await bucket.remove(await keyOf(bucket, missing));
    await bucket.put(await keyOf(bucket, damaged), Buffer.concat([damaged.bytes, Buffer.alloc(2_000_000, 7)]));
  });

  test('with another prefix than it was: 503, nothing is taken for lost, and nothing is stored there', async (t) => {
    const other = await serve(t, bucket, { dataDir, settings: { ...settings, store: `s3://${bucket.name}/other` } });
    assert.equal((await play(other, recording)).status, 503);
    const late = await announce(other);
    await until('health says why', async () => (await requestJson(`${other.url}/api/health`)).json.causes?.some((cause) => /callspool\.store/.test(cause)));
    assert.equal(await keyOf(bucket, late), undefined);
  });

  test('is brought once for fifty who play it, each another Range', async () => {
    door = await s3.door(lifetime);
    server = await serve(lifetime, bucket, { dataDir, settings: { ...settings, 's3.endpoint': door.url }, expectErrors: [/is lost, and queued to be fetched again/] });
    const players = await Promise.all(Array.from({ length: 50 }, (_, i) => play(server, recording, { Range: `bytes=${i * 10}-${i * 10 + 9}` })));
    for (const [i, { status, body }] of players.entries()) {
      assert.equal(status, 206);
      assert.ok(body.equals(recording.bytes.subarray(i * 10, i * 10 + 10)));
    }
    assert.equal(door.requests.filter((line) => /^GET .*\.mp3$/.test(line)).length, 1, door.requests.join('\n'));
    const reply = await until('Last-Modified is past', async () => {
      const head = await request(server.url + recording.mediaPath, { method: 'HEAD' });
      return Date.parse(head.headers['last-modified']) + 1000 < Date.parse(head.headers.date) ? head : null;
    });
    assert.equal(reply.headers['repr-digest'], `sha-256=:${createHash('sha256').update(recording.bytes).digest('base64')}:`);
    media = {
      path: recording.mediaPath, bytes: recording.bytes, size: recording.bytes.length, etag: reply.headers.etag,
      lastModified: reply.headers['last-modified'], modifiedAt: Date.parse(reply.headers['last-modified']) / 1000,
    };
  });

  for (const method of ['GET', 'HEAD']) {
    test(`${method}: every case of a Range as from a file`, async () => {
      for (const [name, headers] of cases) {
        const filled = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, fill(value, media)]));
        const reply = await request(server.url + media.path, { method, headers: filled, agent });
        try {
          check(reply, oracle(filled, media), media, method);
        } catch (error) {
          error.message = `${name}: ${error.message}`;
          throw error;
        }
      }
    });
  }

  test('behind a page that something in between answers with it is not lost', async () => {
    door.refuse(1000, 200, 'Maintenance');
    assert.equal((await play(server, hidden)).status, 503);
    door.refuse(1, 200, 'Maintenance');
    assert.ok((await play(server, hidden)).body.equals(hidden.bytes));
    assert.equal(upstream.mediaRequests(hidden.recordingSid).length, 1);
  });

  test('lost or damaged there, it is found by its play, and fetched again', async () => {
    for (const one of [missing, damaged]) {
      const reply = await play(server, one);
      assert.equal(reply.status, 200);
      assert.ok(reply.body.equals(one.bytes));
      assert.equal(upstream.mediaRequests(one.recordingSid).length, 2);
    }
    assert.equal(upstream.mediaRequests(recording.recordingSid).length, 1);
  });
});

test('the bucket goes away: what is cached plays, what is not is 503, what arrives waits, even through kill -9; back again, all goes on', async (t) => {
  const bucket = await s3.bucket();
  const settings = { threads: 1, cache_entries: 1, verify_every: 'forever' };
  let server = await serve(t, bucket, { settings });
  const recordings = [await store(server, upstream), await store(server, upstream)];
  const [cached, uncached] = recordings;
  await untilWaveforms(server, bucket, 2);
  const [name] = mediaOf(filesUnder(join(server.dataDir, 'cache'))).filter((file) => file.includes(uncached.recordingSid));
  rmSync(join(server.dataDir, 'cache', name));
  await s3.stop();
  atEnd(t, async () => s3.gateway.status && s3.start());

  const late = await announce(server);
  await until('health tells it', async () => (await health(server)).degraded);
  assert.equal((await request(`${server.url}/health`)).status, 200);
  const good = await play(server, cached, { Range: 'bytes=0-9' });
  assert.equal(good.status, 206);
  assert.ok(good.body.equals(cached.bytes.subarray(0, 10)));
  const bad = await play(server, uncached);
  assert.equal(bad.status, 503);
  assert.equal(JSON.parse(bad.body).code, 'upstream_unavailable');
  assert.ok(bad.headers['retry-after']);
  const { json } = await requestJson(`${server.url}/api/calls/${late.callSid}`);
  assert.notEqual(json.recordings[0].state, 'stored');

  await server.kill();
  server = await serve(t, bucket, { dataDir: server.dataDir, settings }); // starts without its bucket
  assert.ok((await play(server, cached)).body.equals(cached.bytes));
  await until('health tells it', async () => (await health(server)).degraded);
  await s3.start();
  await untilState(server, late.callSid, 'stored');
  assert.ok((await play(server, uncached)).body.equals(uncached.bytes));
  assert.ok((await play(server, late)).body.equals(late.bytes));
  await untilGood(server);
  assert.equal(mediaOf(await bucket.list()).filter((key) => key.includes(late.recordingSid)).length, 1);
  truncateSync(join(server.dataDir, 'cache', await keyOf(bucket, cached)), 100);
  assert.ok((await play(server, cached)).body.equals(cached.bytes), 'what is cut short in the cache is brought anew');
  for (const { recordingSid } of recordings) assert.equal(upstream.mediaRequests(recordingSid).length, 1, 'fetched once');
});

test('a bucket that is busy is asked again; one that refuses us is told of, with the clock that is wrong; one that hangs holds up no stop', async (t) => {
  const bucket = await s3.bucket();
  const door = await s3.door(t);
  const server = await serve(t, bucket, { settings: { 's3.endpoint': door.url, verify_every: 'forever', play_wait: '2s' } });
  door.refuse(2, 503, 'SlowDown');
  const recording = await store(server, upstream);
  assert.equal((await health(server)).degraded, false, 'two refusals are no trouble');
  assert.equal(upstream.mediaRequests(recording.recordingSid).length, 1);

  door.refuse(1000, 403, 'RequestTimeTooSkewed', new Date(Date.now() - 3_600_000).toUTCString());
  const late = await announce(server);
  const causes = await until('health says why', async () => {
    const { json } = await requestJson(`${server.url}/api/health`);
    return json.causes?.find((cause) => /clock/.test(cause));
  });
  assert.match(causes, /403 RequestTimeTooSkewed: this machine's clock is 3\d\d\d s ahead of the bucket's/);
  door.refuse(0);
  await untilState(server, late.callSid, 'stored');
  await untilGood(server);

  door.denies = /[?&]version/;
  await deleted(server, bucket, recording);
  assert.ok(door.requests.some((line) => line.startsWith('DELETE ')));
  assert.equal((await health(server)).degraded, false, 'a right that is not needed is no trouble');
  door.denies = null;

  rmSync(join(server.dataDir, 'cache', await keyOf(bucket, late)));
  s3.hold();
  atEnd(t, () => s3.release());
  const { status, json } = await requestJson(`${server.url}/api/recordings/${late.recordingSid}/media`);
  assert.deepEqual([status, json.code], [503, 'overloaded']);
  assert.doesNotMatch(JSON.stringify(json), /Twilio/, 'which has nothing to do with it');
  const waits = await announce(server);
  await until('it has arrived', () => upstream.mediaRequests(waits.recordingSid).length === 1);
  const began = Date.now();
  await server.stop('SIGTERM');
  assert.ok(Date.now() - began < 15_000, `${Date.now() - began} ms`);
  assert.ok(!/disk/i.test(server.said), 'which is no trouble of the disk');
  s3.release();
  const next = await serve(t, bucket, { dataDir: server.dataDir });
  await untilState(next, waits.callSid, 'stored', 10_000); // at once, as after any stop
});

describe('a waveform', () => {
  let bucket, door, server, recording;

  before(async () => {
    bucket = await s3.bucket();
    door = await s3.door(lifetime);
    const settings = { 's3.endpoint': door.url, verify_every: 'forever' };
    server = await serve(lifetime, bucket, { settings, expectErrors: [/its waveform cannot be made: the bytes of .* in the bucket are not those that were stored/] });
    recording = await store(server, upstream);
    await untilWaveforms(server, bucket, 1);
    await until('both are kept here, too', () => ['.mp3', '.peaks'].every((end) => filesUnder(join(server.dataDir, 'cache')).some((name) => name.endsWith(end))));
  });

  const evict = () => {
    for (const name of filesUnder(join(server.dataDir, 'cache'))) rmSync(join(server.dataDir, 'cache', name));
  };
  const lose = async () => {
    evict();
    await bucket.remove((await bucket.list()).find((key) => key.endsWith('.peaks')));
  };
  const says = async (from = server) => {
    const { status, body } = await request(`${from.url}/api/recordings/${recording.recordingSid}/waveform`);
    return status === 200 ? 'there' : JSON.parse(body).code;
  };

  test('is not lost behind a page that something in between answers with', async () => {
    evict();
    door.refuse(1000, 200, 'Maintenance');
    assert.equal(await says(), 'overloaded');
    door.refuse(0);
    assert.equal(await says(), 'there');
    assert.ok(!/its waveform is lost/.test(server.said), server.said);
  });

  test('is made of the recording alone, whatever answers in its place', async () => {
    await lose();
    door.swallow(/^GET .*\.mp3/, 1);
    assert.equal(await says(), 'waveform_pending');
    await until('it is made anew', async () => await says() === 'there');
    assert.equal(door.swallowed, 0);
  });

  test('waits for it, as long as something else comes; that has an end, though the answer has none', async (t) => {
    await lose();
    door.endless = /^GET .*\.mp3/;
    assert.equal(await says(), 'waveform_pending');
    await server.line(/its waveform cannot be made/);
    assert.ok(door.sent < recording.bytes.length + 64 * 1024 * 1024, `${door.sent} bytes`);
    assert.equal(await says(), 'waveform_pending');
    door.endless = null;
    await server.stop('SIGTERM');
    const again = await serve(t, bucket, { dataDir: server.dataDir, settings: { verify_every: 'forever' } });
    await until('it is made', async () => await says(again) === 'there');
  });
});

describe('each in a bucket of its own', AT_ONCE, () => {
  test('the cache is bounded, on the disk too: what was played stays open no longer than it lies there, and all plays', async (t) => {
    const bucket = await s3.bucket();
    const media = audio({ seconds: 20, format: 'wav' });
    const server = await serve(t, bucket, { settings: { cache_max: '1M', format: 'wav', threads: 1, cache_entries: 16, verify_every: 'forever' } });
    const recordings = [];
    const size = () => filesUnder(join(server.dataDir, 'cache')).reduce((sum, name) => sum + statSync(join(server.dataDir, 'cache', name)).size, 0);
    for (let i = 0; i < 4; i += 1) {
      recordings.push(await store(server, upstream, { media, format: 'wav', seconds: 20 }));
      assert.ok((await play(server, recordings[i])).body.equals(media));
    }
    assert.ok(recordings.length * media.length > 1024 * 1024);
    assert.ok(size() <= 1024 * 1024, `${size()} bytes`);
    await until('nothing else of it is on the disk', () => heldBytes(server) === 0);
    for (const recording of recordings) assert.ok((await play(server, recording)).body.equals(media));
    assert.ok(size() <= 1024 * 1024, `${size()} bytes`);
    await until('nor afterwards', () => heldBytes(server) === 0);
  });

  test('what is deleted in a bucket that keeps versions goes with all of them', async (t) => {
    const bucket = await s3.bucket({ versions: true });
    const server = await serve(t, bucket);
    const [gone, stays] = [await store(server, upstream), await store(server, upstream)];
    await untilWaveforms(server, bucket, 2);
    const key = await keyOf(bucket, gone); // more than a page of them, as of a PUT that was repeated for a day
    for (let i = 0; i < 42; i += 1) await Promise.all(Array.from({ length: 25 }, () => bucket.put(key, Buffer.from('again'))));
    await deleted(server, bucket, gone, 90_000); // one by one
    assert.ok((await bucket.versions()).some((key) => key.includes(stays.recordingSid)));
    assert.equal((await play(server, stays)).status, 200);
  });

  test('verify reads the bucket, not the cache: what is missing or damaged there is fetched again, what nobody knows is told', async (t) => {
    const bucket = await s3.bucket();
    const server = await serve(t, bucket, { settings: { verify_every: 'forever' } });
    const [missing, damaged, whole] = [await store(server, upstream), await store(server, upstream), await store(server, upstream)];
    await untilWaveforms(server, bucket, 3);
    assert.equal((await verify(server, bucket)).code, 0);
    await bucket.remove(await keyOf(bucket, missing));
    await bucket.put(await keyOf(bucket, damaged), Buffer.alloc(damaged.bytes.length, 7));
    await bucket.put('notes.txt', Buffer.from('nobody knows it'));
    const found = await verify(server, bucket);
    assert.equal(found.code, 7, JSON.stringify(found));
    await until('it is mended', async () => {
      const keys = [await keyOf(bucket, missing), await keyOf(bucket, damaged)];
      return keys[0] && (await bucket.get(keys[0])).equals(missing.bytes) && keys[1] && (await bucket.get(keys[1])).equals(damaged.bytes);
    });
    for (const recording of [missing, damaged, whole]) {
      await untilState(server, recording.callSid, 'stored');
      assert.ok((await play(server, recording)).body.equals(recording.bytes));
    }
    assert.equal(upstream.mediaRequests(whole.recordingSid).length, 1);
  });

  test('what is refused: a key without its secret, a secret in --set, recordings that lie in files', async (t) => {
    const bucket = await s3.bucket();
    const dataDir = join(temporaryFolder(t), 'data');
    const settings = ['--set', `data_dir=${dataDir}`, '--set', 'auth=none', '--set', 'listen=127.0.0.1:0', ...settingsOf({ dataDir }, bucket)];
    const without = await callspool(['serve', ...settings]);
    assert.equal(without.code, 2);
    assert.match(without.stderr, /s3\.secret_access_key/);
    const seen = await callspool(['serve', ...settings, '--set', 's3.secret_access_key=x']);
    assert.equal(seen.code, 2);
    mkdirSync(join(dataDir, 'recordings', '3f'), { recursive: true });
    const files = await callspool(['serve', ...settings], { env: bucket.env });
    assert.equal(files.code, 4);
    assert.match(files.stderr, /begin with an empty data_dir/);
  });

  test('what something in between answers with 200 is not believed: neither that it was put, nor that it is gone', async (t) => {
    const bucket = await s3.bucket();
    const door = await s3.door(t);
    const server = await serve(t, bucket, { settings: { 's3.endpoint': door.url, verify_every: 'forever' } });
    door.swallow(/^PUT .*\.mp3/, 2);
    const recording = await store(server, upstream);
    assert.equal(door.swallowed, 0);
    assert.ok((await bucket.get(await keyOf(bucket, recording))).equals(recording.bytes));
    const heads = () => door.requests.filter((line) => /^HEAD .*\.mp3/.test(line)).length;
    // Who makes a waveform looks for the recording before it is put, and after: then it is made.
    const isMade = ({ recordingSid }) => {
      const lines = door.requests.filter((line) => line.includes(recordingSid));
      const put = lines.findLastIndex((line) => /^PUT .*\.peaks/.test(line));
      return put >= 0 && lines.slice(put).some((line) => /^HEAD .*\.mp3/.test(line));
    };
    await until('its waveform is made', () => isMade(recording));
    const before = heads();
    const second = await store(server, upstream);
    await until('that of the second is made', () => isMade(second));
    assert.equal(heads() - before, 2, 'its waveform looks for it twice, and its MD5 is proof enough');
    door.swallow(/^DELETE .*\.mp3/, 2);
    await deleted(server, bucket, recording);
    assert.equal(door.swallowed, 0);
    assert.ok(before > 0, 'what was not the MD5 was asked for');
    door.etag = '"0123456789abcdef0123456789abcdef"'; // as of what the store encrypts with a key of its own
    const other = await store(server, upstream);
    assert.ok((await bucket.get(await keyOf(bucket, other))).equals(other.bytes));
    assert.equal(upstream.mediaRequests(other.recordingSid).length, 1);
    await untilGood(server);
  });

  test('what something in between answers with 404, 405 or 409 is no answer of the bucket', async (t) => {
    const bucket = await s3.bucket();
    const door = await s3.door(t);
    const settings = { 's3.endpoint': door.url, verify_every: 'forever' };
    const first = await serve(t, bucket, { settings });
    const recordings = [];
    for (const status of [404, 405, 409]) {
      door.swallow(/^PUT .*\.mp3/, 2, status);
      recordings.push(await store(first, upstream));
      assert.equal(door.swallowed, 0);
      assert.equal(upstream.mediaRequests(recordings.at(-1).recordingSid).length, 1, 'Twilio is not asked again');
    }
    await untilWaveforms(first, bucket, 3);
    await first.stop('SIGTERM');
    dropCache(first);
    const server = await serve(t, bucket, { dataDir: first.dataDir, settings });
    for (const [i, status] of [404, 405, 409].entries()) {
      door.swallow(/^GET .*\.mp3/, 1, status);
      assert.ok((await play(server, recordings[i])).body.equals(recordings[i].bytes), String(status));
      assert.equal(door.swallowed, 0);
    }
    await untilGood(server);
  });

  test('nor is it at the start, where it would say that the bucket is another ledger\'s', async (t) => {
    const bucket = await s3.bucket();
    const door = await s3.door(t);
    for (const status of [409, 412]) {
      door.swallow(new RegExp(`/${status}/callspool\\.store`), 1, status); // and not what an earlier one asks
      const server = await serve(t, bucket, { settings: { store: `s3://${bucket.name}/${status}`, 's3.endpoint': door.url, verify_every: 'forever' } });
      assert.equal(door.swallowed, 0);
      await store(server, upstream);
      await untilGood(server);
    }
  });

  test('what verify reads has an end, though the answer has none', async (t) => {
    const bucket = await s3.bucket();
    const door = await s3.door(t);
    const server = await serve(t, bucket, { settings: { 's3.endpoint': door.url, verify_every: 'forever' } });
    const recording = await store(server, upstream);
    await untilWaveforms(server, bucket, 1);
    door.endless = /^GET .*\.mp3/;
    const found = await verify(server, bucket);
    assert.equal(found.code, 7, JSON.stringify(found));
    assert.ok(door.sent < recording.bytes.length + 64 * 1024 * 1024, `${door.sent} bytes`);
    door.endless = null;
    await untilState(server, recording.callSid, 'stored');
    assert.ok((await play(server, recording)).body.equals(recording.bytes));
  });

  test('on a full disk what is cached makes room, for a play and for what arrives', async (t) => {
    const bucket = await s3.bucket();
    const dataDir = join(temporaryFolder(t), 'data');
    mkdirSync(dataDir);
    const media = audio({ seconds: 40, format: 'wav' });
    const server = await serve(t, bucket, { dataDir, diskMiB: 48, settings: { min_free: '0', format: 'wav', threads: 1, cache_entries: 16, verify_every: 'forever' } });
    const inside = (name) => server.seenFrom(join(dataDir, name));
    const recordings = [];
    for (let i = 0; i < 6; i += 1) recordings.push(await store(server, upstream, { media, format: 'wav', seconds: 40 }));
    await untilWaveforms(server, bucket, 6);
    const [first, ...others] = recordings;
    for (const recording of others) assert.ok((await play(server, recording)).body.equals(media)); // and so are open
    for (const name of filesUnder(inside('cache')).filter((file) => file.includes(first.recordingSid))) rmSync(join(inside('cache'), name));
    fillDisk(inside('filler'));
    const before = filesUnder(inside('cache')).length;
    const reply = await until('it plays', async () => { // once those that went are closed
      const got = await play(server, first);
      if (got.status !== 200) throw new Error(String(got.body.subarray(0, 300)));
      return got;
    });
    assert.ok(reply.body.equals(media));
    assert.ok(filesUnder(inside('cache')).length < before, 'others went');
    const late = await store(server, upstream, { media, format: 'wav', seconds: 40 });
    assert.equal(upstream.mediaRequests(late.recordingSid).length, 1);
    rmSync(inside('filler'));
    for (const recording of recordings) assert.ok((await play(server, recording)).body.equals(media));
  });

  test('keys that stand in files are read again when they change', async (t) => {
    const bucket = await s3.bucket();
    const folder = temporaryFolder(t);
    const [id, secret] = [join(folder, 'id'), join(folder, 'secret')];
    const { 's3.access_key_id': key, ...settings } = bucket.settings;
    writeFileSync(id, `${key}\n`);
    writeFileSync(secret, 'of before\n');
    const server = await startServer(t, { upstream: upstream.url, settings: { ...settings, 's3.access_key_id_file': id, 's3.secret_access_key_file': secret, verify_every: 'forever' } });
    const waits = await announce(server);
    await until('health says why', async () => (await requestJson(`${server.url}/api/health`)).json.causes?.some((cause) => /SignatureDoesNotMatch/.test(cause)));
    writeFileSync(secret, ''); // as who writes in place
    writeFileSync(secret, `${bucket.env.AWS_SECRET_ACCESS_KEY}\n`);
    await untilState(server, waits.callSid, 'stored', 60_000);
    await untilGood(server);
    assert.match(server.said, /the bucket's keys have changed, and are read again/);
    server.child.kill('SIGHUP');
    await server.line(/settings/);
    assert.ok(!/s3\.secret_access_key has changed/.test(server.said), 'which is no news to a reload');
    rmSync(secret); // gone for a moment: those of before count
    const next = await store(server, upstream);
    assert.ok(await keyOf(bucket, next));
    await server.line(/those of before are used on: cannot open .*secret/);
  });
});

describe('keys that are lent', AT_ONCE, () => {
  /** Nothing of them is in the settings. */
  const borrow = (t, bucket, { env, settings, ...options }) => {
    const { 's3.access_key_id': key, ...others } = bucket.settings;
    assert.ok(key);
    return startServer(t, { upstream: upstream.url, env, settings: { ...others, verify_every: 'forever', ...settings }, ...options });
  };
  const keepsSecrets = (server, agent) => {
    for (const secret of [agent.secret, 'FwoGZXIv', 'AQAEAtoken', ...(agent.authorization ? [agent.authorization] : [])]) {
      assert.ok(!server.said.includes(secret), 'in no log');
      assert.ok(!readFileSync(`/proc/${server.pid}/environ`, 'latin1').includes(secret), 'nor in the environment');
    }
  };

  test("by a container's agent: asked with the token of a file, as it is then, and again before their end", async (t) => {
    const bucket = await s3.bucket();
    const agent = await startKeyAgent(t, bucket, { authorization: 'the first token' });
    const file = join(temporaryFolder(t), 'token');
    writeFileSync(file, `${agent.authorization}\n`);
    const clock = new JumpingClock(join(temporaryFolder(t), 'ahead'));
    const server = await borrow(t, bucket, { env: { ...preloaded([clock.library]), ...clock.env, AWS_CONTAINER_CREDENTIALS_FULL_URI: `${agent.url}/keys`, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file } });
    await store(server, upstream);
    assert.deepEqual(agent.asked, ['GET /keys']);
    agent.authorization = 'another token';
    writeFileSync(file, `${agent.authorization}\n`);
    agent.goodForMs = 2 * 3_600_000;
    assert.equal(agent.asked.length, 1, 'not before it is time');
    clock.set(56 * 60_000);
    await until('it is asked five minutes before', () => agent.asked.length === 2, 30_000);
    clock.set(0);
    await store(server, upstream);
    assert.equal(agent.asked.length, 2, 'and then in two hours');
    keepsSecrets(server, agent);
  });

  test('by a machine: version 2 of its metadata service', async (t) => {
    const bucket = await s3.bucket();
    const agent = await startKeyAgent(t, bucket);
    const server = await borrow(t, bucket, { settings: { 's3.instance_url': agent.url } });
    const recording = await store(server, upstream);
    assert.ok((await play(server, recording)).body.equals(recording.bytes));
    const roles = '/latest/meta-data/iam/security-credentials/';
    assert.deepEqual(agent.asked, ['PUT /latest/api/token', `GET ${roles}`, `GET ${roles}recordings-role`]);
    keepsSecrets(server, agent);
  });

  test('while nobody lends any: it serves, says why, and asks until somebody does; nobody else is asked, wherever it is sent', async (t) => {
    const bucket = await s3.bucket();
    const [agent, stranger] = [await startKeyAgent(t, bucket), await startKeyAgent(t, bucket)];
    Object.assign(agent, { refuses: 302, leadsTo: `${stranger.url}/keys` });
    const server = await borrow(t, bucket, { env: { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${agent.url}/keys` } });
    const waits = await announce(server);
    await until('health says why', async () => (await requestJson(`${server.url}/api/health`)).json.causes?.some((cause) => /the container's agent lends no keys/.test(cause)));
    assert.deepEqual(stranger.asked, []);
    assert.equal(await keyOf(bucket, waits), undefined);
    agent.refuses = 0;
    await untilState(server, waits.callSid, 'stored', 60_000);
    await untilGood(server);
  });

  test('a clock that is set back does not put off the next question', async (t) => {
    const bucket = await s3.bucket();
    const agent = await startKeyAgent(t, bucket);
    agent.refuses = 500;
    const clock = new JumpingClock(join(temporaryFolder(t), 'ahead'));
    const server = await borrow(t, bucket, { env: { ...preloaded([clock.library]), ...clock.env, AWS_CONTAINER_CREDENTIALS_FULL_URI: `${agent.url}/keys` } });
    await server.line(/lends no keys/);
    clock.set(-3_600_000);
    const before = agent.asked.length;
    await until('it is asked twice more', () => agent.asked.length >= before + 2, 30_000);
    clock.set(0);
    agent.refuses = 0;
    await store(server, upstream);
  });

  test('those that the bucket takes no more are asked for anew', async (t) => {
    const bucket = await s3.bucket();
    const door = await s3.door(t);
    const agent = await startKeyAgent(t, bucket);
    const server = await borrow(t, bucket, { settings: { 's3.endpoint': door.url, 's3.container_url': `${agent.url}/keys` } });
    await store(server, upstream);
    door.refuse(1000, 403, 'ExpiredToken');
    const waits = await announce(server);
    await until('it is asked again', () => agent.asked.length > 1, 30_000);
    door.refuse(0);
    await untilState(server, waits.callSid, 'stored', 60_000);
  });

  test('an agent that is neither here nor known by a certificate is refused', async (t) => {
    const bucket = await s3.bucket();
    const { 's3.access_key_id': key, ...others } = bucket.settings;
    assert.ok(key);
    for (const wrong of [{ 's3.container_url': 'http://10.0.0.1/keys' }, { 's3.container_url': 'http://keys.example.com/' }, { 's3.instance_url': 'http://[2001:db8::1]' },
      { 's3.instance_url': 'ftp://127.0.0.1' }, { 's3.container_path': '@evil.example.com/' }]) {
      const refused = await start({ data_dir: join(temporaryFolder(t), 'data'), ...others, ...wrong }, {});
      assert.equal(refused.code, 2, `${JSON.stringify(wrong)}: ${refused.stderr}`);
      assert.match(refused.stderr, new RegExp(Object.keys(wrong)[0].replace('.', '\\.')));
    }
  });

  test('players are sent to the bucket by those that last for long enough, and by none of which that is not known', async (t) => {
    const bucket = await s3.bucket();
    const agent = await startKeyAgent(t, bucket);
    const settings = { 's3.instance_url': agent.url, store_redirect: 'on' };
    const server = await borrow(t, bucket, { settings });
    const recording = await store(server, upstream);
    const sent = await play(server, recording);
    assert.equal(sent.status, 307);
    const { location } = sent.headers;
    assert.ok(new URL(location).searchParams.get('X-Amz-Security-Token'));
    assert.ok((await request(location)).body.equals(recording.bytes));
    await server.stop('SIGTERM');
    agent.goodForMs = 15 * 60_000; // and the recording goes on for some seconds more
    const brief = await borrow(t, bucket, { dataDir: server.dataDir, settings });
    await store(brief, upstream);
    const here = await play(brief, recording);
    assert.equal(here.status, 200);
    assert.ok(here.body.equals(recording.bytes));
    await brief.stop('SIGTERM');
    const unknown = await serve(t, bucket, { dataDir: server.dataDir, settings: { store_redirect: 'on' }, env: { AWS_SESSION_TOKEN: 'of whoever wrote it' } });
    assert.equal((await play(unknown, recording)).status, 200);
    await unknown.stop('SIGTERM');
    Object.assign(agent, { goodForMs: 3_600_000, sessionToken: `FwoGZXIv${'a'.repeat(3400)}` });
    const long = await borrow(t, bucket, { dataDir: server.dataDir, settings });
    for (let times = 0; times < 2; times += 1) assert.equal((await play(long, recording)).status, 200);
    const tells = /store_redirect: players are not sent to the bucket where the address, with the session token of the key in it, is longer than 3500 bytes/;
    await long.line(tells);
    assert.equal(long.err.filter((line) => tells.test(line)).length, 1, 'once');
    await unknown.line(/store_redirect: players are not sent to the bucket, for how long s3\.session_token is good is not known/);
  });
});

describe('whose a bucket is', AT_ONCE, () => {
  test('a bucket is of one ledger: another one is refused, with what to do', async (t) => {
    const bucket = await s3.bucket();
    const mine = await serve(t, bucket);
    const marker = await bucket.marker();
    assert.match(marker, /^A store of callspool: .*\nid: [0-9a-f]{32}\n$/);
    const recording = await store(mine, upstream);

    const empty = await start({ data_dir: join(temporaryFolder(t), 'data'), ...bucket.settings }, bucket.env);
    assert.equal(empty.code, 4, empty.stderr);
    assert.match(empty.stderr, /callspool\.store' is another ledger's: have `store` name another bucket or prefix, or use its ledger$/m, 'an empty one is not told how to take it');
    const claims = await start({ data_dir: join(temporaryFolder(t), 'data'), ...bucket.settings, store_claim: marker.match(/id: (\w+)/)[1] }, bucket.env);
    assert.equal(claims.code, 4, 'nor does it where it says so');
    assert.equal(await bucket.marker(), marker);

    const other = { ...bucket, settings: { ...bucket.settings, store: `s3://${bucket.name}/other` } };
    const theirs = await serve(t, other);
    await store(theirs, upstream);
    await theirs.finish();
    theirs.finished = { code: 0, signal: null };
    const astray = await start({ data_dir: theirs.dataDir, ...bucket.settings }, bucket.env);
    assert.equal(astray.code, 4, astray.stderr);
    assert.match(astray.stderr, /is another ledger's/);
    assert.equal(await bucket.marker(), marker, 'nothing of it was changed');
    assert.ok((await play(mine, recording)).body.equals(recording.bytes));
  });

  test('of two ledgers that begin at once in one bucket one alone stores anything', async (t) => {
    const bucket = await s3.bucket();
    const a = await serve(t, bucket, { settings: { verify_every: 'forever' } });
    // As if the other one had looked before, and came to write only now.
    await bucket.put('callspool.store', Buffer.from((await bucket.marker()).replace(/id: .*/, 'id: 0123456789abcdef0123456789abcdef')));
    const waits = await announce(a);
    await until('health says why', async () => (await requestJson(`${a.url}/api/health`)).json.causes?.some((cause) => /is another ledger's/.test(cause)));
    assert.equal(await keyOf(bucket, waits), undefined);
  });

  test('one that has lost its marker takes nothing, until it is told whose it is', async (t) => {
    const bucket = await s3.bucket();
    const first = await serve(t, bucket, { settings: { verify_every: 'forever' } });
    await store(first, upstream);
    await untilWaveforms(first, bucket, 1);
    const marker = await bucket.marker();
    await first.stop('SIGTERM');
    await bucket.remove('callspool.store');
    const again = await serve(t, bucket, { dataDir: first.dataDir });
    const waits = await announce(again);
    await until('health says why', async () => (await requestJson(`${again.url}/api/health`)).json.causes?.some((cause) => /there is no '.*callspool\.store': is `store` what it was\?/.test(cause)));
    assert.equal(await keyOf(bucket, waits), undefined);
    await bucket.put('callspool.store', Buffer.from(`${marker.split('\n')[0]}\n`));
    await untilState(again, waits.callSid, 'stored', 60_000);
    assert.equal(await bucket.marker(), marker, 'with the id of its ledger');
    await untilGood(again);
  });

  test('a ledger that was restored from before it had a name takes its bucket back where it is told to', async (t) => {
    const bucket = await s3.bucket();
    const first = await serve(t, bucket, { settings: { verify_every: 'forever' } });
    const recording = await store(first, upstream);
    const id = (await bucket.marker()).match(/id: (\w+)/)[1];
    await first.stop('SIGTERM');
    dropCache(first);
    execFileSync('sqlite3', [join(first.dataDir, 'ledger.db'), "DELETE FROM upkeep WHERE name = 'store'"]);
    const settings = { data_dir: first.dataDir, ...bucket.settings };
    const refused = await start(settings, bucket.env);
    assert.equal(refused.code, 4, refused.stderr);
    assert.ok(refused.stderr.includes(`if it is this one's, set store_claim = ${id}`), refused.stderr);
    const wrong = await start({ ...settings, store_claim: id.replace(/^./, (digit) => (digit === '0' ? '1' : '0')) }, bucket.env);
    assert.equal(wrong.code, 4, 'it is taken by that id alone');
    const misspelt = await start({ ...settings, store_claim: `${id}0` }, bucket.env);
    assert.equal(misspelt.code, 2);
    assert.match(misspelt.stderr, /store_claim: expected the 32 digits behind 'id:'/);

    const again = await serve(t, bucket, { dataDir: first.dataDir, settings: { store_claim: id, verify_every: 'forever' } });
    assert.ok((await play(again, recording)).body.equals(recording.bytes));
    const marker = await bucket.marker();
    assert.match(marker, /\nid: [0-9a-f]{32}\n$/);
    assert.ok(!marker.includes(id), 'it is this ledger\'s now');
    await store(again, upstream);
    await again.stop('SIGTERM');
    assert.match(again.said, /names this one now: store_claim may go/);
    const left = await serve(t, bucket, { dataDir: first.dataDir, settings: { store_claim: id } }); // a claim that was left does nothing
    await left.line(/level=warn .*take store_claim out of the settings/);
    await left.finish();
    assert.equal(await bucket.marker(), marker);
  });

  test('a bucket that names no ledger is none for one that has nothing stored, which is told what to do', async (t) => {
    const bucket = await s3.bucket();
    await bucket.put('callspool.store', Buffer.from('A store of callspool: recordings, in folders by the first two digits of their call.\n'));
    const refused = await start({ data_dir: join(temporaryFolder(t), 'data'), ...bucket.settings }, bucket.env);
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(refused.stderr, /callspool\.store' names no ledger, and this one has nothing stored there: .* or, where there is none, remove that object/);
    await bucket.remove('callspool.store');
    await store(await serve(t, bucket), upstream);
  });

  test('one that is found to be of another ledger only later takes nothing', async (t) => {
    const bucket = await s3.bucket();
    const door = await s3.door(t);
    await (await serve(t, bucket)).finish();
    door.refuse(1000, 503, 'SlowDown');
    const late = await serve(t, bucket, { settings: { 's3.endpoint': door.url } });
    const waits = await announce(late);
    await until('it has arrived', () => upstream.mediaRequests(waits.recordingSid).length === 1);
    door.refuse(0);
    await until('health says why', async () => (await requestJson(`${late.url}/api/health`)).json.causes?.some((cause) => /is another ledger's/.test(cause)));
    assert.equal(await keyOf(bucket, waits), undefined);
  });
});

describe('a cache beside others', () => {
  test('has nothing of what another process removed', async (t) => {
    const postgres = await startPostgres(t);
    const bucket = await s3.bucket();
    const settings = { database: postgres.url, verify_every: 'forever' };
    const [a, b] = [await serve(t, bucket, { settings }), await serve(t, bucket, { settings })];
    const recording = await store(a, upstream);
    await untilWaveforms(a, bucket, 1);
    for (const server of [a, b]) assert.equal((await play(server, recording)).status, 200);
    const kept = (server) => filesUnder(join(server.dataDir, 'cache')).filter((name) => name.includes(recording.recordingSid));
    assert.deepEqual([a, b].map((server) => mediaOf(kept(server)).length), [1, 1]);
    assert.equal((await request(`${a.url}/api/recordings/${recording.recordingSid}`, { method: 'DELETE' })).status, 200);
    for (const server of [a, b]) await until('it is gone there', () => kept(server).length === 0);
  });

  test('loses at the start what the ledger does not name', async (t) => {
    const bucket = await s3.bucket();
    const first = await serve(t, bucket, { settings: { verify_every: 'forever' } });
    const recording = await store(first, upstream);
    await untilWaveforms(first, bucket, 1);
    await first.stop('SIGTERM');
    const cache = join(first.dataDir, 'cache');
    const [name] = mediaOf(filesUnder(cache));
    const [older, unknown] = [name.replace(/\d+\.mp3$/, '999.mp3'), `3f/${newSid('CA').replace(/^CA../, 'CA3f')}.${newSid('RE')}.7.mp3`];
    mkdirSync(join(cache, '3f'), { recursive: true });
    for (const file of [older, unknown]) writeFileSync(join(cache, file), 'old');
    const again = await serve(t, bucket, { dataDir: first.dataDir });
    await until('they are gone', () => !existsSync(join(cache, older)) && !existsSync(join(cache, unknown)));
    await again.line(/2 files of the cache are removed: the ledger does not name them/);
    assert.ok(existsSync(join(cache, name)), 'what it names stays');
    assert.ok((await play(again, recording)).body.equals(recording.bytes));
  });
});

describe('store_redirect', () => {
  const settings = { store_redirect: 'on', verify_every: 'forever' };
  let bucket, server, recording;

  before(async () => {
    bucket = await s3.bucket();
    // On one loop, so that all requests are one play for the audit.
    server = await serve(lifetime, bucket, { settings: { ...settings, threads: 1 } });
    recording = await store(server, upstream, { seconds: 60 });
  });

  const follow = async (headers = {}, path = recording.mediaPath) => {
    const reply = await request(server.url + path, { headers });
    assert.equal(reply.status, 307, String(reply.body.subarray(0, 200)));
    assert.equal(reply.headers['cache-control'], 'no-store');
    assert.equal(reply.body.length, 0);
    const { location } = reply.headers;
    assert.ok(location.startsWith(`${s3.url}/${bucket.name}/calls/`), location);
    return { location, reply: await request(location, { headers }) };
  };

  test('a play of all of it, of one range, and of its end come from there, as ours would', async () => {
    const { bytes } = recording;
    const all = await follow();
    assert.equal(all.reply.status, 200);
    assert.ok(all.reply.body.equals(bytes));
    assert.equal(all.reply.headers['content-type'], 'audio/mpeg');
    assert.equal(all.reply.headers['cache-control'], 'private, no-cache');
    assert.equal(all.reply.headers['content-disposition'], `inline; filename="${recording.callSid}.mp3"`);
    const some = await follow({ Range: 'bytes=100-199' });
    assert.equal(some.reply.status, 206);
    assert.equal(some.reply.headers['content-range'], `bytes 100-199/${bytes.length}`);
    assert.ok(some.reply.body.equals(bytes.subarray(100, 200)));
    const end = await follow({ Range: 'bytes=-10' });
    assert.ok(end.reply.body.equals(bytes.subarray(-10)));
    const saved = await follow({}, `${recording.downloadPath}?download=1`);
    assert.equal(saved.reply.headers['content-disposition'], `attachment; filename="${recording.callSid}.mp3"`);
  });

  test('its address is good for that one, for its length and a quarter of an hour, and nothing else', async () => {
    const { location } = await follow();
    const url = new URL(location);
    assert.equal(url.searchParams.get('X-Amz-Expires'), String(60 + 1 + 15 * 60));
    for (const change of [(it) => { it.pathname = it.pathname.replace('.mp3', '.peaks'); }, (it) => it.searchParams.set('X-Amz-Expires', '86400'),
      (it) => it.searchParams.set('response-content-type', 'text/html'), (it) => it.searchParams.set('X-Amz-Date', '20200101T000000Z')]) {
      const other = new URL(location);
      change(other);
      assert.equal((await request(other.href)).status, 403, other.href);
    }
    assert.equal((await request(location, { method: 'HEAD' })).status, 403, 'hence a HEAD is answered here');
    assert.ok(!server.said.includes(url.searchParams.get('X-Amz-Signature')), 'no log has it');
  });

  test('what the bucket would answer in another way is answered here', async () => {
    const { bytes } = recording;
    const head = await request(server.url + recording.mediaPath, { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers['content-length']], [200, String(bytes.length)]);
    for (const [headers, status] of [[{ Range: 'bytes=0-1,10-11' }, 206], [{ Range: 'bytes=99999999-' }, 416], [{ Range: 'bytes=x' }, 200],
      [{ 'If-None-Match': head.headers.etag }, 304], [{ 'If-Match': '"other"' }, 412], [{ 'If-Range': head.headers.etag, Range: 'bytes=0-9' }, 206]]) {
      const reply = await request(server.url + recording.mediaPath, { headers });
      assert.equal(reply.status, status, JSON.stringify(headers));
      if (status === 200) assert.ok(reply.body.equals(bytes));
    }
    const twilios = `/2010-04-01/Accounts/${ACCOUNT}/Recordings/${recording.recordingSid}`;
    for (const path of [recording.mediaPath, `/api/calls/${recording.callSid}/download`, twilios, `${twilios}.mp3`]) {
      const stays = await request(`${server.url}${path}?redirect=0`, { headers: { Range: 'bytes=0-9' } });
      assert.equal(stays.status, 206, `a script of a page: ${path}`);
      assert.ok(stays.body.equals(bytes.subarray(0, 10)));
      assert.ok((await follow({}, path)).reply.body.equals(bytes), path);
    }
  });

  test('nothing of it has to lie here for that, and what is asked for here is brought', async (t) => {
    const apart = await s3.bucket();
    const first = await serve(t, apart, { settings });
    const other = await store(first, upstream);
    await untilWaveforms(first, apart, 1);
    await first.stop('SIGTERM');
    dropCache(first);
    const again = await serve(t, apart, { dataDir: first.dataDir, settings });
    for (let i = 0; i < 2; i += 1) assert.equal((await play(again, other)).status, 307);
    assert.equal((await play(again, other, { Range: 'bytes=99999999-' })).status, 416);
    assert.deepEqual(mediaOf(filesUnder(join(first.dataDir, 'cache'))), []);
    const misses = async () => (await scrape(again)).samples.get('callspool_cache_opens_total{result="miss"}');
    assert.equal(await misses(), 0, 'who is sent there misses nothing here');
    const several = await play(again, other, { Range: 'bytes=0-1,10-11' });
    assert.equal(several.status, 206);
    assert.equal(await misses(), 1);
    assert.equal(mediaOf(filesUnder(join(first.dataDir, 'cache'))).length, 1);
    assert.equal((await play(again, other)).status, 307);
  });

  test('it is asked first who may, and the audit and the counts have the play', async (t) => {
    const { samples } = await scrape(server);
    const sum = (result) => ['cache', 'store'].reduce((all, source) => all + samples.get(`callspool_plays_total{source="${source}",result="${result}"}`), 0);
    assert.ok(sum('redirected') >= 4);
    assert.equal((await play(server, { mediaPath: `/api/recordings/${newSid('RE')}/media` })).status, 404);
    const entries = async () => (await requestJson(`${server.url}/api/audit?kind=play_began`)).json.entries.filter((entry) => entry.recording_sid === recording.recordingSid);
    await until('the audit has it', async () => (await entries()).length === 1);
    const expired = await serve(t, await s3.bucket(), { settings: { ...settings, retention: '1s' } });
    const old = await store(expired, upstream);
    await until('it is too old', async () => (await play(expired, old)).status === 410);
  });

  test('who may not play is refused as ever, and a link is used up by it', async (t) => {
    const apart = await s3.bucket();
    const open = await serve(t, apart, { settings });
    const kept = await store(open, upstream);
    await open.stop('SIGTERM');
    const closed = await serve(t, apart, { dataDir: open.dataDir, settings: { ...SIGN_IN, ...settings } });
    const admin = await firstAdministrator(closed);
    await admin.asks(307, 'GET', kept.mediaPath);
    await new Caller(closed).asks(401, 'GET', kept.mediaPath);
    await (await addToken(admin, 'read')).asks(403, 'GET', kept.mediaPath);
    const link = await addLink(admin, kept, { plays: 1 });
    const visitors = [new Caller(closed), new Caller(closed)];
    for (const visitor of visitors) await visitor.asks(200, 'POST', `/l/${link.name}/open`, { json: { secret: link.secret } });
    const given = await visitors[0].asks(307, 'GET', `/l/${link.name}/media`);
    assert.equal(given.headers['access-control-allow-origin'], '*');
    assert.equal(given.headers['referrer-policy'], 'no-referrer');
    assert.ok((await request(given.headers.location)).body.equals(kept.bytes));
    await visitors[0].asks(307, 'GET', `/l/${link.name}/media`, { headers: { Range: 'bytes=0-9' } }); // its play goes on
    await visitors[1].asks(410, 'GET', `/l/${link.name}/media`);
  });

  test('pages may play from there, and others read where the bucket lets them', async () => {
    const page = await request(`${server.url}/`);
    assert.match(page.headers['content-security-policy'], new RegExp(`media-src 'self' ${s3.url}; `));
    const { location } = await follow();
    const origin = 'https://calls.example.com';
    const closed = await request(location, { headers: { Origin: origin } });
    assert.equal(closed.headers['access-control-allow-origin'], undefined);
    await bucket.share(origin);
    const open = await request(location, { headers: { Origin: origin, Range: 'bytes=0-1' } });
    assert.equal(open.headers['access-control-allow-origin'], origin);
    assert.match(open.headers['access-control-expose-headers'], /content-range/i);
  });

  test('while the bucket does not answer, what lies here plays from here', async (t) => {
    const door = await s3.door(t);
    const apart = await s3.bucket();
    const here = await serve(t, apart, { settings: { ...settings, 's3.endpoint': door.url } });
    const other = await store(here, upstream);
    door.refuse(1000, 503, 'SlowDown');
    await announce(here);
    await until('health tells it', async () => (await health(here)).degraded);
    const reply = await play(here, other);
    assert.equal(reply.status, 200);
    assert.ok(reply.body.equals(other.bytes));
    door.refuse(0);
    await untilGood(here);
    assert.equal((await play(here, other)).status, 307);
  });
});

test('it is told how the bucket is asked, and what of it lies here', async (t) => {
  const bucket = await s3.bucket();
  const door = await s3.door(t);
  const server = await serve(t, bucket, { settings: { 's3.endpoint': door.url, threads: 1, cache_entries: 1, verify_every: 'forever' } });
  const [one, other] = [await store(server, upstream), await store(server, upstream)];
  await untilWaveforms(server, bucket, 2);
  for (const recording of [one, other, one]) await play(server, recording);
  const told = async (name) => (await scrape(server)).samples.get(name);
  assert.equal(await told('callspool_bucket_answers'), 1);
  assert.ok(await told('callspool_bucket_requests_total{method="PUT",result="ok"}') >= 5);
  assert.ok(await told('callspool_bucket_request_seconds_count{method="PUT"}') >= 5);
  assert.ok(await told('callspool_bucket_bytes_total{direction="sent"}') >= one.bytes.length + other.bytes.length);
  assert.equal(await told('callspool_cache_bytes'), filesUnder(join(server.dataDir, 'cache')).reduce((sum, name) => sum + statSync(join(server.dataDir, 'cache', name)).size, 0));
  assert.equal(await told('callspool_cache_max_bytes'), 10 * 2 ** 30);
  assert.ok(await told('callspool_cache_opens_total{result="hit"}') >= 2);
  const [name] = mediaOf(filesUnder(join(server.dataDir, 'cache'))).filter((file) => file.includes(other.recordingSid));
  rmSync(join(server.dataDir, 'cache', name));
  await play(server, other);
  assert.ok(await told('callspool_cache_opens_total{result="miss"}') >= 1);
  assert.ok(await told('callspool_bucket_bytes_total{direction="received"}') >= other.bytes.length);
  door.refuse(1000, 503, 'SlowDown');
  await announce(server);
  await until('it is told', async () => await told('callspool_bucket_answers') === 0);
  assert.ok(await told('callspool_bucket_requests_total{method="PUT",result="busy"}') >= 1);
  assert.match((await requestJson(`${server.url}/api/health`)).json.causes.join(), /the bucket answers 503/); // of a HEAD it has no word
});

test('a bucket that takes connections and says nothing holds up no loop', async (t) => {
  const bucket = await s3.bucket();
  const server = await serve(t, bucket, { env: { WATCHDOG_USEC: '12000000' }, settings: { cache_entries: 1, verify_every: '1s', play_wait: '7s' } });
  const [cached, uncached, gone] = [await store(server, upstream), await store(server, upstream), await store(server, upstream)];
  await untilWaveforms(server, bucket, 3);
  const [name] = mediaOf(filesUnder(join(server.dataDir, 'cache'))).filter((file) => file.includes(uncached.recordingSid));
  rmSync(join(server.dataDir, 'cache', name));
  s3.hold();
  atEnd(t, () => s3.release());
  const waits = await announce(server);
  const missed = play(server, uncached);
  assert.equal((await request(`${server.url}/api/recordings/${gone.recordingSid}`, { method: 'DELETE' })).status, 200);
  const verified = verify(server, bucket);
  await until('it has arrived', () => upstream.mediaRequests(waits.recordingSid).length === 1);
  let isOver = false;
  missed.finally(() => { isOver = true; }).catch(() => {});
  let rounds = 0;
  for (; !isOver; rounds++) {
    assert.equal((await play(server, cached, { Range: 'bytes=0-9' })).status, 206);
    assert.equal((await request(`${server.url}/health`)).status, 200);
    assert.equal((await webhook(server, { RecordingStatus: 'in-progress' })).status, 200);
  }
  assert.equal((await missed).status, 503);
  t.diagnostic(`${rounds} rounds`);
  assert.ok(rounds >= 20, `${rounds} rounds while one play waits`); // hundreds, on a machine that is busy with others
  s3.release();
  await untilState(server, waits.callSid, 'stored', 60_000);
  await verified;
  assert.ok(!/does not turn/.test(server.said), server.said);
});

describe('the doctor of a bucket', () => {
  const examine = async (bucket, settings = {}, env = bucket.env) => {
    const all = { data_dir: join(temporaryFolder(lifetime), 'none'), public_url: 'https://calls.example.com', ...bucket.settings, ...settings };
    const { stdout, stderr } = await callspool(['doctor', 'bucket', '--json', ...Object.entries(all).flatMap(([name, value]) => ['--set', `${name}=${value}`])], { env, withinMs: 60_000 });
    assert.ok(stdout, stderr);
    return Object.fromEntries(JSON.parse(stdout).checks.map((check) => [check.check.replace('bucket-', ''), check]));
  };
  const results = (checks) => Object.fromEntries(Object.entries(checks).map(([name, { result }]) => [name, result]));
  const WELL = { answers: 'good', clock: 'good', versions: 'good', redirect: 'left_out' };
  let door;

  before(async () => {
    door = await s3.door(lifetime);
  });

  test('finds nothing where it is well, with versions and without, and leaves nothing there', async () => {
    for (const versions of [false, true]) {
      const bucket = await s3.bucket({ versions });
      const checks = await examine(bucket);
      assert.deepEqual(results(checks), WELL, JSON.stringify(checks));
      assert.deepEqual(await bucket.versions(), []);
    }
  });

  test('finds nothing to do where media lies in files, and cannot say without the secret', async () => {
    const bucket = await s3.bucket();
    assert.deepEqual(results(await examine({ settings: {}, env: {} })), { answers: 'left_out', clock: 'left_out', versions: 'left_out', redirect: 'left_out' });
    assert.deepEqual(results(await examine(bucket, {}, {})), { answers: 'unchecked', clock: 'unchecked', versions: 'unchecked', redirect: 'left_out' });
  });

  test('finds a bucket that is not there, and a clock that is not ours', async () => {
    const bucket = await s3.bucket();
    const missing = await examine(bucket, { store: 's3://there-is-none/calls' });
    assert.deepEqual([missing.answers.result, missing.clock.result], ['finding', 'good']);
    assert.match(missing.answers.looked_at, /404 NoSuchBucket/);
    door.aheadMs = 120_000;
    const late = await examine(bucket, { 's3.endpoint': door.url });
    door.aheadMs = 0;
    assert.deepEqual(results(late), { ...WELL, clock: 'finding' });
    assert.match(late.clock.looked_at, /this machine's clock is 1[12]\d s behind the bucket's/);
  });

  test('finds that versions stay, where the key may not remove them', async () => {
    const bucket = await s3.bucket({ versions: true });
    door.denies = /versionId=/;
    const checks = await examine(bucket, { 's3.endpoint': door.url });
    door.denies = null;
    assert.deepEqual(results(checks), { ...WELL, versions: 'finding' });
    assert.match(checks.versions.says, /it keeps versions, and the key may not remove them/);
  });

  test('finds that pages may not read from there, prints the rule, and plays by it', async () => {
    const bucket = await s3.bucket();
    await (await serve(lifetime, bucket)).finish(); // which leaves its marker there
    const before = await examine(bucket, { store_redirect: 'on' });
    assert.deepEqual(results(before), { ...WELL, redirect: 'finding' }, JSON.stringify(before));
    const [rule] = JSON.parse(before.redirect.write);
    assert.deepEqual(rule.AllowedOrigins, ['https://calls.example.com']);
    assert.ok(rule.ExposeHeaders.includes('Content-Range'));
    await bucket.share(rule.AllowedOrigins[0]);
    assert.deepEqual(results(await examine(bucket, { store_redirect: 'on' })), { ...WELL, redirect: 'good' });
  });
});
