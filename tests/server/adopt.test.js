// callspool import --from: files of the system that was replaced, taken over.
import test from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chownSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BINARY, CREDENTIALS, callspool, startServer, untilDigest, untilState } from './harness/callspool.js';
import { audio } from './harness/audio.js';
import { gated, startLedger, webhook } from './harness/cluster.js';
import { request, requestJson } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { scrape, valuesOf } from './harness/metrics.js';
import { startPostgres } from './harness/postgres.js';
import { Program, temporaryFolder } from './harness/process.js';
import { until } from './harness/until.js';
import { startUpstream } from './harness/upstream.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const FILES = Number(process.env.TEST_ADOPT_FILES ?? 300);
const KEEPS = { retention: 'forever' };
const WRITTEN_AT = new Date('2026-03-04T05:06:07Z');

/** Telephone sound, other bytes for each number. */
function wav(seconds, number) {
  const sound = Buffer.alloc(8000 * seconds, 0x80);
  sound.writeUInt32LE(number, 0);
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + sound.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(8000, 24);
  head.writeUInt32LE(8000, 28);
  head.writeUInt16LE(1, 32);
  head.writeUInt16LE(8, 34);
  head.write('data', 36);
  head.writeUInt32LE(sound.length, 40);
  return Buffer.concat([head, sound]);
}

/** The same sound under another ID3 tag each time. */
function mp3(number) {
  const tag = Buffer.concat([Buffer.from('ID3'), Buffer.from([3, 0, 0, 0, 0, 0, 32]), Buffer.alloc(32)]);
  tag.writeUInt32LE(number, 12);
  return Buffer.concat([tag, audio({ seconds: 2 })]);
}

function put(folder, name, bytes) {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
  utimesSync(path, WRITTEN_AT, WRITTEN_AT);
  return path;
}

const importFrom = (folder, dataDir, args = []) => callspool(['import', '--from', folder, '--set', `data_dir=${dataDir}`, '--set', 'retention=forever', ...args], { withinMs: 0 });

/** Tells of a recording that is not over yet, so that nothing fetches it. */
async function announce(server, callSid, seconds) {
  const recordingSid = newSid('RE');
  const reply = await postForm(server.url, RECORDING_STATUS, recordingCallback({
    CallSid: callSid, RecordingSid: recordingSid, RecordingStatus: 'in-progress', RecordingDuration: String(seconds),
  }));
  assert.equal(reply.status, 200);
  await until(`${recordingSid} is known`, async () => (await requestJson(`${server.url}/api/calls/${callSid}`)).json.recordings?.some(({ recording_sid: sid }) => sid === recordingSid));
  return recordingSid;
}

const stored = async (server) => (await requestJson(`${server.url}/api/status`)).json.recordings.stored;

async function playsAs(server, path, bytes) {
  const reply = await request(`${server.url}${path}`);
  assert.equal(reply.status, 200, `${path}: ${reply.body.toString().slice(0, 200)}`);
  assert.ok(reply.body.equals(bytes), `${path} is the file`);
  assert.ok(reply.headers.etag);
}

