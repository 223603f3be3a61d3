// callspool rebuild: a damaged ledger, made anew from what is left of it, the store and Twilio's list.
import test from 'node:test';
import assert from 'node:assert/strict';
import { closeSync, copyFileSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { callspool, pathOf, startServer, untilState } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { Caller, SIGN_IN, addLink, addToken, firstAdministrator, startWithPeople } from './harness/people.js';
import { run, temporaryFolder } from './harness/process.js';
import { SEED, seeded } from './harness/seeded.js';
import { startStored, store } from './harness/stored.js';
import { until } from './harness/until.js';

const PAGE = 4096;
const of = (server) => ['--set', `data_dir=${server.dataDir}`];
const sql = async (dataDir, statement) => {
  const { code, stdout, stderr } = await run('sqlite3', [join(dataDir, 'ledger.db'), statement]);
  assert.equal(code, 0, stderr);
  return stdout.trim();
};
async function rebuild(server, code = 0, ...args) {
  const ended = await callspool(['rebuild', '--json', ...args, ...of(server)]);
  assert.equal(ended.code, code, ended.stderr + ended.stdout);
  return code === 0 ? JSON.parse(ended.stdout) : ended.stderr;
}
function overwrite(path, pages, bytesOf) {
  const fd = openSync(path, 'r+');
  for (const page of pages) writeSync(fd, bytesOf(page), 0, PAGE, (page - 1) * PAGE);
  closeSync(fd);
}
async function assertPlays(server, { mediaPath, bytes }) {
  const { status, body, headers } = await request(`${server.url}${mediaPath}`);
  assert.equal(status, 200, body.toString());
  assert.ok(body.equals(bytes));
  return headers.etag;
}
const change = (server, method, path, body) => requestJson(`${server.url}${path}`, {
  method, headers: { 'Content-Type': 'application/json' }, body: body && JSON.stringify(body),
});

const ROUNDS = [
  { what: 'the first page', garbled: (page) => page === 1 },
  { what: 'a third of all', garbled: (page, below) => page === 2 || below(3) === 0, zeros: true },
  { what: 'all of it', garbled: () => true },
];

test('pages at random are overwritten: no recording is lost that the store or Twilio has', async (t) => {
  const below = seeded(41); // below(n): from 0 to n - 1
  t.diagnostic(`seed ${SEED}`);
  const { server, upstream, recording: held } = await startStored(t, { recording: { seconds: 1 } });
  const [deleted, listed, ...others] = await Promise.all(Array.from({ length: 5 }, () => store(server, upstream, { seconds: 1 })));
  assert.equal((await change(server, 'POST', `/api/recordings/${held.recordingSid}/hold`, { reason: 'a dispute' })).status, 200);
  assert.equal((await change(server, 'DELETE', `/api/recordings/${deleted.recordingSid}`)).status, 200);
  const kept = [held, listed, ...others];
  const etags = await Promise.all(kept.map((each) => assertPlays(server, each)));
  const lostPath = await pathOf(server, listed.callSid);
  await server.finish();
  await sql(server.dataDir, `UPDATE recordings SET upstream_copy = 3 WHERE recording_sid = '${others[0].recordingSid}'`); // Twilio's is the better one
  await sql(server.dataDir, 'PRAGMA wal_checkpoint(TRUNCATE)');
  const ledger = join(server.dataDir, 'ledger.db');
  const pristine = readFileSync(ledger);
  const attempts = Number(await sql(server.dataDir, 'SELECT MAX(id) FROM attempts'));
  assert.match(await rebuild(server, 4), /nothing is wrong with the ledger/);
  // It is in Twilio's list alone from here on.
  upstream.recordings.get(listed.recordingSid).listed = true;
  rmSync(lostPath);

  for (const { what, garbled, zeros } of ROUNDS) {
    for (const name of readdirSync(server.dataDir)) if (name.startsWith('ledger.db')) rmSync(join(server.dataDir, name));
    writeFileSync(ledger, pristine);
    const pages = Array.from({ length: pristine.length / PAGE }, (_, i) => i + 1).filter((page) => garbled(page, below));
    overwrite(ledger, pages, () => (zeros ? Buffer.alloc(PAGE) : Buffer.from(Array.from({ length: PAGE }, () => below(256)))));
    const damaged = readFileSync(ledger);
    const report = await rebuild(server);
    t.diagnostic(`${what}: ${JSON.stringify(report)}`);
    assert.ok(readFileSync(join(server.dataDir, report.set_aside)).equals(damaged), 'the old one is there, as it was');
    assert.equal(await sql(server.dataDir, 'PRAGMA integrity_check'), 'ok', what);
    assert.ok(Number(await sql(server.dataDir, "SELECT seq FROM sqlite_sequence WHERE name = 'attempts'")) > attempts, 'no generation is given twice');
    if (what === 'the first page') {
      assert.deepEqual([report.events_missing, report.stored, report.adopted, report.held, report.removed], [0, 4, 0, 1, 1], JSON.stringify(report));
      assert.equal(await sql(server.dataDir, 'SELECT recording_sid FROM recordings WHERE upstream_copy = 3'), others[0].recordingSid, "Twilio's copy is needed still");
    }
    const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir, settings: { reconcile_interval: '1h' } });
    for (const [i, each] of kept.entries()) {
      await untilState(again, each.callSid, 'stored');
      const etag = await assertPlays(again, each);
      if (each === listed) assert.notEqual(etag, etags[i], 'fetched anew, it has another');
      else if (what === 'the first page') assert.equal(etag, etags[i], 'the same file, the same ETag');
    }
    if (what === 'all of it') await until('the store is whole', async () => (await callspool(['verify', ...of(again)])).code === 0);
    const fetched = await pathOf(again, listed.callSid);
    await again.finish(); // its digest and waveform may be still to come
    rmSync(fetched);
  }
});

