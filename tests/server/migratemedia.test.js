// Media moves from files into a bucket while the server serves, with the ledger or alone.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { callspool, startDisk, untilState } from './harness/callspool.js';
import { request } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { SWITCH_MOST_MS, TWILIO_WAITS_MS, ask, begin, database, heads, listed, play, plays, postTogether, refusedBy, requestAdmin, serve, startLarge, startMoving, startSenders, status, timeSwitch } from './harness/moving.js';
import { run, temporaryFolder } from './harness/process.js';
import { startS3 } from './harness/s3_store.js';
import { store } from './harness/stored.js';
import { until } from './harness/until.js';
import { CALL_STATUS, callCallback, postForm } from './harness/webhook.js';

let upstream;

lifetime.after(() => {}); // registered here, and not within a hook, where its end would be that of the hook
before(async () => { ({ upstream } = await startMoving()); });

describe('media into a bucket', () => {
  let s3;
  before(async () => { s3 = await startS3(lifetime); });

  test('every recording is there and plays as before; a file that is rotten is named, mended by verify, and brought then', async (t) => {
    const there = await database();
    const bucket = await s3.bucket();
    const { store: place, ...settings } = bucket.settings;
    const server = await serve(t, { settings, env: bucket.env, expectErrors: [/is lost, and queued|bytes are not those/] });
    const recordings = [await store(server, upstream), await store(server, upstream, { format: 'mp3', seconds: 20 })];
    const rotten = await store(server, upstream);
    const removed = await store(server, upstream);
    const spoilt = await store(server, upstream);
    await until('waveforms are made', () => readdirSync(join(server.dataDir, 'recordings'), { recursive: true }).filter((name) => name.endsWith('.peaks')).length === 5);
    const before = await heads(server, recordings);
    const file = readdirSync(join(server.dataDir, 'recordings'), { recursive: true }).find((name) => name.includes(rotten.recordingSid) && name.endsWith('.mp3'));
    const bytes = readFileSync(join(server.dataDir, 'recordings', file));
    bytes[1000] ^= 1;
    writeFileSync(join(server.dataDir, 'recordings', file), bytes);

    const args = ['--to', there.url, '--store', place];
    const { code, stderr } = await ask(server, args, settings);
    assert.equal(code, 4, stderr);
    assert.ok(stderr.includes(file), stderr);
    assert.match(stderr, /callspool verify mends/);
    await plays(server, recordings, before);
    // What was brought already is as long as it was, and something else.
    const [spoiltKey] = (await bucket.list()).filter((key) => key.includes(spoilt.recordingSid) && key.endsWith('.mp3'));
    await bucket.put(spoiltKey, Buffer.from(spoilt.bytes).fill(0, 500, 600));

    const verified = await callspool(['verify', '--set', `data_dir=${server.dataDir}`]);
    assert.equal(verified.code, 7, verified.stderr);
    await untilState(server, rotten.callSid, 'stored');
    assert.equal((await request(`${server.url}/api/recordings/${removed.recordingSid}`, { method: 'DELETE' })).status, 200);
    const late = await store(server, upstream);
    const all = [...recordings, rotten, spoilt, late];
    const asBefore = await heads(server, all);
    const senders = startSenders(server, 1);
    const moved = await ask(server, args, settings);
    assert.equal(moved.code, 0, moved.stderr);
    assert.ok(moved.stdout.includes(`\nstore = ${place}\n`));
    await senders.stop();
    assert.deepEqual(senders.refused, []);
    await plays(server, all, asBefore);
    assert.ok((await bucket.get(spoiltKey)).equals(spoilt.bytes), 'what was something else is put there anew');
    const keys = await bucket.list();
    for (const one of all) assert.ok(keys.some((key) => key.includes(one.recordingSid) && key.endsWith('.mp3')));
    assert.ok(keys.some((key) => key.endsWith('.peaks')));
    assert.ok(keys.every((key) => !key.includes(removed.recordingSid)), 'what was deleted meanwhile is not there');
    assert.ok(!existsSync(join(server.dataDir, 'recordings')));
    assert.ok(existsSync(join(server.dataDir, 'recordings.moved')));
    assert.equal((await play(server, removed)).status, 410);
    const another = await store(server, upstream);
    assert.ok((await bucket.list()).some((key) => key.includes(another.recordingSid)), 'what comes now goes there');
    await server.stop('SIGTERM');
    const next = await serve(t, { dataDir: server.dataDir, settings: { ...bucket.settings, database: there.url }, env: bucket.env });
    await plays(next, all, asBefore);
  });

  test('media alone: killed in the middle it goes on, the ledger stays in its file, and another move may follow', async (t) => {
    const bucket = await s3.bucket();
    const door = await s3.door(t);
    const { store: place, ...settings } = { ...bucket.settings, 's3.endpoint': door.url };
    let server = await serve(t, { settings, env: bucket.env });
    const { dataDir } = server;
    const recordings = [await store(server, upstream), await store(server, upstream, { format: 'wav' })];
    const removed = await store(server, upstream);
    const before = await heads(server, recordings);
    door.denies = /CA/;
    const killed = begin(server, ['--store', place], settings);
    await until('it waits for the bucket', async () => /refuses|denied|bucket/i.test((await requestAdmin(server)).failed?.error));
    await server.kill();
    await killed;
    server = await serve(t, { dataDir, settings, env: bucket.env });
    const begun = await status(server);
    assert.deepEqual([begun.state, begun.to, begun.store], ['paused', null, place], 'it says that a move has begun');
    door.denies = undefined;
    assert.equal((await request(`${server.url}/api/recordings/${removed.recordingSid}`, { method: 'DELETE' })).status, 200);
    const senders = startSenders(server, 1);
    const moved = await ask(server, ['--store', place], settings);
    assert.equal(moved.code, 0, moved.stderr);
    assert.ok(moved.stdout.includes(`\nstore = ${place}\n`) && !moved.stdout.includes('database'), moved.stdout);
    await senders.stop();
    assert.deepEqual(senders.refused, []);
    await plays(server, recordings, before);
    const late = await store(server, upstream);
    const keys = await bucket.list();
    for (const { recordingSid } of [...recordings, late]) assert.ok(keys.some((key) => key.includes(recordingSid) && /(mp3|wav)$/.test(key)));
    assert.ok(keys.every((key) => !key.includes(removed.recordingSid)));
    assert.ok(existsSync(join(dataDir, 'recordings.moved')));
    const tables = await run('sqlite3', ['-readonly', join(dataDir, 'ledger.db'), "SELECT COUNT(*) FROM sqlite_master WHERE name LIKE 'departing%'"]);
    assert.equal(tables.stdout.trim(), '0', 'nothing is noted any more');
    assert.match((await ask(server, ['--store', place], settings)).stdout, /^moved/);
    const unread = await ask(server, ['--store', place, '--verify-media'], settings);
    assert.equal(unread.code, 4, unread.stderr);
    assert.match(unread.stderr, /it was moved without --verify-media: callspool verify reads/);
    await server.stop('SIGTERM');
    await refusedBy(['serve'], { data_dir: dataDir, auth: 'none', listen: '127.0.0.1:0' }, 4, /were moved into a bucket, and are served with store = s3:/);
    server = await serve(t, { dataDir, settings: { ...settings, store: place }, env: bucket.env });
    await plays(server, recordings, before);
    for (const sid of senders.acknowledged) assert.ok(await listed(server, sid));
    assert.match((await ask(server, ['--store', `${place}2`], settings)).stderr, /lie in a bucket already/);
    const there = await database();
    assert.equal((await ask(server, ['--to', there.url], { ...settings, store: place })).code, 0);
    await plays(server, recordings, before);
    await server.stop('SIGTERM');
    await refusedBy(['serve'], { data_dir: dataDir, database: there.url, auth: 'none', listen: '127.0.0.1:0' }, 4, /were moved into a bucket/);
  });

  test('media alone, and killed before anybody was served from the bucket: the next start goes on, with the settings of before', async (t) => {
    const bucket = await s3.bucket();
    const { store: place, ...settings } = bucket.settings;
    const server = await serve(t, { settings, env: bucket.env });
    const { dataDir } = server;
    const recordings = [await store(server, upstream)];
    const before = await heads(server, recordings);
    const query = async (sql) => {
      const { code, stdout, stderr } = await run('sqlite3', [join(dataDir, 'ledger.db'), '.timeout 5000', sql]);
      assert.equal(code, 0, stderr);
      return stdout.trim();
    };
    const count = () => query("SELECT count FROM upkeep WHERE name = 'moved_store'");
    // As it is in between: the ledger does not say yet that anybody was.
    await query("CREATE TRIGGER held BEFORE UPDATE ON upkeep WHEN OLD.name = 'moved_store' AND OLD.count > NEW.count BEGIN SELECT RAISE(ABORT, 'held'); END");
    assert.equal((await ask(server, ['--store', place], settings)).code, 0);
    await server.line(/does not say that what was moved has arrived: .*held/);
    await server.kill();
    assert.equal(await count(), '1');
    await query('DROP TRIGGER held');
    const next = await serve(t, { dataDir, settings, env: bucket.env });
    await next.line(/the ledger was moved: the settings file has to say, before the next start: store=/);
    await plays(next, recordings, before);
    await until('it says so', async () => await count() === '0');
    await next.stop('SIGTERM');
    await refusedBy(['serve'], { data_dir: dataDir, auth: 'none', listen: '127.0.0.1:0' }, 4, /were moved into a bucket, and are served with store = s3:/);
  });

  test('--verify-media reads every object back, and puts anew what is not what was put there', async (t) => {
    const there = await database();
    const bucket = await s3.bucket();
    const door = await s3.door(t);
    const { store: place, ...settings } = { ...bucket.settings, 's3.endpoint': door.url };
    const { server: first, recordings, before } = await startLarge(t, { settings, env: bucket.env });
    let server = first;
    recordings.push(await store(server, upstream));
    before.push(...await heads(server, recordings.slice(1)));
    const args = ['--to', there.url, '--store', place];
    const held = await there.hold(t, 'calls');
    const ended = begin(server, args, settings);
    await held.reached(ended);
    const late = await ask(server, [...args, '--verify-media'], settings);
    assert.equal(late.code, 4, 'what is under way does not read back: that is said');
    assert.match(late.stderr, /without --verify-media: --pause it, and ask again/);
    assert.equal((await ask(server, ['--pause'], settings)).code, 0);
    await ended;
    await held.release();
    const key = (await bucket.list()).find((name) => name.includes(recordings[0].recordingSid) && name.endsWith('.mp3'));
    const bytes = Buffer.from(recordings[0].bytes);
    bytes[500] ^= 1;
    await bucket.put(key, bytes);
    // While it cannot be put anew the move ends, and whoever asks again need not say that it is to be read back.
    const file = join(server.dataDir, 'recordings', key);
    writeFileSync(file, bytes);
    const failed = await ask(server, [...args, '--verify-media'], settings);
    assert.equal(failed.code, 4, failed.stderr);
    assert.match(failed.stderr, /callspool verify mends/);
    writeFileSync(file, recordings[0].bytes);
    door.requests.length = 0;
    const further = await there.hold(t, 'number_parts');
    for (let times = 0; times < 2; times += 1) { // asked again, it was read back all the same
      const again = begin(server, args, settings);
      await further.reached(again);
      assert.equal((await ask(server, ['--pause'], settings)).code, 0);
      assert.equal((await again).code, 0);
    }
    // One who joins before the move's thread has looked hears the same, of a server that has just begun as well.
    for (let times = 0; times < 2; times += 1) {
      assert.deepEqual(await postTogether(server, [false, true].map((verify) => ({ to: there.url, store: place, verify }))), [200, 200]);
      assert.equal((await ask(server, ['--pause'], settings)).code, 0);
      await until('it has paused', async () => (await status(server)).state === 'paused');
      await server.stop('SIGTERM');
      server = await serve(t, { dataDir: server.dataDir, settings, env: bucket.env });
    }
    const going = begin(server, args, settings);
    await further.reached(going);
    const joins = begin(server, [...args, '--verify-media'], settings);
    await joins.says(/it is tried again/); // so it goes along: a switch would have cut its question off
    await further.release();
    const [moved, joined] = await Promise.all([going, joins]);
    assert.equal(moved.code, 0, moved.stderr);
    assert.equal(joined.code, 0, `all was read back: ${joined.stderr}`);
    assert.ok((await bucket.get(key)).equals(recordings[0].bytes), 'it is what it was');
    for (const { recordingSid } of recordings) assert.ok(door.requests.some((line) => line.startsWith('GET') && line.includes(recordingSid) && line.endsWith('.mp3')), `${recordingSid} was read`);
    await first.line(/is not what was put there: it is put there anew/);
    await plays(server, recordings, before);
    const after = await ask(server, [...args, '--verify-media'], settings);
    assert.equal(after.code, 0, `what was read back is, whoever asked for it: ${after.stderr}`);
    assert.match(after.stdout, /^moved/);
    assert.equal((await callspool(['migrate', '--to', there.url, '--verify-media', '--set', `data_dir=${server.dataDir}`])).code, 2);
  });

  test('going back: the backup of before, and what came since is fetched from Twilio as far as it has it', async (t) => {
    const there = await database();
    const bucket = await s3.bucket();
    const { store: place, ...settings } = bucket.settings;
    const server = await serve(t, { settings, env: bucket.env });
    const recordings = [await store(server, upstream), await store(server, upstream, { format: 'wav' })];
    const before = await heads(server, recordings);
    const folder = join(temporaryFolder(t), 'backup');
    const made = await callspool(['backup', folder, '--set', `data_dir=${server.dataDir}`]);
    assert.equal(made.code, 0, made.stderr);
    assert.equal((await ask(server, ['--to', there.url, '--store', place], settings)).code, 0);
    const late = await store(server, upstream);
    const gone = await store(server, upstream);
    upstream.recordings.get(late.recordingSid).listed = true;
    upstream.recordings.delete(gone.recordingSid);
    await server.stop('SIGTERM');

    const dataDir = join(temporaryFolder(t), 'data');
    mkdirSync(dataDir, { mode: 0o750 });
    writeFileSync(join(dataDir, 'audit.key'), readFileSync(join(server.dataDir, 'audit.key')), { mode: 0o600 });
    const restored = await callspool(['restore', folder, '--set', `data_dir=${dataDir}`]);
    assert.equal(restored.code, 0, restored.stderr);
    const back = await serve(t, { dataDir, settings: { reconcile_interval: '1h' } }); // it reads Twilio's list at its start
    await plays(back, recordings, before);
    await untilState(back, late.callSid, 'stored');
    assert.ok((await play(back, late)).body.equals(late.bytes));
    assert.ok(!await listed(back, gone.callSid), 'what Twilio has no more is not in it');
    assert.ok((await bucket.list()).some((key) => key.includes(gone.recordingSid)), 'but in the bucket');
    upstream.recordings.get(late.recordingSid).listed = false;
  });

  test('files of recordings that are not stored just now come along; those of removed ones do not', async (t) => {
    const there = await database();
    const bucket = await s3.bucket();
    const { store: place, ...settings } = bucket.settings;
    const server = await serve(t, { settings, env: bucket.env, expectErrors: [/is lost, and queued|bytes are not those|cannot open/] });
    const [kept, lost, removed] = [await store(server, upstream), await store(server, upstream), await store(server, upstream)];
    const folder = join(server.dataDir, 'recordings');
    const fileOf = ({ recordingSid }) => readdirSync(folder, { recursive: true }).find((name) => name.includes(recordingSid) && name.endsWith('.mp3'));
    const [lostFile, removedFile] = [fileOf(lost), fileOf(removed)];
    const before = await heads(server, [kept]);

    // Its file is not what it was, and Twilio has it no more: what lies there is all that there will be.
    const damaged = readFileSync(join(folder, lostFile));
    damaged[1000] ^= 1;
    writeFileSync(join(folder, lostFile), damaged);
    upstream.recordings.delete(lost.recordingSid);
    await callspool(['verify', '--set', `data_dir=${server.dataDir}`]);
    await untilState(server, lost.callSid, ['waiting', 'gone', 'dead']);
    assert.ok(existsSync(join(folder, lostFile)), 'it is kept');
    // One that was damaged, and is kept beside what is played in its place.
    const beside = fileOf(kept).replace(/\.(\d+)\.mp3$/, (_, generation) => `.${Number(generation) + 1000}.mp3`);
    writeFileSync(join(folder, beside), 'what is left of it');
    const noted = await run('sqlite3', [join(server.dataDir, 'ledger.db'), '.timeout 5000',
      `INSERT INTO store_faults VALUES ('${beside}', 2, 3, '${kept.callSid}', '${kept.recordingSid}', 1, 1, 1, 0, 'an older file is whole, and is played instead');
       UPDATE attempts SET outcome = 'adopted' WHERE id = (SELECT generation FROM recordings WHERE recording_sid = '${kept.recordingSid}')`]);
    assert.equal(noted.code, 0, noted.stderr);
    assert.equal((await request(`${server.url}/api/recordings/${removed.recordingSid}`, { method: 'DELETE' })).status, 200);

    const args = ['--to', there.url, '--store', place];
    // What cannot be read is not left behind without a word.
    for (const file of [lostFile, beside]) {
      renameSync(join(folder, file), join(folder, `${file}.away`));
      symlinkSync(join(folder, file), join(folder, file));
    }
    const refused = await ask(server, args, settings);
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(refused.stderr, /2 recordings are not/);
    assert.ok(refused.stderr.includes(lostFile), refused.stderr);
    for (const file of [lostFile, beside]) renameSync(join(folder, `${file}.away`), join(folder, file));

    const moved = await ask(server, args, settings);
    assert.equal(moved.code, 0, moved.stderr);
    const keys = await bucket.list();
    assert.ok(keys.includes(lostFile), `what is left of a recording that is not stored: ${keys}`);
    assert.ok((await bucket.get(lostFile)).equals(damaged), 'as it is');
    assert.ok(keys.includes(beside), `what is kept beside: ${keys}`);
    assert.ok(!keys.includes(removedFile), 'nothing of what was removed');
    await plays(server, [kept], before);
    await server.stop('SIGTERM');
  });

  test('where the name of what lay in files is taken, or it cannot be renamed, the bucket is served from', async (t) => {
    const there = await database();
    const bucket = await s3.bucket();
    const { store: place, ...settings } = bucket.settings;
    const dataDir = temporaryFolder(t);
    const server = await serve(t, { settings, env: bucket.env, dataDir });
    mkdirSync(join(dataDir, 'recordings.moved'));
    writeFileSync(join(dataDir, 'recordings.moved', 'of another move'), '');
    const recordings = [await store(server, upstream)];
    const before = await heads(server, recordings);
    const moved = await ask(server, ['--to', there.url, '--store', place], settings);
    assert.equal(moved.code, 0, moved.stderr);
    await server.line(/recordings\.moved\.2' is of use no more/);
    await plays(server, recordings, before);
    await server.stop('SIGTERM');
    mkdirSync(join(dataDir, 'recordings'));
    const disk = await startDisk(t, join(dataDir, 'recordings'), 1);
    writeFileSync(disk.seenFrom(join(dataDir, 'recordings', 'what was moved')), '');
    const again = { dataDir, disk, settings: { ...bucket.settings, database: there.url }, env: bucket.env };
    const next = await serve(t, again);
    await next.line(/recordings' is of use no more; cannot rename/);
    await plays(next, recordings, before);
    await next.stop('SIGTERM');
    rmSync(join(dataDir, 'ledger.db'));
    await refusedBy(['serve'], { data_dir: dataDir, database: there.url, auth: 'none', listen: '127.0.0.1:0' }, 4, /were moved into a bucket/);
    const last = await serve(t, again);
    await plays(last, recordings, before);
  });

  test('the place in the bucket is this ledger\'s from the begin, and one that another takes is not served from', async (t) => {
    const there = await database();
    const bucket = await s3.bucket();
    const door = await s3.door(t);
    const { store: place, ...settings } = { ...bucket.settings, 's3.endpoint': door.url };
    const large = await startLarge(t, { settings, env: bucket.env });
    const { server } = large;
    const recordings = [...large.recordings];
    for (let i = 0; i < 6; i += 1) recordings.push(await store(server, upstream));
    const before = await heads(server, recordings);
    const args = ['--to', there.url, '--store', place];
    const held = await there.hold(t, 'calls');
    const ended = begin(server, args, settings);
    await held.reached(ended);
    const [, id] = /^id: ([0-9a-f]{32})\n$/m.exec(await bucket.marker());
    const { stdout } = await run('sqlite3', ['-readonly', join(server.dataDir, 'ledger.db'), "SELECT detail FROM upkeep WHERE name = 'store'"]);
    assert.equal(stdout.trim(), id, 'the bucket says which ledger it is of');
    const looks = door.requests.filter((line) => /^GET .*callspool\.store/.test(line)).length;
    assert.ok(looks < recordings.length, `it is not looked at before each object: ${looks} times`);

    const marker = await bucket.marker();
    await bucket.put('callspool.store', Buffer.from(marker.replace(id, '0'.repeat(32))));
    await held.release();
    const { code, stderr } = await ended;
    assert.equal(code, 4, stderr);
    assert.match(stderr, /another ledger's/);
    await plays(server, recordings, before);
    assert.equal((await postForm(server.url, CALL_STATUS, callCallback())).status, 200);
    assert.equal((await ask(server, args, settings)).code, 4, 'nor gone on with');
    await bucket.put('callspool.store', Buffer.from(marker));
    const moved = await ask(server, args, settings);
    assert.equal(moved.code, 0, moved.stderr);
    await plays(server, recordings, before);
  });

  test('a bucket that does not answer in the switch holds nobody up: the old ledger serves on, and it is tried again', async (t) => {
    const there = await database();
    const bucket = await s3.bucket();
    const door = await s3.door(t);
    const { store: place, ...settings } = { ...bucket.settings, 's3.endpoint': door.url };
    const { server, recordings, before } = await startLarge(t, { settings, env: bucket.env });
    const held = await there.hold(t, 'calls');
    const ended = begin(server, ['--to', there.url, '--store', place], settings);
    await held.reached(ended);
    door.holds = /callspool\.store/;
    await held.release();
    const senders = startSenders(server, 1);
    const tookMs = await timeSwitch(server, /the ledger is not moved: the bucket has not answered in time/);
    assert.ok(tookMs < SWITCH_MOST_MS, `${tookMs} ms`);
    const sofar = senders.acknowledged.length;
    await until('webhooks come in, and the bucket still says nothing', () => senders.acknowledged.length > sofar + 2);
    await plays(server, recordings, before);
    await ended.says(/it is tried again/);
    door.holds = undefined;
    const { code, stderr } = await ended;
    assert.equal(code, 0, stderr);
    await senders.stop();
    console.log(`| a bucket that says nothing in the switch: the longest webhook ${senders.mostMs} ms`);
    assert.deepEqual(senders.refused, []);
    assert.ok(senders.mostMs < TWILIO_WAITS_MS, `${senders.mostMs} ms`);
    await plays(server, recordings, before);
  });

  test('a bucket that says nothing does not hold up a stop, nor --pause', async (t) => {
    const bucket = await s3.bucket();
    const door = await s3.door(t);
    const { store: place, ...settings } = { ...bucket.settings, 's3.endpoint': door.url };
    let server = await serve(t, { settings, env: bucket.env });
    const recordings = [await store(server, upstream)];
    const before = await heads(server, recordings);
    door.holds = /^HEAD/;
    const asked = () => until('it asks the bucket', () => door.requests.some((line) => line.startsWith('HEAD')));
    const paused = begin(server, ['--store', place], settings);
    await asked();
    assert.equal((await ask(server, ['--pause'], settings)).code, 0);
    await until('it is paused', async () => (await requestAdmin(server)).state === 'paused');
    await paused;
    door.requests.length = 0;
    const stopped = begin(server, ['--store', place], settings);
    await asked();
    const began = Date.now();
    await server.stop('SIGTERM');
    console.log(`| a bucket that says nothing: stopped within ${Date.now() - began} ms`);
    assert.ok(Date.now() - began < 20_000, `${Date.now() - began} ms`);
    await stopped;
    door.holds = undefined;
    server = await serve(t, { dataDir: server.dataDir, settings, env: bucket.env });
    assert.equal((await ask(server, ['--store', place], settings)).code, 0);
    await plays(server, recordings, before);
  });

  test('a file of its keys that cannot be read is named, and the bucket is not asked without what it was to hold', async (t) => {
    const bucket = await s3.bucket();
    const { store: place, ...settings } = bucket.settings;
    const { AWS_SECRET_ACCESS_KEY: secret, ...others } = bucket.env;
    assert.ok(secret);
    for (const [env, names] of [[{ ...bucket.env, AWS_SESSION_TOKEN_FILE: '/no/such/file' }, /AWS_SESSION_TOKEN_FILE: s3\.session_token_file: cannot open '\/no\/such\/file'/],
      [{ ...others, AWS_SECRET_ACCESS_KEY_FILE: '/no/such/file' }, /AWS_SECRET_ACCESS_KEY_FILE: s3\.secret_access_key_file: cannot open '\/no\/such\/file'/]]) {
      const server = await serve(t, { settings, env });
      const recording = await store(server, upstream);
      const refused = await ask(server, ['--store', place], settings);
      assert.equal(refused.code, 2, refused.stderr);
      assert.match(refused.stderr, names);
      assert.ok((await play(server, recording)).body.equals(recording.bytes));
      assert.deepEqual(await bucket.list(), []);
    }
  });

  test('a bucket that is away is waited for; one that has a store is refused', async (t) => {
    const there = await database();
    const bucket = await s3.bucket();
    const door = await s3.door(t);
    const { store: place, ...settings } = { ...bucket.settings, 's3.endpoint': door.url };
    let server = await serve(t, { settings, env: bucket.env });
    const recordings = [await store(server, upstream), await store(server, upstream)];
    const before = await heads(server, recordings);
    await bucket.put('callspool.store', Buffer.from('A store of callspool: recordings, in folders by the first two digits of their call.\n'));
    const args = ['--to', there.url, '--store', place];
    const occupied = await ask(server, args, settings);
    assert.equal(occupied.code, 4, occupied.stderr);
    assert.match(occupied.stderr, /a store of callspool already/);
    await bucket.remove('callspool.store');
    door.refuse(1000, 503, 'SlowDown');
    assert.equal((await ask(server, args, settings)).code, 5, 'at the begin it is told at once');
    door.refuse(0);
    door.denies = /CA/;
    const waits = () => until('it waits for the bucket', async () => /refuses|denied|bucket/i.test((await requestAdmin(server)).failed?.error));
    const killed = begin(server, args, settings);
    await waits();
    await plays(server, recordings, before);
    await server.kill();
    await killed;
    server = await serve(t, { dataDir: server.dataDir, settings, env: bucket.env });
    await plays(server, recordings, before);
    const ended = begin(server, args, settings);
    await waits();
    door.denies = undefined;
    const { code, stderr } = await ended;
    assert.equal(code, 0, stderr);
    await plays(server, recordings, before);
  });
});
