// callspool verify: the store against the ledger, both ways, and what is mended.
import test from 'node:test';
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { audio } from './harness/audio.js';
import { callspool, pathOf, startServer, untilState } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { run, temporaryFolder } from './harness/process.js';
import { startStored, store } from './harness/stored.js';
import { until } from './harness/until.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const of = (server) => ['--set', `data_dir=${server.dataDir}`];
const verify = (server, ...args) => callspool(['verify', ...args, ...of(server)]);
async function report(server, code, ...args) {
  const ended = await verify(server, '--json', ...args);
  assert.equal(ended.code, code, ended.stderr + ended.stdout);
  return JSON.parse(ended.stdout);
}
const kinds = ({ findings }) => findings.map(({ kind, state }) => `${kind} ${state}`).sort();
const sql = async (dataDir, statement) => {
  const { code, stdout, stderr } = await run('sqlite3', ['-cmd', '.timeout 5000', join(dataDir, 'ledger.db'), statement]);
  assert.equal(code, 0, stderr);
  return stdout.trim();
};
const play = (server, { mediaPath }) => request(`${server.url}${mediaPath}`);
async function assertPlays(server, recording) {
  const { status, body } = await play(server, recording);
  assert.equal(status, 200, body.toString());
  assert.ok(body.equals(recording.bytes), 'the bytes that were recorded');
}
function flip(path, at = 5000) {
  const bytes = readFileSync(path);
  bytes[at] ^= 0x20;
  rmSync(path); // never in place: the server has it open
  writeFileSync(path, bytes);
}
const untilWhole = (server) => until('the store is whole', async () => (await verify(server)).code === 0);

test('beside a server: a flipped byte, a cut and a missing file are fetched again, under another ETag', async (t) => {
  const { server, upstream, recording } = await startStored(t);
  const recordings = [recording, await store(server, upstream), await store(server, upstream), await store(server, upstream)];
  const { code, stdout } = await verify(server);
  assert.equal(code, 0, stdout);
  assert.match(stdout, /^4 files looked at, 81084 bytes read, 0 findings\n$/);
  const paths = await Promise.all(recordings.map(({ callSid }) => pathOf(server, callSid)));
  const etag = (await play(server, recording)).headers.etag;
  flip(paths[0]);
  truncateSync(paths[1], 4000);
  rmSync(paths[2]);
  const found = await report(server, 7);
  // Where one is fetched anew before the pass ends, what it takes the place of is found, too.
  assert.deepEqual(found.findings.map(({ kind }) => kind).filter((kind) => kind !== 'old').sort(), ['bytes', 'missing', 'size']);
  for (const { callSid } of recordings) await untilState(server, callSid, 'stored');
  for (const each of recordings) await assertPlays(server, each);
  assert.notEqual((await play(server, recording)).headers.etag, etag, 'other bytes, another ETag');
  await untilWhole(server);
  assert.ok(!existsSync(paths[0]), 'the damaged file is gone once another is stored');
});

test('what was found damaged is told as that, though its file is there yet when it was fetched anew', async (t) => {
  const { server, recording } = await startStored(t, { settings: { verify_rate: '8K' } }); // seconds between the rows and the folders
  const path = await pathOf(server, recording.callSid);
  flip(path);
  const damaged = readFileSync(path);
  const found = report(server, 7);
  await until('another one is stored, and this one is gone', async () => (await pathOf(server, recording.callSid)) !== path && !existsSync(path));
  writeFileSync(path, damaged); // as if it could not be removed
  assert.deepEqual((await found).findings.map(({ kind }) => kind), ['bytes']);
  await untilWhole(server);
  assert.ok(!existsSync(path), 'the next pass has found it, and removed it');
});

