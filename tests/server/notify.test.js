// Webhooks that callspool sends: signed, at least once, in order, and to nobody where notify_url is not set.
import test from 'node:test';
import assert from 'node:assert/strict';
import { audio } from './harness/audio.js';
import { ACCOUNT, startServer, untilDigest, untilState } from './harness/callspool.js';
import { request } from './harness/http.js';
import { startReceiver } from './harness/receiver.js';
import { startUpstream } from './harness/upstream.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const media = audio({ seconds: 5 });

/** A recording that Twilio has, and of which it tells; with `status` it has none of that kind. */
async function announce(server, upstream, fields = {}) {
  const recordingSid = newSid('RE');
  const callSid = newSid('CA');
  upstream.recordings.set(recordingSid, { callSid, media, wav: media });
  const { status } = await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid, ...fields }));
  assert.equal(status, 200);
  return { callSid, recordingSid };
}

test('what becomes of a recording is told, signed', async (t) => {
  const receiver = await startReceiver(t);
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: receiver.settings() });
  const { callSid, recordingSid } = await announce(server, upstream);
  const stored = await receiver.until('recording.stored', recordingSid);
  assert.equal(stored.verified, true);
  assert.deepEqual([stored.method, stored.url, stored.headers['content-type']], ['POST', '/hooks?from=callspool', 'application/json']);
  assert.match(stored.id, new RegExp(`^msg_${recordingSid}_\\d+$`));
  const { started_at: startedAt, generation, duration, ...data } = stored.data;
  assert.deepEqual(data, {
    recording_sid: recordingSid, call_sid: callSid, account_sid: ACCOUNT, direction: null,
    media_url: `http://callspool.test/api/recordings/${recordingSid}/media`, call_url: `http://callspool.test/api/calls/${callSid}`,
    format: 'mp3', size: media.length, channels: 2, sha256: await untilDigest(server, callSid, recordingSid),
  });
  assert.ok(generation > 0 && Math.abs(duration - 5) < 0.2);
  for (const instant of [stored.timestamp, startedAt]) assert.ok(Number.isFinite(Date.parse(instant)), instant);

  const failed = await announce(server, upstream, { RecordingStatus: 'absent', ErrorCode: '16101' });
  const { data: { reason, media_url: none } } = await receiver.until('recording.failed', failed.recordingSid);
  assert.deepEqual([reason.code, none], ['recording_absent', undefined]);

  assert.equal((await request(`${server.url}/api/recordings/${recordingSid}`, { method: 'DELETE' })).status, 200);
  const deleted = await receiver.until('recording.deleted', recordingSid);
  assert.equal(deleted.verified, true);
  assert.equal(new Set(receiver.told.map(({ id }) => id)).size, 3);
  assert.equal(receiver.told.length, 3);
});
