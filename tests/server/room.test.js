// A disk with less room than min_free: nothing more is fetched, what is stored plays, webhooks are
// answered, and the log and /health say so; fetching goes on by itself when there is room.  And what is
// older than retention and grace is not fetched at all.
import test from 'node:test';
import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { startServer, untilState } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { run, temporaryFolder } from './harness/process.js';
import { store } from './harness/stored.js';
import { audio } from './harness/audio.js';
import { startUpstream } from './harness/upstream.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const DISK_MIB = 64;
const MIN_FREE_MIB = 24;
const PLAY_WAIT_MS = 25_000; // the default

async function announce(server, upstream, fields = {}) {
  const recording = { callSid: newSid('CA'), recordingSid: newSid('RE'), bytes: audio({ seconds: 3 }) };
  upstream.recordings.set(recording.recordingSid, { media: recording.bytes, callSid: recording.callSid });
  const reply = await postForm(server.url, RECORDING_STATUS, recordingCallback({
    CallSid: recording.callSid, RecordingSid: recording.recordingSid, RecordingDuration: '3', ...fields,
  }));
  assert.equal(reply.status, 200);
  return recording;
}

test('below min_free flights pause, and go on when there is room', async (t) => {
  // A disk of its own: what others write on the machine's cannot move the line.
  const dataDir = join(temporaryFolder(t), 'data');
  mkdirSync(dataDir);
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, dataDir, diskMiB: DISK_MIB, settings: { min_free: `${MIN_FREE_MIB}M` } });
  const filler = server.seenFrom(join(dataDir, 'filler'));
  const before = await store(server, upstream, { seconds: 3 });
  assert.equal((await run('fallocate', ['-l', `${DISK_MIB - MIN_FREE_MIB}M`, filler])).code, 0);

  const waiting = await announce(server, upstream);
  await server.line(/less than min_free/);
  const play = await request(`${server.url}/api/recordings/${waiting.recordingSid}/media`);
  assert.equal(play.status, 500, play.body.toString());
  assert.equal(JSON.parse(play.body).code, 'internal');
  assert.match(JSON.parse(play.body).error, /disk/i);
  assert.ok(play.ms < PLAY_WAIT_MS, `told at once, not after play_wait: ${play.ms} ms`);
  assert.equal(upstream.mediaRequests(waiting.recordingSid).length, 0);
  assert.ok((await request(server.url + before.mediaPath)).body.equals(before.bytes), 'what is stored plays');
  assert.equal((await requestJson(`${server.url}/health`)).json.degraded, true);
  assert.match(JSON.stringify((await requestJson(`${server.url}/api/status`)).json.causes), /room/);

  rmSync(filler);
  await untilState(server, waiting.callSid, 'stored');
  assert.ok((await request(`${server.url}/api/recordings/${waiting.recordingSid}/media`)).body.equals(waiting.bytes));
  assert.equal((await requestJson(`${server.url}/health`)).json.degraded, false);
});

test('what is older than retention and grace is not fetched: it counts as expired', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: { retention: '2d', purge_grace: '1d' } });
  const daysAgo = (days) => ({ RecordingStartTime: new Date(Date.now() - days * 86_400_000).toUTCString().replace('GMT', '+0000') });
  const old = await announce(server, upstream, daysAgo(3.1));
  const expired = await announce(server, upstream, daysAgo(2.5));
  await untilState(server, expired.callSid, 'stored');
  const fresh = await announce(server, upstream);
  await untilState(server, fresh.callSid, 'stored');
  assert.equal(upstream.mediaRequests(old.recordingSid).length, 0);
  assert.equal((await request(`${server.url}/api/calls/${old.callSid}/download`)).status, 410);
  const told = (await requestJson(`${server.url}/api/calls/${old.callSid}`)).json;
  const [row] = (told.call ?? told).recordings;
  assert.deepEqual([row.expired, row.reason?.code, row.next_try_at], [true, 'recording_expired', null]);
  const status = (await requestJson(`${server.url}/api/status`)).json;
  assert.equal(status.oldest_queued_at, null, 'nothing waits');
  assert.equal(status.recordings.queued, 0);
  await server.stop('SIGTERM');
  // Raised, the retention brings it back.
  const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir, settings: { retention: '4d', purge_grace: '1d' } });
  await untilState(again, old.callSid, 'stored');
  assert.ok((await request(`${again.url}/api/calls/${old.callSid}/download`)).body.equals(old.bytes));
});
