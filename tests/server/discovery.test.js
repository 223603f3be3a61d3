// Calls that no webhook told of: a play asks Twilio for their recordings.
import test from 'node:test';
import assert from 'node:assert/strict';
import { audio } from './harness/audio.js';
import { startServer, untilState } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { startUpstream } from './harness/upstream.js';
import { until } from './harness/until.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const twilioDate = (at) => new Date(at).toUTCString().replace('GMT', '+0000');

/** A server, and an upstream with a call of so many recordings, completed `agoMs` ago, of which no webhook told. */
async function startUntold(t, { count = 1, agoMs = 600_000 } = {}) {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url });
  const callSid = newSid('CA');
  const recordingSids = [];
  for (let i = 0; i < count; i++) {
    const at = Date.now() - agoMs - i * 10_000; // the newest first, as Twilio lists them
    const sid = newSid('RE');
    recordingSids.push(sid);
    upstream.recordings.set(sid, { callSid, media: audio(), startedAt: twilioDate(at), updatedAt: twilioDate(at) });
  }
  return { server, callSid, recordingSids, play: () => request(`${server.url}/api/calls/${callSid}/download`) };
}

const LOST = /its webhook was lost/;

test('of several recordings the oldest is the main one, as if each had been told of', async (t) => {
  const { server, recordingSids, play } = await startUntold(t, { count: 3 });
  const { status, headers } = await play();
  assert.equal(status, 200);
  assert.match(headers['content-location'], new RegExp(recordingSids[2]));
  assert.equal(server.err.filter((line) => LOST.test(line)).length, 1, 'that its webhook was lost is told');
});

test('one that has just completed is not said to be lost', async (t) => {
  const { server, play } = await startUntold(t, { agoMs: 0 });
  assert.equal((await play()).status, 200);
  assert.ok(server.err.some((line) => /was not known, Twilio has it/.test(line)));
  assert.ok(!server.err.some((line) => LOST.test(line)));
});

test('only the recording callback is set up: what the call was is asked of Twilio', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url });
  const fields = recordingCallback();
  upstream.recordings.set(fields.RecordingSid, { callSid: fields.CallSid, media: audio() });
  upstream.calls.set(fields.CallSid, {
    sid: fields.CallSid, account_sid: fields.AccountSid, status: 'completed', direction: 'inbound', from: '+15550001111', to: '+15550002222', duration: '36',
  });
  await postForm(server.url, RECORDING_STATUS, fields);
  await untilState(server, fields.CallSid, 'stored');
  const call = await until('the call is known', async () => {
    const { json } = await requestJson(`${server.url}/api/calls/${fields.CallSid}`);
    return (json.call ?? json).from && (json.call ?? json);
  });
  assert.equal(call.to, '+15550002222');
  assert.equal(call.direction, 'inbound');
  assert.equal(call.status, 'completed');
  assert.equal(upstream.requests.filter(({ path }) => path.endsWith(`/Calls/${fields.CallSid}.json`)).length, 1);
});
