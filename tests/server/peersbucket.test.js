// Several processes on one PostgreSQL and one bucket, each with a cache of its own: what one fetches another one plays, and what did
// not come from there it has from the bucket.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { untilState } from './harness/callspool.js';
import { freePort, gated, startLedger, webhook } from './harness/cluster.js';
import { request } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { startLine } from './harness/line.js';
import { scrape, valuesOf } from './harness/metrics.js';
import { startPostgres } from './harness/postgres.js';
import { startS3 } from './harness/s3_store.js';
import { until } from './harness/until.js';

let postgres, s3;

before(async () => {
  [postgres, s3] = [await startPostgres(lifetime), await startS3(lifetime)];
});

/** Two of them, and a recording that the first one fetches, over a line that the test may cut. */
async function startTwo(t) {
  const { serve, upstream, query } = await startLedger(t, postgres);
  const bucket = await s3.bucket();
  const port = await freePort();
  const line = await startLine(t, port);
  const options = { env: bucket.env, settings: { ...bucket.settings, play_wait: '60s' } };
  const a = await serve('a', { ...options, settings: { ...options.settings, cluster_listen: `127.0.0.1:${port}`, cluster_address: `127.0.0.1:${line.port}` } });
  const recording = gated(upstream);
  assert.equal((await webhook(a, recording.fields)).status, 200);
  await until('it is asked for', () => recording.gate.requests === 1);
  const b = await serve('b', options); // which nobody asks, and which asks others all the same
  return { a, b, bucket, line, query, recording };
}

const followed = async (server) => (await scrape(server)).samples.get('callspool_peer_received_bytes_total');

test('it is played there while it arrives, to the last byte, and from the bucket then', async (t) => {
  const { a, b, bucket, recording } = await startTwo(t);
  const play = request(b.url + recording.mediaPath);
  recording.gate.open(30_000);
  await until('it comes', async () => (await followed(b)) === 30_000);
  recording.gate.open();
  const reply = await play;
  assert.ok(!reply.cut && reply.body.equals(recording.media));
  await untilState(a, recording.callSid, 'stored');
  assert.equal((await bucket.list()).filter((key) => key.endsWith('.mp3')).length, 1);
  const again = await request(b.url + recording.mediaPath);
  assert.ok(again.body.equals(recording.media));
  assert.equal(again.headers.etag, reply.headers.etag);
  assert.equal(recording.gate.requests, 1);
});

test('cut off from the one that fetches it: the rest comes from the bucket', async (t) => {
  const { b, line, recording } = await startTwo(t);
  const play = request(b.url + recording.mediaPath);
  recording.gate.open(30_000);
  await until('it comes', async () => (await followed(b)) === 30_000);
  line.isDown = true;
  line.cut();
  recording.gate.open();
  const reply = await play;
  assert.ok(!reply.cut && reply.body.equals(recording.media));
  assert.equal(await followed(b), 30_000);
  assert.equal(valuesOf(await scrape(b), 'callspool_peer_requests_total')['result="media"'], undefined);
  assert.equal(recording.gate.requests, 1);
});
