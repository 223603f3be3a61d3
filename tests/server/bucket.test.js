// Media in a bucket: what is stored there plays as from a file, and nothing is lost while the bucket is away.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import http from 'node:http';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { audio } from './harness/audio.js';
import { callspool, startServer, untilState } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { atEnd, lifetime } from './harness/lifetime.js';
import { cases, fill } from './harness/range_cases.js';
import { check } from './harness/range_check.js';
import { oracle } from './harness/range_oracle.js';
import { temporaryFolder } from './harness/process.js';
import { startS3 } from './harness/s3_store.js';
import { store } from './harness/stored.js';
import { until } from './harness/until.js';
import { startUpstream } from './harness/upstream.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

let s3, upstream;

before(async () => {
  s3 = await startS3(lifetime);
  upstream = await startUpstream(lifetime);
});

const serve = (t, bucket, options = {}) => startServer(t, {
  upstream: upstream.url, ...options, settings: { ...bucket.settings, ...options.settings }, env: { ...bucket.env, ...options.env },
});
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const filesUnder = (folder) => (existsSync(folder) ? readdirSync(folder, { recursive: true }) : readdirSync(folder)).filter((name) => /\.(mp3|wav|peaks)$/.test(name));
const mediaOf = (names) => names.filter((name) => /\.(mp3|wav)$/.test(name));
const dropCache = (server) => rmSync(join(server.dataDir, 'cache'), { recursive: true });
const play = (server, recording, headers = {}) => request(server.url + recording.mediaPath, { headers });

describe('what is stored in the bucket', () => {
  let server, bucket, recording;

  before(async () => {
    bucket = await s3.bucket();
    server = await serve(lifetime, bucket);
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
});

describe('Range on what comes from the bucket', () => {
  let base, media;
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

  before(async () => {
    const bucket = await s3.bucket();
    const first = await serve(lifetime, bucket);
    const recording = await store(first, upstream, { seconds: 60 });
    await first.stop('SIGTERM');
    dropCache(first);
    const server = await serve(lifetime, bucket, { dataDir: first.dataDir });
    base = server.url;
    const ranged = await play(server, recording, { Range: 'bytes=100-199' });
    assert.equal(ranged.status, 206, 'the first play of all is a Range');
    assert.ok(ranged.body.equals(recording.bytes.subarray(100, 200)));
    const reply = await until('Last-Modified is past', async () => {
      const head = await request(base + recording.mediaPath, { method: 'HEAD' });
      return Date.parse(head.headers['last-modified']) + 1000 < Date.parse(head.headers.date) ? head : null;
    });
    assert.equal(reply.headers['repr-digest'], `sha-256=:${createHash('sha256').update(recording.bytes).digest('base64')}:`);
    media = {
      path: recording.mediaPath, bytes: recording.bytes, size: recording.bytes.length, etag: reply.headers.etag,
      lastModified: reply.headers['last-modified'], modifiedAt: Date.parse(reply.headers['last-modified']) / 1000,
    };
  });

  for (const method of ['GET', 'HEAD']) {
    test(`${method}: every case as from a file`, async () => {
      for (const [name, headers] of cases) {
        const filled = Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, fill(value, media)]));
        const reply = await request(base + media.path, { method, headers: filled, agent });
        try {
          check(reply, oracle(filled, media), media, method);
        } catch (error) {
          error.message = `${name}: ${error.message}`;
          throw error;
        }
      }
    });
  }
});

const untilGood = (server) => until('health is good', async () => {
  const { json } = await requestJson(`${server.url}/api/health`);
  if (json.degraded) throw new Error(JSON.stringify(json.causes));
  return true;
});
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

test('the bucket goes away: what is cached plays, what is not is 503, what arrives waits; back again, all goes on', async (t) => {
  const bucket = await s3.bucket();
  const server = await serve(t, bucket, { settings: { cache_entries: 1, verify_every: 'forever' } });
  const recordings = [await store(server, upstream), await store(server, upstream)];
  const [cached, uncached] = recordings;
  await until('waveforms are made', async () => (await bucket.list()).length === 4);
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

  await s3.start();
  await untilState(server, late.callSid, 'stored');
  assert.ok((await play(server, uncached)).body.equals(uncached.bytes));
  assert.ok((await play(server, late)).body.equals(late.bytes));
  await untilGood(server);
  for (const { recordingSid } of [...recordings, late]) assert.equal(upstream.mediaRequests(recordingSid).length, 1, 'fetched once');
});

