// What a restart must not change, and what it must take up again.
import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { audio } from './harness/audio.js';
import { CREDENTIALS, callspool, pathOf, startServer, untilDigest, untilState } from './harness/callspool.js';
import { RawConnection, request } from './harness/http.js';
import { startStored, store } from './harness/stored.js';
import { until } from './harness/until.js';
import { startUpstream } from './harness/upstream.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

for (const how of ['SIGTERM', 'SIGKILL']) {
  test(`a stored recording is the same after ${how}: bytes, ETag, Last-Modified`, async (t) => {
    const { server, upstream, recording } = await startStored(t);
    const before = await request(server.url + recording.mediaPath);
    await (how === 'SIGKILL' ? server.kill() : server.stop('SIGTERM'));
    const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir });
    const after = await request(again.url + recording.mediaPath, { headers: { 'If-Match': before.headers.etag } });
    assert.equal(after.status, 200);
    assert.ok(after.body.equals(recording.bytes));
    for (const name of ['etag', 'last-modified', 'repr-digest', 'content-disposition']) assert.equal(after.headers[name], before.headers[name], name);
    assert.equal(upstream.mediaRequests(recording.recordingSid).length, 1, 'not fetched again');
  });
}

test('a digest that was not computed yet is computed by the next start, beside a file that is lost', async (t) => {
  const { server, upstream, recording: lost } = await startStored(t);
  const { callSid, recordingSid, mediaPath } = await store(server, upstream);
  const digest = await untilDigest(server, callSid, recordingSid);
  const before = await request(server.url + mediaPath);
  await server.stop('SIGTERM');
  execFileSync('sqlite3', [join(server.dataDir, 'ledger.db'), 'UPDATE recordings SET sha256 = NULL']);
  rmSync(await pathOf(server, lost.callSid));
  const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir, expectErrors: [/cannot be read/] });
  assert.equal(await untilDigest(again, callSid, recordingSid), digest);
  const after = await request(again.url + mediaPath);
  for (const name of ['etag', 'repr-digest']) assert.equal(after.headers[name], before.headers[name], name);
  await until('the log tells of the other', () => again.err.some((line) => line.includes(`${lost.recordingSid}: cannot be read`)));
});

test('a file of an older name, without a generation, is found, served and digested', async (t) => {
  const { server, upstream, recording } = await startStored(t);
  await untilDigest(server, recording.callSid, recording.recordingSid);
  const before = await request(server.url + recording.mediaPath);
  const path = await pathOf(server, recording.callSid);
  await server.stop('SIGTERM');
  const older = path.replace(/\.\d+\.mp3$/, '.mp3');
  assert.notEqual(older, path);
  renameSync(path, older);
  execFileSync('sqlite3', [join(server.dataDir, 'ledger.db'),
    `UPDATE recordings SET sha256 = NULL, path = '${older.split('/').slice(-2).join('/')}'`]);
  const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir });
  assert.equal(await pathOf(again, recording.callSid), older);
  await untilDigest(again, recording.callSid, recording.recordingSid);
  const after = await request(again.url + recording.mediaPath);
  assert.ok(after.body.equals(recording.bytes));
  for (const name of ['etag', 'repr-digest']) assert.equal(after.headers[name], before.headers[name], name);
  assert.equal(upstream.mediaRequests(recording.recordingSid).length, 1, 'not fetched again');
});

