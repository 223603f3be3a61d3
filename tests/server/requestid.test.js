// One request id from nginx to the flight: the log's lines of a download name the request that had it begun.
import test from 'node:test';
import assert from 'node:assert/strict';
import { audio } from './harness/audio.js';
import { startServer, untilState } from './harness/callspool.js';
import { request } from './harness/http.js';
import { startNginx } from './harness/nginx.js';
import { startUpstream, xmlError } from './harness/upstream.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const TRUSTED = { trusted_proxies: '127.0.0.1' };
const media = audio({ seconds: 5 });
const down = (incoming, reply) => {
  reply.writeHead(503, { 'Content-Type': 'application/xml' });
  reply.end(xmlError(503, 20503, 'Service unavailable'));
};
const named = (id, options = {}) => ({ ...options, headers: { ...options.headers, 'X-Request-Id': id } });

test('the id that nginx gives to a webhook is the one of its recording being stored', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: TRUSTED });
  const nginx = await startNginx(t, server.url);
  const fields = recordingCallback();
  upstream.recordings.set(fields.RecordingSid, { media, callSid: fields.CallSid });
  const { status, headers } = await postForm(nginx.url, RECORDING_STATUS, fields);
  assert.equal(status, 200);
  assert.match(headers['x-request-id'], /^[0-9a-f]{32}$/);
  await server.line(new RegExp(`level=info request=${headers['x-request-id']} msg="recording ${fields.RecordingSid}: stored`));
});

test('each try names the request; after a restart, too; and a play that begins one names itself', async (t) => {
  const upstream = await startUpstream(t);
  upstream.answer = down;
  const settings = { ...TRUSTED, 'fetch.retry_first': '10m' };
  const first = await startServer(t, { upstream: upstream.url, settings });
  const [a, b] = [recordingCallback(), recordingCallback()];
  for (const [fields, id] of [[a, 'webhook-a'], [b, 'webhook-b']]) {
    upstream.recordings.set(fields.RecordingSid, { media, callSid: fields.CallSid });
    assert.equal((await postForm(first.url, RECORDING_STATUS, fields, named(id))).status, 200);
    await first.line(new RegExp(`level=info request=${id} msg="recording ${fields.RecordingSid}: again in`));
  }
  await first.stop('SIGTERM');

  upstream.answer = null;
  const server = await startServer(t, { upstream: upstream.url, dataDir: first.dataDir, settings });
  const play = await request(`${server.url}/api/recordings/${a.RecordingSid}/media`, named('play-of-a'));
  assert.deepEqual([play.status, play.headers['x-request-id']], [200, 'play-of-a']);
  await server.line(new RegExp(`request=play-of-a msg="recording ${a.RecordingSid}: stored`));
  const retry = await request(`${server.url}/api/recordings/${b.RecordingSid}/retry`, named('retry-of-b', { method: 'POST' }));
  assert.equal(retry.status, 200);
  await server.line(new RegExp(`request=retry-of-b msg="recording ${b.RecordingSid}: stored`));
});

test('what a restart finds queued is still of its webhook', async (t) => {
  const upstream = await startUpstream(t);
  const first = await startServer(t, { upstream: upstream.url, settings: { ...TRUSTED, 'fetch.retry_first': '50ms', 'fetch.retry_most': '50ms' } });
  upstream.answer = down;
  const fields = recordingCallback();
  upstream.recordings.set(fields.RecordingSid, { media, callSid: fields.CallSid });
  assert.equal((await postForm(first.url, RECORDING_STATUS, fields, named('before-the-crash'))).status, 200);
  await first.line(/request=before-the-crash msg="recording \S+: again in/);
  await first.kill();
  upstream.answer = null;
  const server = await startServer(t, { upstream: upstream.url, dataDir: first.dataDir, settings: TRUSTED });
  await untilState(server, fields.CallSid, 'stored');
  await server.line(new RegExp(`request=before-the-crash msg="recording ${fields.RecordingSid}: stored`));
});

test('a play of a call whose webhook was lost is the one that had it fetched', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: TRUSTED });
  const [callSid, recordingSid] = [newSid('CA'), newSid('RE')];
  upstream.recordings.set(recordingSid, { media, callSid });
  assert.equal((await request(`${server.url}/api/calls/${callSid}/download`, named('play-of-a-lost-one'))).status, 200);
  await server.line(new RegExp(`request=play-of-a-lost-one msg="${callSid} was not known`));
  await server.line(new RegExp(`request=play-of-a-lost-one msg="recording ${recordingSid}: stored`));
});

test('an id that a stranger makes up is not believed, and is in no line', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url });
  const fields = recordingCallback();
  upstream.recordings.set(fields.RecordingSid, { media, callSid: fields.CallSid });
  assert.equal((await postForm(server.url, RECORDING_STATUS, fields, named('made-up'))).status, 200);
  await server.line(/level=info request=[0-9a-f]{16} msg="recording \S+: stored/);
  assert.ok(!server.err.some((line) => line.includes('made-up')));
});