test('killed while what arrived waits for the bucket: it is fetched again, and stored; a server starts without its bucket', async (t) => {
  const bucket = await s3.bucket();
  const server = await serve(t, bucket);
  await s3.stop();
  atEnd(t, async () => s3.gateway.status && s3.start());
  const late = await announce(server);
  await until('it has arrived', () => upstream.mediaRequests(late.recordingSid).length === 1);
  await server.kill();
  const next = await serve(t, bucket, { dataDir: server.dataDir });
  await s3.start();
  await untilState(next, late.callSid, 'stored');
  assert.ok((await play(next, late)).body.equals(late.bytes));
  assert.equal(mediaOf(await bucket.list()).length, 1, 'and there is one of it');
});

test('stopped while what arrived waits for the bucket: it ends in seconds', async (t) => {
  const bucket = await s3.bucket();
  const server = await serve(t, bucket);
  s3.hold();
  atEnd(t, () => s3.release());
  const late = await announce(server);
  await until('it has arrived', () => upstream.mediaRequests(late.recordingSid).length >= 1);
  const began = Date.now();
  await server.stop('SIGTERM');
  assert.ok(Date.now() - began < 15_000, `${Date.now() - began} ms`);
});

test('a bucket that is busy is asked again; one that refuses us is told of, with the clock that is wrong', async (t) => {
  const bucket = await s3.bucket();
  const door = await s3.door(t);
  const server = await serve(t, bucket, { settings: { 's3.endpoint': door.url } });
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
});

test('fifty who play what is in the bucket alone have it brought once', async (t) => {
  const bucket = await s3.bucket();
  const door = await s3.door(t);
  const first = await serve(t, bucket);
  const recording = await store(first, upstream, { seconds: 30 });
  await first.stop('SIGTERM');
  dropCache(first);
  const server = await serve(t, bucket, { dataDir: first.dataDir, settings: { 's3.endpoint': door.url, verify_every: 'forever' } });
  const players = await Promise.all(Array.from({ length: 50 }, (_, i) => play(server, recording, { Range: `bytes=${i * 10}-${i * 10 + 9}` })));
  for (const [i, { status, body }] of players.entries()) {
    assert.equal(status, 206);
    assert.ok(body.equals(recording.bytes.subarray(i * 10, i * 10 + 10)));
  }
  assert.equal(door.requests.filter((line) => /^GET .*\.mp3$/.test(line)).length, 1, door.requests.join('\n'));
});

test('the cache is bounded: what was used last stays, all plays', async (t) => {
  const bucket = await s3.bucket();
  const media = audio({ seconds: 20, format: 'wav' });
  const server = await serve(t, bucket, { settings: { cache_max: '2M', format: 'wav', cache_entries: 1 } });
  const recordings = [];
  for (let i = 0; i < 6; i += 1) recordings.push(await store(server, upstream, { media, format: 'wav', seconds: 20 }));
  const size = () => filesUnder(join(server.dataDir, 'cache')).reduce((sum, name) => sum + statSync(join(server.dataDir, 'cache', name)).size, 0);
  assert.ok(recordings.length * media.length > 2 * 1024 * 1024);
  assert.ok(size() <= 2 * 1024 * 1024, `${size()} bytes`);
  for (const recording of recordings) assert.ok((await play(server, recording)).body.equals(media));
  assert.ok(size() <= 2 * 1024 * 1024, `${size()} bytes`);
});

for (const versions of [false, true]) {
  test(`what is deleted goes from the bucket${versions ? ', all versions of it' : ''}, and from the cache`, async (t) => {
    const bucket = await s3.bucket({ versions });
    const server = await serve(t, bucket);
    const [gone, stays] = [await store(server, upstream), await store(server, upstream)];
    await until('waveforms are made', async () => (await bucket.list()).length === 4);
    const { status } = await request(`${server.url}/api/recordings/${gone.recordingSid}`, { method: 'DELETE' });
    assert.equal(status, 200);
    const left = () => bucket.versions();
    await until('its files are gone', async () => (await left()).every((key) => !key.includes(gone.recordingSid)));
    assert.ok((await left()).some((key) => key.includes(stays.recordingSid)));
    assert.ok(filesUnder(join(server.dataDir, 'cache')).every((name) => !name.includes(gone.recordingSid)));
    assert.equal((await play(server, gone)).status, 410);
    assert.equal((await play(server, stays)).status, 200);
  });
}

const settingsOf = (server, bucket) => Object.entries({ data_dir: server.dataDir, ...bucket.settings }).flatMap(([name, value]) => ['--set', `${name}=${value}`]);
const verify = async (server, bucket) => {
  const ended = await callspool(['verify', '--json', ...settingsOf(server, bucket)], { env: bucket.env });
  return { code: ended.code, ...JSON.parse(ended.stdout || '{}'), stderr: ended.stderr };
};