test('with no server: foreign files stay, old generations go, a file without a row is adopted, once; the next start fetches', async (t) => {
  const { server, upstream, recording } = await startStored(t);
  const lost = await store(server, upstream);
  const unknown = await store(server, upstream);
  const [path, lostPath, unknownPath] = await Promise.all([recording, lost, unknown].map(({ callSid }) => pathOf(server, callSid)));
  await server.finish();
  const recordings = join(server.dataDir, 'recordings');
  const folder = dirname(path);
  const foreign = [join(folder, 'notes.txt'), join(recordings, 'lost+found'), join(folder, `${recording.callSid}.mp3`)];
  for (const each of foreign) writeFileSync(each, 'not ours');
  const old = path.replace(/\.(\d+)\.mp3$/, '.900.mp3'); // as a crash between its name and its commit leaves it
  copyFileSync(path, old);
  rmSync(lostPath);
  const before = await sql(server.dataDir, 'SELECT MAX(id) FROM attempts');
  await sql(server.dataDir, `PRAGMA foreign_keys = OFF; DELETE FROM attempts WHERE recording_id = (SELECT id FROM recordings WHERE recording_sid = '${unknown.recordingSid}');
    UPDATE calls SET main_recording_id = NULL, recordings = 0, recording_group = 0, is_main_fixed = 0 WHERE call_sid = '${unknown.callSid}';
    DELETE FROM recordings WHERE recording_sid = '${unknown.recordingSid}'`);

  const told = await report(server, 7, '--report-only');
  assert.deepEqual(kinds(told), ['foreign open', 'foreign open', 'foreign open', 'missing open', 'old open', 'unknown open']);
  assert.ok(existsSync(old) && existsSync(unknownPath), 'nothing was touched');
  const found = await report(server, 7);
  assert.deepEqual(kinds(found), ['foreign open', 'foreign open', 'foreign open', 'missing mending', 'old mended', 'unknown mended']);
  assert.ok(!existsSync(old), 'nobody names it');
  for (const each of foreign) assert.ok(existsSync(each), each);

  const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir });
  await untilState(again, lost.callSid, 'stored');
  for (const each of [recording, lost, unknown]) await assertPlays(again, each);
  assert.ok(!existsSync(unknownPath), 'its bytes have a new name, which the ledger has');
  assert.ok(Number((await pathOf(again, unknown.callSid)).split('.').at(-2)) > Number(before), 'and a generation that was never given');
  for (const each of foreign) rmSync(each);
  await untilWhole(again);
});

test('what Twilio has no more: the damaged file is played under another ETag, and told until it is accepted', async (t) => {
  const { server, upstream, recording } = await startStored(t);
  const lost = await store(server, upstream);
  await sql(server.dataDir, 'UPDATE recordings SET completed_at_ms = completed_at_ms - 3600000'); // or a 404 means "not yet"
  const [path, lostPath] = [await pathOf(server, recording.callSid), await pathOf(server, lost.callSid)];
  const { etag } = (await play(server, recording)).headers;
  upstream.recordings.delete(recording.recordingSid);
  upstream.recordings.delete(lost.recordingSid);
  flip(path, 9000);
  const damaged = readFileSync(path);
  rmSync(lostPath);
  assert.deepEqual((await report(server, 7)).findings.map(({ kind }) => kind).sort(), ['bytes', 'missing']);
  const stays = await until('neither can be mended', async () => {
    const { json } = await requestJson(`${server.url}/api/verifications`);
    return json.faults.length === 2 && json.faults.every(({ state }) => state === 'stays') && json;
  }, 60_000);
  assert.match(stays.faults.find(({ kind }) => kind === 'bytes').reason, /played as it is/);
  const reply = await play(server, recording);
  assert.equal(reply.status, 200);
  assert.ok(reply.body.equals(damaged));
  assert.notEqual(reply.headers.etag, etag);
  assert.equal(await sql(server.dataDir, `SELECT upstream_copy FROM recordings WHERE recording_sid = '${recording.recordingSid}'`), '3', "Twilio's copy, if there is one again, is not deleted for it");
  assert.equal((await play(server, lost)).status, 410);
  const health = (await requestJson(`${server.url}/api/health`)).json;
  assert.ok(health.degraded && health.causes.some((cause) => /cannot be mended/.test(cause)), JSON.stringify(health.causes));
  assert.equal(JSON.parse((await verify(server, '--accept', '--json')).stdout).accepted, 2);
  assert.equal((await requestJson(`${server.url}/health`)).json.degraded, false);
  await untilWhole(server);
});