test(`${FILES} files are adopted, though command and server are killed; broken ones are named`, async (t) => {
  const upstream = await startUpstream(t);
  let server = await startServer(t, { upstream: upstream.url, settings: KEEPS });
  const folder = temporaryFolder(t, 'old');
  const good = new Map(); // what is played: the file's bytes
  for (let number = 0; number < FILES; number += 1) {
    const callSid = newSid('CA');
    const recordingSid = newSid('RE');
    const [name, path, bytes] = number % 3 === 0
      ? [`${callSid}.mp3`, `/api/calls/${callSid}/download`, mp3(number)]
      : number % 3 === 1
        ? [`2026/03/${callSid}.wav`, `/api/calls/${callSid}/download`, wav(1, number)]
        : [`trunk/${recordingSid}.wav`, `/api/recordings/${recordingSid}/media`, wav(2, number)];
    put(folder, name, bytes);
    good.set(path, bytes);
  }
  const dated = [...good.keys()].find((path) => path.endsWith('/download')).split('/')[3];

  const several = newSid('CA');
  await announce(server, several, 9);
  const fitting = await announce(server, several, 5);
  good.set(`/api/recordings/${fitting}/media`, wav(5, 1));
  put(folder, `${several}.wav`, wav(5, 1));
  const alike = newSid('CA');
  await announce(server, alike, 5);
  await announce(server, alike, 5);
  const off = await announce(server, newSid('CA'), 60);
  const bad = new Map([
    [put(folder, `${newSid('CA')}.mp3`, '{"success": false, "error": "Failed to fetch recording from Twilio"}'), ['broken', /JSON/]],
    [put(folder, `${newSid('CA')}.mp3`, ''), ['broken', /nothing/]],
    [put(folder, `sub/${newSid('RE')}.wav`, wav(5, 2).subarray(0, 20_000)), ['broken', /cut short/]],
    [put(folder, `${alike}.wav`, wav(5, 3)), ['conflict', /2 recordings/]],
    [put(folder, `${off}.wav`, wav(5, 4)), ['conflict', /lasts 5 s.*60 s/]],
  ]);
  put(folder, 'notes.txt', 'call them back');
  put(folder, `${newSid('CA')}.mp3.part`, wav(1, 5));
  symlinkSync('/etc/passwd', join(folder, `${newSid('CA')}.mp3`));
  const before = new Map(readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name)).map((path) => [path, readFileSync(path)]));

  const killed = new Program(BINARY, ['import', '--from', folder, '--set', `data_dir=${server.dataDir}`, '--set', 'retention=forever'], { env: CREDENTIALS });
  await until('some are here', async () => (await stored(server)) >= FILES / 5 || killed.status);
  await killed.stop('SIGKILL');
  assert.ok((await stored(server)) <= good.size);

  const bereft = new Program(BINARY, ['import', '--from', folder, '--set', `data_dir=${server.dataDir}`, '--set', 'retention=forever'], { env: CREDENTIALS });
  await until('more are here', async () => (await stored(server)) >= FILES / 2 || bereft.status);
  await server.kill();
  assert.ok([5, 7].includes((await bereft.exited).code), 'it does not serve in its place'); // 7: it was faster
  server = await startServer(t, { upstream: upstream.url, settings: KEEPS, dataDir: server.dataDir });
  assert.deepEqual(readdirSync(join(server.dataDir, 'arriving')), [], 'nothing half copied is left');

  const { code, stdout, stderr } = await importFrom(folder, server.dataDir, ['--json']);
  assert.equal(code, 7, stderr);
  const report = JSON.parse(stdout);
  assert.equal(report.adopted + report.already_here, good.size);
  assert.deepEqual([report.conflict, report.broken, report.others], [2, 3, 2]);
  assert.deepEqual(new Set(report.findings.map(({ file }) => file)), new Set(bad.keys()));
  for (const { file, what, reason } of report.findings) {
    assert.equal(what, bad.get(file)[0], file);
    assert.match(reason, bad.get(file)[1]);
  }
  for (const [path, bytes] of good) await playsAs(server, path, bytes);
  for (const [path, bytes] of before) assert.ok(readFileSync(path).equals(bytes), `${path} is as it was`);

  const { json: call } = await requestJson(`${server.url}/api/calls/${dated}`);
  assert.equal(new Date(call.started_at).getTime(), WRITTEN_AT.getTime(), "the call's time is the file's");
  assert.equal(call.recordings.length, 1);
  assert.equal(call.recordings[0].source, 'adopted');
  assert.equal(call.recordings[0].attempts.at(0).outcome, 'adopted');
  assert.equal(await untilDigest(server, dated, call.recordings[0].recording_sid),
    createHash('sha256').update(good.get(`/api/calls/${dated}/download`)).digest('hex'));
  await until('nothing is left of what was under way', () => readdirSync(join(server.dataDir, 'arriving')).length === 0);

  const again = JSON.parse((await importFrom(folder, server.dataDir, ['--json'])).stdout);
  assert.deepEqual([again.adopted, again.already_here], [0, good.size]);
});

test('a recording that Twilio does not give is adopted, and played under its own SID', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: KEEPS });
  const callSid = newSid('CA');
  const recordingSid = await announce(server, callSid, 5);
  const folder = temporaryFolder(t, 'old');
  put(folder, `${callSid}.mp3`, wav(5, 1)); // what it is called says nothing
  const { code, stdout } = await importFrom(folder, server.dataDir);
  assert.equal(code, 0);
  assert.match(stdout, /^1 adopted, 0 already here, 0 in conflict, 0 broken, 0 older than recordings are kept; 0 files/);
  await untilState(server, callSid, 'stored');
  const reply = await request(`${server.url}/api/calls/${callSid}/download`, { headers: { Range: 'bytes=0-1' } });
  assert.equal(reply.status, 206);
  assert.equal(reply.headers['content-type'], 'audio/wav');
  assert.match(reply.headers['content-location'], new RegExp(recordingSid));
  const { entries } = (await requestJson(`${server.url}/api/audit?kind=adopted`)).json;
  assert.deepEqual(entries.map((entry) => entry.recording_sid), [recordingSid]);
});