test('stopped between the names: no server starts, and called again it comes to its end; where the ledger is gone the store makes one', async (t) => {
  const { server, upstream, recording } = await startStored(t, { recording: { seconds: 1 } });
  await server.finish();
  const ledger = join(server.dataDir, 'ledger.db');
  copyFileSync(ledger, `${ledger}.whole`);
  overwrite(ledger, [1, 3], () => Buffer.alloc(PAGE, 7));
  const damaged = readFileSync(ledger);
  writeFileSync(`${ledger}.rebuilding`, 'of one that was killed');
  const refused = await callspool(['serve', ...of(server), '--set', 'listen=127.0.0.1:0', '--set', 'auth=none']);
  assert.deepEqual([refused.code, /run callspool rebuild again/.test(refused.stderr)], [4, true], refused.stderr);
  // As it is once all but the names is done.
  rmSync(`${ledger}.rebuilding`);
  renameSync(`${ledger}.whole`, `${ledger}.rebuilt`);
  writeFileSync(`${ledger}-wal`, 'a log of the old one');
  const { set_aside: aside } = await rebuild(server);
  assert.ok(readFileSync(join(server.dataDir, aside)).equals(damaged));
  assert.equal(readFileSync(join(server.dataDir, `${aside}-wal`), 'utf8'), 'a log of the old one');
  assert.ok(!existsSync(`${ledger}-wal`) && !existsSync(`${ledger}.rebuilt`));
  const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir });
  await assertPlays(again, recording);
  assert.match(await rebuild(server, 4), /another process|in use|runs/);
  await again.finish();

  rmSync(ledger);
  assert.deepEqual([(await rebuild(server)).adopted], [1]);
  const last = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir });
  await assertPlays(last, recording);
  assert.match(await rebuild({ dataDir: join(server.dataDir, 'nothing') }, 3), /there is no folder/);
});