test('a file that is back: what was given up without it is played again, and a damaged one is not', async (t) => {
  const { server, upstream, recording } = await startStored(t);
  const other = await store(server, upstream);
  await sql(server.dataDir, 'UPDATE recordings SET completed_at_ms = completed_at_ms - 3600000'); // or a 404 means "not yet"
  const paths = await Promise.all([recording, other].map(({ callSid }) => pathOf(server, callSid)));
  for (const { recordingSid } of [recording, other]) upstream.recordings.delete(recordingSid);
  for (const path of paths) renameSync(path, join(server.dataDir, path.split('/').at(-1))); // a disk that is away, a hand that slipped
  assert.deepEqual((await report(server, 7)).findings.map(({ kind }) => kind), ['missing', 'missing']);
  await until('both are given up', async () => {
    const { json } = await requestJson(`${server.url}/api/verifications`);
    return json.faults.every(({ state }) => state === 'stays');
  }, 60_000);
  for (const path of paths) renameSync(join(server.dataDir, path.split('/').at(-1)), path);
  flip(paths[1], 9000);
  await verify(server);
  await untilState(server, recording.callSid, 'stored');
  await assertPlays(server, recording);
  assert.equal((await play(server, other)).status, 410);
  assert.equal(JSON.parse((await verify(server, '--accept', '--json')).stdout).accepted, 1);
  await untilWhole(server);
  assert.ok(existsSync(paths[1]), 'it may be all that there is');
});

test('by itself: found and mended without anybody asking, and told meanwhile', async (t) => {
  const { server, upstream, recording } = await startStored(t, { settings: { verify_every: 'forever' } });
  const path = await pathOf(server, recording.callSid);
  await server.finish();
  flip(path);
  const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir, settings: { verify_every: '1s' } });
  await until('another file is stored', async () => {
    const { json } = await requestJson(`${again.url}/api/verifications`);
    return json.faults.length === 0 ? undefined : json.faults[0].state === 'mended' && json.faults[0].kind === 'bytes';
  });
  await assertPlays(again, recording);
  assert.ok(!existsSync(path));
  assert.equal((await requestJson(`${again.url}/health`)).json.degraded, false);
});

test('a store that is away is no store without files: nothing is fetched, and it is told', async (t) => {
  const { server, upstream, recording } = await startStored(t);
  await server.finish();
  const recordings = join(server.dataDir, 'recordings');
  renameSync(recordings, `${recordings}.away`);
  mkdirSync(recordings);
  const { code, stderr } = await verify(server);
  assert.equal(code, 8, stderr);
  assert.match(stderr, /is its disk mounted/);
  rmSync(recordings, { recursive: true });
  renameSync(`${recordings}.away`, recordings);
  const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir });
  await untilWhole(again);
  await assertPlays(again, recording);
});

test('killed in the middle it goes on where it was', async (t) => {
  const upstreamed = await startStored(t, { settings: { verify_every: 'forever', verify_rate: '4K' } });
  const { server, upstream } = upstreamed;
  for (let i = 0; i < 3; i++) await store(server, upstream);
  assert.equal((await requestJson(`${server.url}/api/verifications`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' })).status, 200);
  const reached = await until('some of it is done', async () => {
    const { json: { asked } } = await requestJson(`${server.url}/api/verifications`);
    return asked.files > 0 && asked;
  });
  assert.equal(reached.completed_at, null);
  await server.kill();
  const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir });
  const { json } = await requestJson(`${again.url}/api/verifications`);
  assert.equal(json.asked.asked_at, reached.asked_at);
  assert.ok(json.asked.files >= reached.files);
  const { asked } = await until('it is done', async () => {
    const { json: now } = await requestJson(`${again.url}/api/verifications`);
    return now.asked.completed_at && now;
  });
  assert.equal(asked.files, 4);
});

test('a backup taken under load restores to a store in which nothing is found', async (t) => {
  const { server, upstream } = await startStored(t);
  const media = audio({ seconds: 1 });
  let sent = 0;
  let isOver = false;
  const load = (async () => {
    while (!isOver) {
      const [recordingSid, callSid] = [newSid('RE'), newSid('CA')];
      upstream.recordings.set(recordingSid, { media, wav: media, callSid, duration: 1, channels: 2 });
      assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid, RecordingDuration: '1' }))).status, 200);
      sent++;
    }
  })();
  await until('there is load', () => sent > 10);
  const folder = join(temporaryFolder(t), 'backup');
  const taken = await callspool(['backup', folder, ...of(server)]);
  isOver = true;
  await load;
  assert.equal(taken.code, 0, taken.stderr + taken.stdout);
  const dataDir = join(temporaryFolder(t), 'restored');
  assert.equal((await callspool(['restore', folder, '--set', `data_dir=${dataDir}`])).code, 0);
  copyFileSync(join(server.dataDir, 'audit.key'), join(dataDir, 'audit.key')); // which no backup has
  const { findings, pass } = await report({ dataDir }, 0);
  assert.deepEqual(findings, []);
  assert.ok(pass.files > 0);
});
