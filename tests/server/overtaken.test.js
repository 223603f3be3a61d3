// Twilio takes back a recording while it arrives.
import { test } from 'node:test';
import assert from 'node:assert/strict';
import { startServer, untilState } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { Simulator, tell } from './harness/simulator.js';
import { until } from './harness/until.js';

test('a recording that is deleted at Twilio while it is fetched: its players are told so', async (t) => {
  const simulator = await Simulator.start(t);
  const server = await startServer(t, { upstream: simulator.url });
  await simulator.addFaults('delay=1s', 'cut=50%');
  const recording = await simulator.announce(server, { duration: 2 });
  await until('it is asked for', async () => (await simulator.counts(recording.recordingSid)).requests >= 1); // and again, as each is cut

  const play = requestJson(`${server.url}${recording.downloadPath}`, { headers: { Range: 'bytes=-1' } });
  await tell(server, recording, { RecordingStatus: 'deleted' });
  await untilState(server, recording.callSid, 'gone');
  const { status, json } = await play;
  assert.equal(status, 410);
  assert.equal(json.code, 'recording_deleted');

  const later = await requestJson(`${server.url}${recording.downloadPath}`);
  assert.equal(later.json.code, 'recording_deleted');
  await until('the flight is over', () => server.err.some((line) => /not fetched any more/.test(line)));
  const { json: call } = await requestJson(`${server.url}/api/calls/${recording.callSid}`);
  assert.ok(call.recordings[0].attempts.length > 0);
  for (const attempt of call.recordings[0].attempts) assert.ok(attempt.ended_at && attempt.outcome, `it has ended as what it was: ${JSON.stringify(attempt)}`);
  assert.equal((await request(`${server.url}/health`)).status, 200);
});