test('who may use it: users, tokens and links go on, sessions end, what was revoked stays so', async (t) => {
  const { server, upstream, recording } = await startWithPeople(t);
  const ruth = await firstAdministrator(server);
  const token = await addToken(ruth, 'read');
  const revoked = await addToken(ruth, 'read');
  const link = await addLink(ruth, recording);
  await ruth.asks(200, 'DELETE', `/api/tokens/${revoked.name}`);
  await server.finish();
  overwrite(join(server.dataDir, 'ledger.db'), [2], () => Buffer.alloc(PAGE, 0xff)); // no page of theirs
  const report = await rebuild(server, 0, '--though-whole');
  assert.deepEqual([report.users, report.tokens, report.links], [1, 1, 1], JSON.stringify(report));
  const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir, settings: SIGN_IN });
  const bearer = ({ bearer: secret }) => requestJson(`${again.url}/api/calls`, { headers: { Authorization: `Bearer ${secret}` } });
  assert.equal((await bearer(token)).status, 200);
  assert.equal((await bearer(revoked)).status, 401);
  const ruthAgain = new Caller(again);
  assert.equal((await ruthAgain.signIn('ruth')).status, 200);
  assert.equal((await ruthAgain.asks(200, 'GET', '/api/links')).json.links[0].name, link.name);
});

test('a user who was removed does not come back: not of a page that was given up, and of one that merely looks like it disabled', async (t) => {
  const { server, upstream } = await startWithPeople(t);
  const ruth = await firstAdministrator(server);
  const token = await addToken(ruth, 'read');
  await server.finish();
  const ledger = join(server.dataDir, 'ledger.db');
  // Enough of them for pages of their own, which are given up without being wiped.
  await sql(server.dataDir, `PRAGMA secure_delete = OFF;
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
    INSERT INTO users (id, source, name, full_name, role, password_hash, is_disabled, made_at_ms, changed_seq)
      SELECT 1000 + i, 0, 'removed' || i, hex(zeroblob(100)), 2, '$argon2id$' || hex(zeroblob(40)), 0, 1700000000000, 1000 + i FROM n;
    PRAGMA wal_checkpoint(TRUNCATE);
    DELETE FROM users WHERE id >= 1000; PRAGMA wal_checkpoint(TRUNCATE)`);
  assert.ok(readFileSync(ledger).includes('removed77'), 'its page still holds what was removed');
  const pristine = readFileSync(ledger);
  const report = await rebuild(server, 0, '--though-whole');
  assert.deepEqual([report.users, report.users_disabled, report.tokens], [1, 0, 1], JSON.stringify(report));
  assert.equal(await sql(server.dataDir, 'SELECT name, is_disabled FROM users'), 'ruth|0');
  // Without the first page nobody knows which are given up.
  for (const name of readdirSync(server.dataDir)) if (name.startsWith('ledger.db')) rmSync(join(server.dataDir, name));
  writeFileSync(ledger, pristine);
  overwrite(ledger, [1], () => Buffer.alloc(PAGE, 1));
  const blind = await rebuild(server);
  assert.ok(blind.users_disabled > 1 && blind.users_disabled === blind.users && blind.tokens === 0, JSON.stringify(blind));
  assert.equal(await sql(server.dataDir, 'SELECT COUNT(*) FROM users WHERE is_disabled = 0'), '0');
  assert.equal((await callspool(['user', 'enable', 'ruth', ...of(server)])).code, 0);
  const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir, settings: SIGN_IN });
  assert.equal((await new Caller(again).signIn('ruth')).status, 200);
  assert.equal((await requestJson(`${again.url}/api/calls`, { headers: { Authorization: `Bearer ${token.bearer}` } })).status, 401);
});

