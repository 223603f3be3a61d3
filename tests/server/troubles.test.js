// A ledger that is locked or damaged, a store that takes nothing: told by name, and over by itself.
import test from 'node:test';
import assert from 'node:assert/strict';
import { closeSync, mkdirSync, openSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { callspool, startServer, untilState } from './harness/callspool.js';
import { audio } from './harness/audio.js';
import { request, requestJson } from './harness/http.js';
import { FaultyDisk } from './harness/faulty.js';
import { Program, run, temporaryFolder } from './harness/process.js';
import { preloaded } from './harness/shadow.js';
import { startStored, store } from './harness/stored.js';
import { until } from './harness/until.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const causesOf = async (server) => {
  const { status, json } = await requestJson(`${server.url}/api/health`);
  assert.equal(status, 200);
  return json.causes;
};
const named = (server, pattern) => until(`a cause like ${pattern}`, async () => (await causesOf(server)).find((cause) => pattern.test(cause)));
const over = (server) => until('there is no cause', async () => (await causesOf(server)).length === 0);

test('another program locks the ledger: 503 for webhooks, plays go on, /health names it, and it is over with the lock', async (t) => {
  const { server, recording } = await startStored(t);
  const locker = new Program('sqlite3', [join(server.dataDir, 'ledger.db')], { stdin: 'pipe' });
  t.after(() => locker.stop('SIGKILL'));
  locker.child.stdin.write('.timeout 5000\nBEGIN IMMEDIATE;\nSELECT \'locked\';\n');
  await locker.line(/^locked$/);
  const refused = postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: newSid('CA') }));
  assert.equal((await request(`${server.url}${recording.mediaPath}`)).status, 200);
  assert.equal((await refused).status, 503);
  assert.match(await named(server, /cannot be written/), /for \d+ seconds now: SQLite: database is locked/);
  assert.equal((await requestJson(`${server.url}/health`)).json.degraded, true);
  locker.child.stdin.write('ROLLBACK;\n.exit\n');
  await locker.exited;
  assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: newSid('CA'), RecordingStatus: 'in-progress' }))).status, 200);
  await over(server);
});

test('a damaged ledger: what it can still read is served, /health answers and names it', async (t) => {
  const { server: first, upstream, recording } = await startStored(t);
  await first.finish();
  const ledger = join(first.dataDir, 'ledger.db');
  const { stdout } = await run('sqlite3', [ledger, "SELECT rootpage FROM sqlite_schema WHERE name IN ('calls_by_time', 'calls_by_group', 'calls_by_direction')"]);
  const fd = openSync(ledger, 'r+');
  for (const page of stdout.trim().split('\n')) writeSync(fd, Buffer.alloc(4096, 0xa5), 0, 4096, (Number(page) - 1) * 4096);
  closeSync(fd);
  const server = await startServer(t, { upstream: upstream.url, dataDir: first.dataDir, expectErrors: [/malformed/] });
  assert.equal((await requestJson(`${server.url}/api/calls`)).status, 500);
  const { status, body } = await request(`${server.url}${recording.mediaPath}`);
  assert.deepEqual([status, body.equals(recording.bytes)], [200, true]);
  assert.match(await named(server, /can be read/), /malformed \(damaged: see callspool rebuild\)/);
  assert.equal((await requestJson(`${server.url}/health`)).json.degraded, true);
});

test('a ledger whose counts cannot be read: /health answers all the same', async (t) => {
  const { server: first, upstream } = await startStored(t);
  await first.finish();
  const ledger = join(first.dataDir, 'ledger.db');
  const { stdout } = await run('sqlite3', [ledger, "SELECT rootpage FROM sqlite_schema WHERE name = 'store_faults_by_state'"]);
  const fd = openSync(ledger, 'r+');
  writeSync(fd, Buffer.alloc(4096, 0xa5), 0, 4096, (Number(stdout) - 1) * 4096);
  closeSync(fd);
  const server = await startServer(t, { upstream: upstream.url, dataDir: first.dataDir, expectErrors: [/malformed/] });
  const { status, json } = await requestJson(`${server.url}/health`);
  assert.deepEqual([status, json.status, json.degraded], [200, 'ok', true]);
  assert.ok((await causesOf(server)).some((cause) => /callspool rebuild/.test(cause)));
});

test('a ledger that is none any more: the start says what to do', async (t) => {
  const { server: first } = await startStored(t);
  await first.finish();
  writeFileSync(join(first.dataDir, 'ledger.db'), Buffer.alloc(8192, 0x41));
  const { code, stderr } = await callspool(['serve', '--set', `data_dir=${first.dataDir}`, '--set', 'auth=none', '--set', 'listen=127.0.0.1:0']);
  assert.equal(code, 1, stderr);
  assert.match(stderr, /not a database \(damaged: see callspool rebuild\)/);
});

for (const [error, what, says] of [
  ['EROFS', 'a file system that the kernel made read-only', /for \d+ seconds now: SQLite: disk I\/O error \(the file system is read-only\)/],
  ['EDQUOT', 'a quota that is used up', /for \d+ seconds now: SQLite: disk I\/O error/],
]) test(`${what}: plays go on, webhooks are answered 503, and it is over when it is mended`, async (t) => {
  const dataDir = join(temporaryFolder(t), 'data');
  mkdirSync(dataDir);
  const disk = new FaultyDisk(dataDir, join(temporaryFolder(t), 'control'));
  t.after(() => disk.close());
  const { server, upstream, recording } = await startStored(t, { dataDir, settings: { cache_entries: 1 }, expectErrors: [/entries of the audit cannot be written/, /its waveform cannot be made/], env: { ...preloaded([disk.library]), ...disk.env } });
  const other = await store(server, upstream);
  // As with a disk of which some blocks cannot be written: files that are open for writing are so still, and each write is refused.
  for (const file of ['ledger', 'log', 'media']) for (const call of ['write', 'rename', 'remove', 'cut']) disk.fail({ call, file, count: 1e6, error });
  const tell = (fields) => postForm(server.url, RECORDING_STATUS, recordingCallback(fields));
  assert.equal((await tell({ CallSid: newSid('CA') })).status, 503);
  for (const { mediaPath, bytes } of [recording, other, recording]) assert.ok((await request(`${server.url}${mediaPath}`)).body.equals(bytes), 'what is stored plays');
  assert.match(await named(server, /cannot be written/), says);
  assert.equal((await requestJson(`${server.url}/health`)).json.degraded, true);
  assert.equal((await tell({ CallSid: newSid('CA') })).status, 503, 'again, and the process is the same');
  disk.calm();
  const later = await store(server, upstream);
  assert.ok((await request(`${server.url}${later.mediaPath}`)).body.equals(later.bytes));
  await over(server);
});

test('the store takes no files: named, and over with the next that it takes', async (t) => {
  const { server, upstream } = await startStored(t);
  const recordingSid = newSid('RE');
  const callSid = newSid('CA');
  const media = audio({ seconds: 1 });
  upstream.recordings.set(recordingSid, { media, wav: media, callSid, duration: 1, channels: 2 });
  const shard = join(server.dataDir, 'recordings', callSid.slice(2, 4).toLowerCase());
  writeFileSync(shard, 'a file where a folder belongs');
  assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid, RecordingDuration: '1' }))).status, 200);
  await named(server, /The store takes no files/);
  unlinkSync(shard);
  await untilState(server, callSid, 'stored');
  await over(server);
});