test('a flight that waits with a part of the file, and the lease of it: the file is adopted all the same', async (t) => {
  const postgres = await startPostgres(lifetime);
  const { serve, upstream, query, schema } = await startLedger(t, postgres);
  const server = await serve('a', { settings: { ...KEEPS, 'fetch.retry_first': '10m', 'fetch.retry_most': '10m' } });
  const recording = gated(upstream, { ranges: true });
  assert.equal((await webhook(server, recording.fields)).status, 200);
  await until('it is fetched', () => recording.gate.requests === 1);
  recording.gate.open(20_000);
  await until('some of it is here', async () => valuesOf(await scrape(server), 'callspool_flights')['state="arriving"'] === 1);
  recording.gate.cut();
  await untilState(server, recording.callSid, 'waiting');
  assert.equal(await query('SELECT COUNT(*) FROM leases'), '1');
  const folder = temporaryFolder(t, 'old');
  put(folder, `${recording.recordingSid}.wav`, wav(20, 1));
  const { code, stdout, stderr } = await importFrom(folder, server.dataDir, ['--set', `database=${postgres.url}&options=-csearch_path%3D${schema}`]);
  assert.equal(code, 0, stdout + stderr);
  await playsAs(server, recording.mediaPath, wav(20, 1));
  assert.equal(recording.gate.requests, 1);
});

test('where no server runs the command adopts by itself', async (t) => {
  const upstream = await startUpstream(t);
  const first = await startServer(t, { upstream: upstream.url, settings: KEEPS });
  await first.finish();
  const folder = temporaryFolder(t, 'old');
  const callSid = newSid('CA');
  put(folder, `${callSid}.mp3`, mp3(1));
  put(folder, `${newSid('CA')}.mp3`, 'nothing that sounds');
  // As root for a server that is another user: what is made is that user's.
  const owner = process.getuid() === 0 ? 65534 : process.getuid();
  if (process.getuid() === 0) for (const name of ['', 'recordings', 'arriving']) chownSync(join(first.dataDir, name), owner, owner);
  const { code, stdout } = await importFrom(folder, first.dataDir);
  for (const name of readdirSync(join(first.dataDir, 'recordings'), { recursive: true }).map(String)) {
    assert.equal(statSync(join(first.dataDir, 'recordings', name)).uid, owner, name);
  }
  if (process.getuid() === 0) for (const name of ['', 'recordings', 'arriving']) chownSync(join(first.dataDir, name), 0, 0);
  assert.equal(code, 7);
  assert.match(stdout, /^broken: .*\.mp3: it is /m);
  assert.match(stdout, /^1 adopted, 0 already here, 0 in conflict, 1 broken/m);
  const server = await startServer(t, { upstream: upstream.url, settings: KEEPS, dataDir: first.dataDir });
  await playsAs(server, `/api/calls/${callSid}/download`, mp3(1));
});

test('what is older than recordings are kept is left, and counted', async (t) => {
  const server = await startServer(t, { settings: { retention: '7d' } });
  const folder = temporaryFolder(t, 'old');
  put(folder, `${newSid('CA')}.wav`, wav(1, 1));
  writeFileSync(join(folder, `${newSid('CA')}.wav`), wav(1, 2)); // of today
  const { code, stdout } = await importFrom(folder, server.dataDir, ['--set', 'retention=7d', '--json']);
  assert.equal(code, 0);
  const { adopted, expired } = JSON.parse(stdout);
  assert.deepEqual([adopted, expired], [1, 1]);
});

test('what is asked wrongly changes nothing', async (t) => {
  const server = await startServer(t);
  const sid = newSid('RE');
  const path = `${server.url}/api/recordings/${sid}/adopt`;
  const post = (body, url = path) => requestJson(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });
  const good = { staged: 2 ** 61, recorded_at: '2026-03-04T05:06:07Z' };
  assert.equal((await callspool(['import'])).code, 2);
  assert.equal((await importFrom('/no/such/folder', server.dataDir)).code, 3);
  for (const [body, url] of [[{}], [{ ...good, staged: 17 }], [{ ...good, recorded_at: 'once' }], [{ ...good, call_sid: '../x' }], [good, path.replace(sid, 'RE1')]]) {
    assert.equal((await post(body, url)).status, 400, JSON.stringify(body));
  }
  // A flight's file has a generation in its name: no number that is taken here.
  writeFileSync(join(server.dataDir, 'arriving', `${sid}.17`), wav(1, 1));
  assert.equal((await post(good)).status, 404);
  assert.deepEqual(readdirSync(join(server.dataDir, 'arriving')), [`${sid}.17`]);
});