test('a call with two recordings: its address goes on to mean the one that it meant', async (t) => {
  const { server, upstream, recording } = await startStored(t, { recording: { seconds: 1 } });
  const second = await store(server, upstream, { seconds: 2, callSid: recording.callSid });
  const meant = async (where) => (await request(`${where.url}${recording.downloadPath}`)).headers['content-location'];
  const before = await meant(server);
  assert.match(before, new RegExp(recording.recordingSid));
  await server.finish();
  // The events that told of the first are lost.
  await sql(server.dataDir, `DELETE FROM events WHERE recording_sid = '${recording.recordingSid}'`);
  overwrite(join(server.dataDir, 'ledger.db'), [1], () => Buffer.alloc(PAGE, 1));
  await rebuild(server);
  const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir });
  assert.equal(await meant(again), before);
  await assertPlays(again, recording);
  await assertPlays(again, second);
});

test('the disk of the store is not mounted, or not all of it: nothing is changed, and it is said', async (t) => {
  const { server, upstream, recording } = await startStored(t, { recording: { seconds: 1 } });
  const recordings = [recording, ...await Promise.all(Array.from({ length: 4 }, () => store(server, upstream, { seconds: 1 })))];
  const paths = await Promise.all(recordings.map(({ callSid }) => pathOf(server, callSid)));
  await server.finish();
  const [ledger, folder] = [join(server.dataDir, 'ledger.db'), join(server.dataDir, 'recordings')];
  overwrite(ledger, [1], () => Buffer.alloc(PAGE, 1));
  const damaged = readFileSync(ledger);
  const assertRefused = async (pattern) => {
    assert.match(await rebuild(server, 5), pattern);
    assert.ok(readFileSync(ledger).equals(damaged));
    assert.deepEqual(readdirSync(server.dataDir).filter((name) => /rebuil|damaged-/.test(name)), []);
  };
  renameSync(folder, `${folder}.away`);
  mkdirSync(folder);
  await assertRefused(/of 5 recordings that the ledger calls stored 5 have no file in the store: is its disk mounted/);
  // One volume of several.
  const there = join(folder, basename(dirname(paths[0])));
  mkdirSync(there);
  copyFileSync(paths[0].replace(folder, `${folder}.away`), join(there, basename(paths[0])));
  await assertRefused(/calls stored 4 have no file/);
  overwrite(ledger, Array.from({ length: damaged.length / PAGE }, (_, i) => i + 1), () => Buffer.alloc(PAGE, 1));
  rmSync(there, { recursive: true });
  assert.match(await rebuild(server, 5), /nothing can be read of the ledger, and the store holds no folder/);
  rmSync(ledger);
  assert.match(await rebuild(server, 3), /there is no ledger, and the store holds no folder/);
  writeFileSync(ledger, damaged);
  rmSync(folder, { recursive: true });
  renameSync(`${folder}.away`, folder);
  const report = await rebuild(server);
  assert.deepEqual([report.stored, report.to_fetch], [5, 0], JSON.stringify(report));
  const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir });
  for (const each of recordings) await assertPlays(again, each);
  await again.finish();
  for (const path of paths) rmSync(path);
  assert.match(await rebuild(server, 5, '--though-whole'), /is its disk mounted/);
  assert.equal((await rebuild(server, 0, '--though-whole', '--though-files-missing')).to_fetch, 5);
});

