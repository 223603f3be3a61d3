// A full disk: webhooks are committed to the room that is kept for them, and are answered 503 only when
// that is full, too.  /health and the log say so, and all of it goes on by itself.
import test from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startDisk, startServer, untilState } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { scrape } from './harness/metrics.js';
import { temporaryFolder } from './harness/process.js';
import { store } from './harness/stored.js';
import { until } from './harness/until.js';
import { startUpstream } from './harness/upstream.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const MIB = 1024 * 1024;
// The writer is asked ten times a second whether it turns.
const WATCHED = { WATCHDOG_USEC: '400000' };
const EXHAUSTED = /and so is what was kept for events/;

/** Fills the disk to its last byte; to be removed by rmSync. */
function fill(path) {
  writeFileSync(path, '');
  for (const piece of [MIB, 64 * 1024, 4096]) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(piece, 1), { flag: 'a' });
    } catch (error) {
      assert.equal(error.code, 'ENOSPC');
    }
  }
}

test('a full disk', async (t) => {
  const dataDir = join(temporaryFolder(t), 'data');
  mkdirSync(dataDir);
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, dataDir, diskMiB: 32, env: WATCHED, settings: { min_free: '1M' }, expectErrors: [EXHAUSTED] });
  const inside = (name) => server.seenFrom(join(dataDir, name));
  const tell = (text = '') => postForm(server.url, RECORDING_STATUS, recordingCallback({ RecordingStatus: 'in-progress', Text: text }));
  const causes = async () => JSON.stringify((await requestJson(`${server.url}/api/status`)).json.causes);
  const isDegraded = async () => (await requestJson(`${server.url}/health`)).json.degraded;
  const recording = await store(server, upstream, { seconds: 3 });
  assert.equal(statSync(inside('reserve')).blocks * 512, 2 * MIB, 'a sixteenth of the disk');
  assert.equal(await isDegraded(), false);

  fill(inside('filler'));
  // Large ones, so that the log, of which some has been used before, is full after a few.
  let taken = 0;
  for (;; taken += 1) {
    const reply = await tell('x'.repeat(30_000));
    if (reply.status === 503) break;
    assert.equal(reply.status, 200, reply.body.toString());
    assert.ok(taken < 2000, 'it is full at last');
    if (statSync(inside('reserve')).blocks === 0) {
      assert.equal(await isDegraded(), true);
      assert.match(await causes(), /use the room that is kept for them/);
    }
  }
  assert.ok(taken >= 20, `${taken} were taken on a full disk`);
  for (let i = 0; i < 20; i += 1) assert.equal((await tell('x'.repeat(30_000))).status, 503);
  assert.equal(await isDegraded(), true);
  assert.match(await causes(), /answered 503/);
  const { samples } = await scrape(server);
  assert.deepEqual(['held', 'spent', 'exhausted'].map((state) => samples.get(`callspool_reserve{state="${state}"}`)), [0, 0, 1]);
  const commits = async () => (await scrape(server)).samples.get('callspool_commit_seconds_count');
  const asked = await commits();
  await until('the writer was asked twice', async () => await commits() >= asked + 2);
  assert.match(await causes(), /answered 503/, 'an answer of the writer is no room');
  assert.equal((await tell('x'.repeat(30_000))).status, 503);
  assert.equal(samples.get('callspool_webhooks_total{result="uncommitted"}'), 21);
  assert.equal(samples.get('callspool_webhooks_total{result="taken"}'), taken + 1);
  assert.ok(samples.get('callspool_store_free_bytes') < samples.get('callspool_store_min_free_bytes'));
  assert.equal(server.err.filter((line) => EXHAUSTED.test(line)).length, 1, 'one line, however many are refused');
  assert.equal(server.err.filter((line) => /were kept for them/.test(line)).length, 1);
  assert.ok((await request(server.url + recording.mediaPath)).body.equals(recording.bytes), 'what is stored plays');

  rmSync(inside('filler'));
  assert.equal((await tell()).status, 200);
  await until('there is room again', async () => (await tell()).status === 200 && server.err.some((line) => /is kept anew/.test(line)));
  assert.equal(await isDegraded(), false);
  const next = await store(server, upstream, { seconds: 3 });
  await untilState(server, next.callSid, 'stored');
});

test('a start on a full disk', async (t) => {
  const dataDir = join(temporaryFolder(t), 'data');
  mkdirSync(dataDir);
  const upstream = await startUpstream(t);
  const disk = await startDisk(t, dataDir, 32);
  const options = { upstream: upstream.url, dataDir, disk, settings: { min_free: '1M' } };
  const first = await startServer(t, options);
  const recording = await store(first, upstream, { seconds: 3 });
  // An attempt that is left open, for the start to close.
  const [callSid, recordingSid] = [newSid('CA'), newSid('RE')];
  let isAsked = false;
  upstream.recordings.set(recordingSid, { callSid, answer: () => { isAsked = true; } });
  await postForm(first.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid }));
  await until('it is being fetched', () => isAsked);
  await first.stop('SIGTERM');
  fill(disk.seenFrom(join(dataDir, 'filler')));

  const second = await startServer(t, options);
  assert.ok(second.err.some((line) => /were kept for them/.test(line)), 'the reserve is given up for it');
  assert.equal((await requestJson(`${second.url}/health`)).json.degraded, true);
  assert.ok((await request(second.url + recording.mediaPath)).body.equals(recording.bytes), 'what is stored plays');
  assert.equal((await postForm(second.url, RECORDING_STATUS, recordingCallback({ RecordingStatus: 'in-progress' }))).status, 200);
  const { json } = await requestJson(`${second.url}/api/calls/${callSid}`);
  assert.ok(json.recordings[0].attempts.some(({ outcome }) => outcome === 'interrupted'), JSON.stringify(json));

  rmSync(disk.seenFrom(join(dataDir, 'filler')));
  await until('there is room again', async () => (
    await postForm(second.url, RECORDING_STATUS, recordingCallback({ RecordingStatus: 'in-progress' }))).status === 200
    && second.err.some((line) => /is kept anew/.test(line)));
});