test('a download broken off by kill -9 is taken up again, and no part of it is served', async (t) => {
  const upstream = await startUpstream(t);
  const bytes = audio({ seconds: 60 });
  const fields = recordingCallback({ RecordingDuration: '60' });
  let held;
  upstream.recordings.set(fields.RecordingSid, {
    callSid: fields.CallSid,
    answer: (_, reply) => {
      reply.writeHead(200, { 'Content-Type': 'audio/mpeg', 'Content-Length': bytes.length });
      reply.write(bytes.subarray(0, 100_000));
      held = reply;
    },
  });
  const first = await startServer(t, { upstream: upstream.url });
  assert.equal((await postForm(first.url, RECORDING_STATUS, fields)).status, 200);
  await until('half of it is under way', () => held);
  await first.kill();
  upstream.recordings.set(fields.RecordingSid, { media: bytes, callSid: fields.CallSid, duration: 60 });
  writeFileSync(join(first.dataDir, 'arriving', 'leftover.tmp'), 'x');
  const second = await startServer(t, { upstream: upstream.url, dataDir: first.dataDir });
  await untilState(second, fields.CallSid, 'stored');
  assert.ok((await request(`${second.url}/api/calls/${fields.CallSid}/download`)).body.equals(bytes));
  await until('arriving/ is empty', () => readdirSync(join(first.dataDir, 'arriving')).length === 0);
});

test('a recording that waits for its next try is still tried after a restart', async (t) => {
  const upstream = await startUpstream(t);
  const fields = recordingCallback();
  upstream.recordings.set(fields.RecordingSid, { callSid: fields.CallSid, answer: (_, reply) => reply.writeHead(503).end() });
  const first = await startServer(t, { upstream: upstream.url });
  await postForm(first.url, RECORDING_STATUS, fields);
  await until('it was tried', () => upstream.mediaRequests(fields.RecordingSid).length > 0);
  await first.stop('SIGTERM');
  upstream.recordings.set(fields.RecordingSid, { media: audio(), callSid: fields.CallSid });
  const second = await startServer(t, { upstream: upstream.url, dataDir: first.dataDir });
  await untilState(second, fields.CallSid, 'stored');
});

test('SIGTERM finishes what is being sent', async (t) => {
  const { server, recording } = await startStored(t, { settings: { format: 'wav', stop_timeout: '60s' }, recording: { format: 'wav', seconds: 1200 } });
  const player = await RawConnection.open(server.url);
  t.after(() => player.close());
  player.send(`GET ${recording.mediaPath} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const [head] = await player.receives(/^HTTP\/1\.1 200 [^]*?\r\n\r\n/);
  player.socket.pause();
  const idle = await RawConnection.open(server.url);
  const stopped = server.stop('SIGTERM');
  await idle.untilClosed();
  player.socket.resume();
  await player.untilClosed(30_000);
  const body = player.received.subarray(head.length);
  assert.equal(body.length, recording.bytes.length);
  assert.ok(body.equals(recording.bytes));
  assert.deepEqual(await stopped, { code: 0, signal: null });
});

test('a second server on the same folder is refused, in words', async (t) => {
  const server = await startServer(t);
  const { code, stderr } = await callspool(['serve', '--set', 'listen=127.0.0.1:0', '--set', 'auth=none', '--set', `data_dir=${server.dataDir}`], { env: CREDENTIALS, withinMs: 15_000 });
  assert.notEqual(code, 0);
  assert.notEqual(code, null);
  assert.match(stderr, /another|already|in use|lock/i);
  assert.equal((await request(`${server.url}/health`)).status, 200);
});

test('six starts and kills between webhooks lose none of them', async (t) => {
  const upstream = await startUpstream(t);
  const acknowledged = [];
  let dataDir;
  for (let round = 0; round < 6; round += 1) {
    const server = await startServer(t, { upstream: upstream.url, dataDir });
    dataDir = server.dataDir;
    const sends = Array.from({ length: 5 }, async () => {
      const callSid = newSid('CA');
      const reply = await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingStatus: 'in-progress' })).catch(() => null);
      if (reply?.status === 200) acknowledged.push(callSid);
    });
    await Promise.race(sends);
    await server.kill();
    await Promise.all(sends);
  }
  assert.ok(acknowledged.length >= 6);
  const last = await startServer(t, { upstream: upstream.url, dataDir });
  for (const callSid of acknowledged) {
    await until(`${callSid} is known`, async () => (await request(`${last.url}/api/calls/${callSid}`)).status === 200);
  }
});