test('files that are damaged, and known to be: none is played under the ETag of what it was', async (t) => {
  const { server, upstream, recording: flipped } = await startStored(t, { recording: { seconds: 2 } });
  const [cut, rowless, other, older, alone] = await Promise.all(Array.from({ length: 5 }, () => store(server, upstream, { seconds: 2 })));
  await sql(server.dataDir, 'UPDATE recordings SET completed_at_ms = completed_at_ms - 3600000'); // or a 404 means "not yet"
  const all = [flipped, cut, rowless, other, older, alone];
  const etags = await Promise.all(all.map((each) => assertPlays(server, each)));
  const paths = await Promise.all(all.map(({ callSid }) => pathOf(server, callSid)));
  const inStore = (path) => path.split('/recordings/')[1];
  await server.finish();
  const flip = (path) => {
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] ^= 0x20;
    rmSync(path);
    writeFileSync(path, bytes);
  };
  copyFileSync(paths[4], paths[4].replace(/\.(\d+)\.mp3$/, '.1.mp3'));
  for (const path of [paths[0], paths[2], paths[4], paths[5]]) flip(path);
  upstream.recordings.delete(alone.recordingSid);
  writeFileSync(paths[1], readFileSync(paths[1]).subarray(0, -4000));
  // What verify knew, as it was killed before anything was fetched anew; and rows that are lost, with Twilio's.
  const fault = (n, kind, state) => `INSERT INTO store_faults VALUES ('${inStore(paths[n])}', ${kind}, ${state}, '${all[n].callSid}', '${all[n].recordingSid}', 1, 1700000000000, 1700000000000, 0, 'known');`;
  const lose = ({ recordingSid, callSid }) => `PRAGMA foreign_keys = OFF; DELETE FROM events WHERE recording_sid = '${recordingSid}'; DELETE FROM attempts WHERE recording_id = (SELECT id FROM recordings WHERE recording_sid = '${recordingSid}');
    DELETE FROM recordings WHERE recording_sid = '${recordingSid}'; DELETE FROM calls WHERE call_sid = '${callSid}';`;
  await sql(server.dataDir, `${fault(0, 2, 1)} UPDATE recordings SET state = 1, reason_code = 'lost' WHERE recording_sid = '${flipped.recordingSid}';
    UPDATE recordings SET state = 1, reason_code = 'other_bytes' WHERE recording_sid = '${other.recordingSid}';
    ${fault(4, 2, 1)} ${fault(5, 2, 1)} ${lose(rowless)} ${lose(older)} ${lose(alone)}
    INSERT INTO upkeep VALUES ('clock', 1700000000000, 0, '') ON CONFLICT (name) DO UPDATE SET at_ms = 1700000000000`);
  const report = await rebuild(server, 0, '--though-whole');
  assert.deepEqual([report.stored, report.adopted, report.to_fetch], [0, 3, 3], JSON.stringify(report));
  assert.equal(await sql(server.dataDir, "SELECT at_ms FROM upkeep WHERE name = 'clock'"), '1700000000000', 'the clock is believed as far as it was');
  assert.equal(await sql(server.dataDir, 'SELECT kind, state FROM store_faults WHERE kind IN (1, 2) ORDER BY kind, state'), '1|1\n2|1\n2|1\n2|3');
  const needed = (await sql(server.dataDir, 'SELECT recording_sid FROM recordings WHERE upstream_copy = 3')).split('\n');
  assert.deepEqual(needed.sort(), [rowless, older, alone].map((each) => each.recordingSid).sort(), "Twilio's copy is not deleted for bytes that nobody knows");
  const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir });
  for (const each of [flipped, cut, other]) await untilState(again, each.callSid, 'stored');
  for (const [i, each] of [[0, flipped], [1, cut], [3, other], [4, older]]) assert.notEqual(await assertPlays(again, each), etags[i], 'another file, another ETag');
  assert.notEqual((await request(`${again.url}${rowless.mediaPath}`)).headers.etag, etags[2], 'what nobody knows to be as it was neither');
  const played = await request(`${again.url}${alone.mediaPath}`);
  assert.deepEqual([played.status, played.headers.etag === etags[5]], [200, false], 'a damaged file is better than none');
});

