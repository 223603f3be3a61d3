// Media that is whole, but not as long as Twilio announced: kept at once and heard to its end.
import test from 'node:test';
import assert from 'node:assert/strict';
import { audio } from './harness/audio.js';
import { startServer, untilState } from './harness/callspool.js';
import { Gate } from './harness/gated.js';
import { request } from './harness/http.js';
import { startUpstream } from './harness/upstream.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

/** A server that was told of a recording of 60 seconds, whose media at the upstream has five. */
async function startOff(t) {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url });
  const gate = new Gate(audio());
  const callSid = newSid('CA');
  const recordingSid = newSid('RE');
  upstream.recordings.set(recordingSid, { callSid, answer: gate.answer });
  await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid, RecordingDuration: '60' }));
  return { upstream, server, gate, callSid, recordingSid, url: `${server.url}/api/recordings/${recordingSid}/media` };
}

test('whole, but shorter than announced: the first players hear all of it, and it is asked for once', async (t) => {
  const { upstream, server, gate, callSid, recordingSid, url } = await startOff(t);
  gate.open(2000);
  const plays = [request(url), request(url, { headers: { Range: 'bytes=0-' } })];
  gate.open();
  for (const { status, body } of await Promise.all(plays)) {
    assert.ok(status === 200 || status === 206);
    assert.ok(body.equals(gate.media), `${body.length} of ${gate.media.length} bytes`);
  }
  const call = await untilState(server, callSid, 'stored');
  assert.equal(call.recordings[0].duration_differs, true);
  assert.equal(call.recordings[0].attempts.length, 1);
  assert.equal(upstream.mediaRequests(recordingSid).length, 1);
});