test('verify reads the bucket, not the cache: what is missing or damaged there is fetched again, what nobody knows is told', async (t) => {
  const bucket = await s3.bucket();
  const server = await serve(t, bucket, { settings: { verify_every: 'forever' } });
  const [missing, damaged, whole] = [await store(server, upstream), await store(server, upstream), await store(server, upstream)];
  await until('waveforms are made', async () => (await bucket.list()).length === 6);
  assert.equal((await verify(server, bucket)).code, 0);
  const keyOf = async ({ recordingSid }) => mediaOf(await bucket.list()).find((key) => key.includes(recordingSid));
  await bucket.remove(await keyOf(missing));
  await bucket.put(await keyOf(damaged), Buffer.alloc(damaged.bytes.length, 7));
  await bucket.put('notes.txt', Buffer.from('nobody knows it'));
  const found = await verify(server, bucket);
  assert.equal(found.code, 7, JSON.stringify(found));
  await until('it is mended', async () => {
    const keys = [await keyOf(missing), await keyOf(damaged)];
    return keys[0] && (await bucket.get(keys[0])).equals(missing.bytes) && keys[1] && (await bucket.get(keys[1])).equals(damaged.bytes);
  });
  for (const recording of [missing, damaged, whole]) {
    await untilState(server, recording.callSid, 'stored');
    assert.ok((await play(server, recording)).body.equals(recording.bytes));
  }
  assert.equal(upstream.mediaRequests(whole.recordingSid).length, 1);
});

test('a play finds what is lost or damaged in the bucket, and has it fetched again', async (t) => {
  const bucket = await s3.bucket();
  const first = await serve(t, bucket, { settings: { verify_every: 'forever' } });
  const [missing, damaged] = [await store(first, upstream), await store(first, upstream)];
  await until('waveforms are made', async () => (await bucket.list()).length === 4);
  await first.stop('SIGTERM');
  dropCache(first);
  const keyOf = async ({ recordingSid }) => mediaOf(await bucket.list()).find((key) => key.includes(recordingSid));
  await bucket.remove(await keyOf(missing));
  await bucket.put(await keyOf(damaged), Buffer.alloc(damaged.bytes.length, 7));
  const server = await serve(t, bucket, { dataDir: first.dataDir, settings: { verify_every: 'forever' }, expectErrors: [/is lost, and queued to be fetched again/] });
  for (const recording of [missing, damaged]) {
    const reply = await play(server, recording);
    assert.equal(reply.status, 200);
    assert.ok(reply.body.equals(recording.bytes));
    assert.equal(upstream.mediaRequests(recording.recordingSid).length, 2);
  }
});

test('another prefix than it was: 503, and nothing is taken for lost', async (t) => {
  const bucket = await s3.bucket();
  const first = await serve(t, bucket);
  const recording = await store(first, upstream);
  await first.stop('SIGTERM');
  dropCache(first);
  const server = await serve(t, bucket, { dataDir: first.dataDir, settings: { store: `s3://${bucket.name}/other` } });
  const reply = await play(server, recording);
  assert.equal(reply.status, 503);
  await server.stop('SIGTERM');
  const right = await serve(t, bucket, { dataDir: first.dataDir });
  assert.ok((await play(right, recording)).body.equals(recording.bytes));
  assert.equal(upstream.mediaRequests(recording.recordingSid).length, 1);
});

test('files that another system left are taken over into the bucket', async (t) => {
  const bucket = await s3.bucket();
  const server = await serve(t, bucket, { settings: { retention: 'forever' } });
  const [callSid, bytes] = [newSid('CA'), audio()];
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, `${callSid}.mp3`), bytes);
  const { code, stderr } = await callspool(['import', '--from', folder, '--set', 'retention=forever', ...settingsOf(server, bucket)], { env: bucket.env, withinMs: 0 });
  assert.equal(code, 0, stderr);
  const [key] = mediaOf(await bucket.list());
  assert.ok((await bucket.get(key)).equals(bytes));
  const reply = await request(`${server.url}/api/calls/${callSid}/download`);
  assert.ok(reply.body.equals(bytes));
});

test('what is refused: a key without its secret, a secret in --set, recordings that lie in files; no secret is seen', async (t) => {
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

  const server = await serve(t, bucket);
  await store(server, upstream);
  const secret = bucket.env.AWS_SECRET_ACCESS_KEY;
  assert.ok(!readFileSync(`/proc/${server.pid}/environ`, 'latin1').includes(secret), 'wiped from the environment');
  assert.ok(!server.said.includes(secret));
  const shown = await callspool(['config', ...settingsOf(server, bucket)], { env: bucket.env });
  assert.ok(!shown.stdout.includes(secret), 'and not shown');
  assert.match(shown.stdout, /s3\.region = default/);
});