test('a bit of a row has turned: no recording is removed, no hold is lost, no damaged file is played as whole', async (t) => {
  const { server, upstream, recording: purged } = await startStored(t, { recording: { seconds: 2 } });
  const [held, odd, lost, removed] = await Promise.all(Array.from({ length: 4 }, () => store(server, upstream, { seconds: 2 })));
  const all = [purged, held, odd, lost];
  const etags = await Promise.all(all.map((each) => assertPlays(server, each)));
  const path = await pathOf(server, lost.callSid);
  for (const each of [held, odd]) assert.equal((await change(server, 'POST', `/api/recordings/${each.recordingSid}/hold`, { reason: 'a dispute' })).status, 200);
  assert.equal((await change(server, 'DELETE', `/api/recordings/${removed.recordingSid}`)).status, 200);
  await server.finish();
  const bytes = readFileSync(path);
  bytes[bytes.length >> 1] ^= 0x20;
  writeFileSync(path, bytes);
  const set = (each, what) => `UPDATE recordings SET ${what} WHERE recording_sid = '${each.recordingSid}';`;
  await sql(server.dataDir, set(purged, 'state = 7') + set(held, 'state = 7') + set(odd, "sha256 = 'no digest'") + set(lost, "state = 1, reason_code = 'lost'"));
  const report = await rebuild(server, 0, '--though-whole');
  assert.deepEqual([report.stored, report.held, report.removed, report.rows_broken, report.to_fetch], [3, 2, 1, 3, 1], JSON.stringify(report));
  assert.equal(await sql(server.dataDir, 'SELECT kind, state FROM store_faults'), '2|1');
  const again = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir });
  await untilState(again, lost.callSid, 'stored');
  for (const [i, each] of all.entries()) assert.equal(await assertPlays(again, each) === etags[i], each !== lost, 'as it was, or fetched anew');
  for (const each of [held, odd]) assert.equal((await change(again, 'DELETE', `/api/recordings/${each.recordingSid}`)).status, 409, 'it is held');
  assert.equal((await request(`${again.url}${removed.mediaPath}`)).status, 410);
});

test('garbage in rows: no number near the end of what there is, and none that cannot be', async (t) => {
  const { server, upstream, recording } = await startStored(t, { recording: { seconds: 1 } });
  const [near, far] = [await store(server, upstream, { seconds: 1 }), await store(server, upstream, { seconds: 1 })];
  await server.finish();
  const [NEAR, FAR] = ['281474976710000', '9223372036854775807'];
  const where = (each) => `WHERE recording_sid = '${each.recordingSid}'`;
  const garble = (n, each) => `UPDATE recordings SET generation = ${n}, changed_seq = ${n}, started_at_ms = ${n}, completed_at_ms = ${n}, duration_s = ${n}, channels = ${n}, error_code = ${n}, stored_at_ms = ${n},
      generation_at_ms = ${n}, duration_ms = ${n}, channels_stored = ${n}, upstream = ${n}, upstream_copy = ${n} ${where(each)};
    UPDATE events SET received_at_ms = ${n}, started_at_ms = ${n}, timestamp_ms = ${n}, duration_s = ${n}, channels = ${n}, error_code = ${n}, sequence_number = ${n} ${where(each)};
    UPDATE events SET seq = ${n} WHERE seq = (SELECT MAX(seq) FROM events ${where(each)});
    UPDATE calls SET status = ${n}, started_at_ms = ${n}, ended_at_ms = ${n}, duration_s = ${n}, changed_seq = ${n} WHERE call_sid = '${each.callSid}';`;
  await sql(server.dataDir, `${garble(NEAR, near)} ${garble(FAR, far)} INSERT INTO users VALUES (${FAR}, 0, 'garbage', NULL, 2, '$argon2id$', 0, 1700000000000, NULL, 1), (7, 0, 'more', NULL, 77, '$argon2id$', 0, 1700000000000, NULL, 1)`);
  for (let again = 0; again < 2; again++) {
    const report = await rebuild(server, 0, '--though-whole');
    assert.deepEqual([report.stored + report.adopted, report.events_missing < 100, report.users], [3, true, 0], JSON.stringify(report));
    const [highest, event, sequence] = (await sql(server.dataDir, "SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'attempts'), (SELECT MAX(seq) FROM events), (SELECT MAX(seq) FROM turns)")).split('|').map(Number);
    assert.ok(highest < 2 ** 40 && sequence < 2 ** 40 && event < 2 ** 40, `${highest} ${sequence} ${event}`);
  }
  const last = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir });
  for (const each of [recording, near, far]) {
    await assertPlays(last, each);
    const { json: call } = await requestJson(`${last.url}/api/calls/${each.callSid}`);
    const { started_at: startedAt, duration } = call.recordings[0];
    assert.ok((startedAt ?? '2026') < '2100' && (duration ?? 1) < 2 ** 32, JSON.stringify(call));
  }
});

const DAY_MS = 86_400_000;
const BACK = {
  async rebuilt(server) {
    await server.finish();
    // As if the row had been on a damaged page, and is told by its events alone.
    await sql(server.dataDir, 'UPDATE recordings SET is_held = 0, hold_by = NULL, hold_since_ms = NULL, hold_reason = NULL');
    await rebuild(server, 0, '--though-whole');
    return server.dataDir;
  },
  async restored(server, folder) {
    await server.finish();
    const dataDir = `${server.dataDir}.restored`;
    const { code, stderr } = await callspool(['restore', folder, '--set', `data_dir=${dataDir}`]);
    assert.equal(code, 0, stderr);
    return dataDir;
  },
};
for (const [word, bringBack] of Object.entries(BACK)) {
  test(`a hold that the ledger lost, which was ${word}: nothing is removed until a person says so`, async (t) => {
    const { server, upstream } = await startStored(t, { recording: { seconds: 1 }, settings: { retention: 'forever' } });
    const RecordingStartTime = new Date(Date.now() - 10 * DAY_MS).toUTCString().replace('GMT', '+0000');
    const held = await store(server, upstream, { seconds: 1, fields: { RecordingStartTime } });
    const folder = join(temporaryFolder(t), 'backup');
    assert.equal((await callspool(['backup', folder, ...of(server)])).code, 0);
    assert.equal((await change(server, 'POST', `/api/recordings/${held.recordingSid}/hold`, { reason: 'a dispute' })).status, 200);
    const dataDir = await bringBack(server, folder);
    const again = await startServer(t, { upstream: upstream.url, dataDir, settings: { retention: '3d', purge_grace: '1d', reconcile_interval: '1h' } });
    await again.line(new RegExp(`level=warn msg="what is older than it is kept is not removed now: the ledger was ${word}, and holds may be lost`));
    const { json: health } = await requestJson(`${again.url}/api/health`);
    assert.ok(health.causes.some((cause) => cause.startsWith(`Removal waits: the ledger was ${word}`)), JSON.stringify(health.causes));
    assert.equal((await requestJson(`${again.url}/health`)).json.degraded, true);
    const dry = await callspool(['purge', '--dry-run', ...of(again)]);
    assert.match(dry.stdout, new RegExp(`^1 recordings are older [^]*not now: the ledger was ${word}, .*callspool purge --resume`), dry.stderr);
    const refused = await callspool(['purge', ...of(again)]);
    assert.deepEqual([refused.code, /holds may be lost/.test(refused.stderr)], [4, true], refused.stderr);
    assert.ok(existsSync(await pathOf(again, held.callSid)));
    const over = await until("a day is counted by Twilio's time", async () => (await requestJson(`${again.url}/api/purge`)).json.pause?.match(/removed before (\S+);/)?.[1]);
    assert.ok(Math.abs(Date.parse(over) - Date.now() - DAY_MS) < 120_000, over);
    assert.match((await callspool(['purge', '--resume', ...of(again)])).stdout, /^1 recordings were older than they are kept, and are removed/);
    assert.deepEqual((await requestJson(`${again.url}/api/health`)).json.causes.filter((cause) => /Removal/.test(cause)), []);
    const { json: { entries } } = await requestJson(`${again.url}/api/audit?kind=purge_resumed`);
    assert.equal(entries.length, 1);
    assert.equal((await callspool(['purge', '--dry-run', '--resume', ...of(again)])).code, 2);
  });
}
