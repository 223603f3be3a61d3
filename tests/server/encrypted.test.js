// Recordings that Twilio encrypted, made here by Node's crypto: they play, and of what was changed nothing is stored or served.
import test from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { audio } from './harness/audio.js';
import { BINARY, callspool, startServer, startSimulate, untilState } from './harness/callspool.js';
import { callbackDetails, encrypt, keyPair, restDetails } from './harness/cipher.js';
import { Gate } from './harness/gated.js';
import { request, requestJson } from './harness/http.js';
import { startPostgres } from './harness/postgres.js';
import { isFrozen, temporaryFolder } from './harness/process.js';
import { forgetful, preloaded, rebuild } from './harness/shadow.js';
import { until } from './harness/until.js';
import { startUpstream, xmlError } from './harness/upstream.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const wav = audio({ seconds: 5, format: 'wav' });
/** What is given up is given up at once. */
const AT_ONCE = { 'fetch.give_up_after': '1ms', 'fetch.retry_first': '1ms', 'fetch.retry_most': '2ms' };

/** A folder with the private halves, as the setting names it. */
function keyFolder(t, keys) {
  const folder = join(temporaryFolder(t), 'keys');
  mkdirSync(folder);
  for (const { sid, pem } of keys) writeFileSync(join(folder, `${sid}.pem`), pem, { mode: 0o600 });
  return folder;
}

/** Every file below the folder. */
const filesBelow = (folder) => readdirSync(folder, { recursive: false, withFileTypes: true })
  .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(folder, entry.name)) : entry.isFile() ? [join(folder, entry.name)] : []));

/** Nothing of the sound lies in a file of the data folder, nor in one without a name that the server still has open. */
function assertNoPlain(server) {
  const open = readdirSync(`/proc/${server.pid}/fd`).map((fd) => `/proc/${server.pid}/fd/${fd}`)
    .filter((path) => { try { return readlinkSync(path).startsWith(server.dataDir) && statSync(path).isFile(); } catch { return false; } });
  for (const file of [...filesBelow(server.dataDir), ...open]) {
    const bytes = readFileSync(file);
    for (const at of [44, wav.length >> 1, wav.length - 64]) assert.ok(!bytes.includes(wav.subarray(at, at + 48)), `${file} holds the sound`);
  }
}

/** The upstream has it, and the server is told; with { sealed } of something else than what encrypt() made. */
async function announce(server, upstream, key, { sealed = encrypt(wav, key), body = sealed.body, details = callbackDetails(key, sealed), encryption, answer, fields } = {}) {
  const callSid = newSid('CA');
  const recordingSid = newSid('RE');
  upstream.recordings.set(recordingSid, { wav: body, media: Buffer.from('never'), callSid, encryption, ...(answer && { answer }) });
  const reply = await postForm(server.url, RECORDING_STATUS, recordingCallback({
    CallSid: callSid, RecordingSid: recordingSid, EncryptionDetails: details, ...fields,
  }));
  assert.equal(reply.status, 200);
  return { callSid, recordingSid, sealed, url: `${server.url}/api/recordings/${recordingSid}/media` };
}

test('what the simulated Twilio encrypts is found in its list, and plays', async (t) => {
  const { sid, publicKey, pem } = keyPair();
  const folder = temporaryFolder(t);
  writeFileSync(join(folder, 'public.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
  writeFileSync(join(folder, 'private.pem'), pem, { mode: 0o600 });
  const twilio = await startSimulate(t, ['--past', '3', '--encrypt', join(folder, 'public.pem'), '--encrypt-sid', sid]);
  const server = await startServer(t, {
    upstream: twilio.url, settings: { 'twilio.private_key_file': join(folder, 'private.pem'), reconcile_interval: '1h', retention: '30d' },
  });
  const stored = await until('all are stored', async () => {
    const { json } = await requestJson(`${server.url}/api/calls`);
    const recordings = json.calls.flatMap((call) => call.recordings);
    return recordings.length > 0 && recordings.every(({ state }) => state === 'stored' || state === 'absent') && recordings.filter(({ state }) => state === 'stored');
  });
  assert.ok(stored.length > 0);
  for (const { recording_sid: sidOf } of stored) {
    const { body } = await request(`${server.url}/api/recordings/${sidOf}/media`);
    assert.ok(body.equals((await request(`${twilio.url}/simulate/media/${sidOf}.wav`)).body));
  }
});

test('several keys: each recording plays byte for byte, as WAV whatever the format', async (t) => {
  const keys = [keyPair(), keyPair({ bits: 2056 })];
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: { 'twilio.private_key_file': keyFolder(t, keys) } });
  for (const key of keys) {
    const { callSid, recordingSid, url } = await announce(server, upstream, key);
    const call = await untilState(server, callSid, 'stored');
    assert.equal(call.recordings[0].attempts.length, 1);
    const { status, headers, body } = await request(url);
    assert.equal(status, 200);
    assert.equal(headers['content-type'], 'audio/wav');
    assert.ok(body.equals(wav), `${body.length} of ${wav.length} bytes`);
    const [asked] = upstream.mediaRequests(recordingSid);
    assert.match(asked.path, /\.wav$/);
    assert.equal(asked.query.get('RequestedChannels'), '2');
  }
  const stored = filesBelow(join(server.dataDir, 'recordings'));
  assert.ok(stored.some((file) => readFileSync(file).equals(wav)));
  assert.deepEqual(readdirSync(join(server.dataDir, 'arriving')), []);
});

const flipped = (bytes, at, bit = 0) => {
  const copy = Buffer.from(bytes);
  copy[at] ^= 1 << bit;
  return copy;
};
const plainEmpty = (key) => encrypt(Buffer.alloc(0), key);

/** What may have become of a recording on its way: of what was sealed to what is told and served. */
const FORGED = {
  'the first bit of the body': ({ body }) => ({ body: flipped(body, 0) }),
  'a bit in the middle': ({ body }) => ({ body: flipped(body, body.length >> 1, 5) }),
  'the last bit before the tag': ({ body }) => ({ body: flipped(body, body.length - 17, 7) }),
  'the first bit of the tag': ({ body }) => ({ body: flipped(body, body.length - 16) }),
  'the last bit of the tag': ({ body }) => ({ body: flipped(body, body.length - 1, 7) }),
  'the IV': ({ iv }) => ({ iv: flipped(iv, 11, 3) }),
  'the wrapped key': ({ cek }) => ({ cek: flipped(cek, 100, 2) }),
  'the last bit of the wrapped key': ({ cek }) => ({ cek: flipped(cek, cek.length - 1) }),
  'a wrapped key that is too short': ({ cek }) => ({ cek: cek.subarray(1) }),
  'the last byte is missing': ({ body }) => ({ body: body.subarray(0, -1) }),
  'the tag is missing': ({ body }) => ({ body: body.subarray(0, -16) }),
  'half of it is missing': ({ body }) => ({ body: body.subarray(0, body.length >> 1) }),
  'a byte more': ({ body }) => ({ body: Buffer.concat([body, Buffer.alloc(1)]) }),
  'a byte before': ({ body }) => ({ body: Buffer.concat([Buffer.alloc(1), body]) }),
  'fifteen bytes': ({ body }) => ({ body: body.subarray(0, 15) }),
  'nothing at all': () => ({ body: Buffer.alloc(0) }),
  'a tag alone': ({ body }) => ({ body: body.subarray(-16) }),
  'it is not encrypted': () => ({ body: wav }),
  'nothing, and its right tag': (_, key) => plainEmpty(key),
  'the whole of another': (_, key) => ({ body: encrypt(wav, key).body }),
};

test('whatever was changed is refused, and nothing of it is stored, served or left', async (t) => {
  const key = keyPair();
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: { ...AT_ONCE, 'twilio.private_key_file': keyFolder(t, [key]) } });
  const plays = [];
  const told = await Promise.all(Object.entries(FORGED).map(async ([name, change]) => {
    const made = encrypt(wav, key);
    const sealed = { ...made, ...change(made, key) };
    const recording = await announce(server, upstream, key, { sealed, encryption: restDetails(key, sealed) });
    plays.push(request(recording.url), request(recording.url, { headers: { Range: 'bytes=0-1' } }));
    return [name, recording];
  }));
  for (const [name, { callSid, url }] of told) {
    const call = await untilState(server, callSid, 'dead');
    assert.match(call.recordings[0].reason.text, /encrypted|audio/, name);
    plays.push(request(url));
  }
  for (const { status, body } of await Promise.all(plays)) {
    assert.ok(status === 503 || status === 500, `${status}`);
    assert.ok(JSON.parse(body).error);
  }
  assert.deepEqual(filesBelow(join(server.dataDir, 'recordings')), []);
  assert.deepEqual(readdirSync(join(server.dataDir, 'arriving')), []);
  assertNoPlain(server);
});

test('a key that is missing: a dead letter that names it, fetched by itself once the key was added', async (t) => {
  const [mine, other, wrong] = [keyPair(), keyPair(), keyPair()];
  const folder = keyFolder(t, [mine]);
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: { ...AT_ONCE, 'twilio.private_key_file': folder } });
  const key = (...args) => callspool(['key', ...args, '--set', `data_dir=${server.dataDir}`, '--set', `twilio.private_key_file=${folder}`]);
  const file = join(temporaryFolder(t), 'twilio_private.pem');
  writeFileSync(file, other.pem, { mode: 0o600 });

  const { callSid, recordingSid, url } = await announce(server, upstream, other);
  const [recording] = (await untilState(server, callSid, 'dead')).recordings;
  assert.match(recording.reason.text, new RegExp(other.sid));
  assert.equal(recording.attempts.length, 1);
  assert.deepEqual(upstream.mediaRequests(recordingSid), [], 'what cannot be opened is not asked for');
  const played = await request(url);
  assert.equal(played.status, 500);
  assert.equal(JSON.parse(played.body).code, 'key_missing');

  const check = await key('check');
  assert.equal(check.code, 7);
  assert.match(check.stdout, new RegExp(`${other.sid}.*not here`));
  assert.equal((await key('add', file)).code, 2, 'for which public key?');
  const added = await key('add', file, '--sid', other.sid);
  assert.equal(added.code, 0, added.stderr);
  assert.match(added.stdout, /the server has it/);
  await untilState(server, callSid, 'stored');
  assert.ok((await request(url)).body.equals(wav));
  const kept = join(server.dataDir, 'keys', `${other.sid}.pem`);
  assert.equal(statSync(kept).mode & 0o777, 0o600);
  assert.equal(statSync(join(server.dataDir, 'keys')).mode & 0o777, 0o700);

  const { json } = await requestJson(`${server.url}/api/keys`);
  assert.deepEqual(json.keys.map(({ public_key_sid: sid }) => sid).sort(), [mine.sid, other.sid].sort());
  assert.equal(json.key_missing, 0);
  const listed = JSON.parse((await key('list', '--json')).stdout).keys;
  assert.deepEqual(listed.map(({ public_key_sid: sid, kept_in: where, good }) => [sid, where, good]).sort(),
    [[mine.sid, 'settings', true], [other.sid, 'data_dir', true]].sort());
  assert.equal((await key('check')).code, 0);
  assert.match((await key('add', file, '--sid', other.sid)).stdout, /was kept already/);

  // Another key under that SID: told as wrong, and tried again when the right one takes its place.
  writeFileSync(join(folder, `${wrong.sid}.pem`), mine.pem, { mode: 0o600 });
  server.child.kill('SIGHUP');
  await until('the key is in force', async () => (await requestJson(`${server.url}/api/keys`)).json.keys.length === 3);
  const second = await announce(server, upstream, wrong);
  const [refused] = (await untilState(server, second.callSid, 'dead')).recordings;
  assert.match(refused.reason.text, new RegExp(`does not open it.*${wrong.sid}`));
  assert.match((await key('check')).stdout, new RegExp(`${wrong.sid}.*does not open`));
  // Of recordings that wait in turn for two keys each key is told once.
  const absent = keyPair();
  for (const key of [absent, wrong, absent]) await untilState(server, (await announce(server, upstream, key)).callSid, 'dead');
  const { stdout } = await key('check');
  for (const { sid } of [absent, wrong]) assert.equal(stdout.split('\n').filter((line) => line.includes(sid) && /does not open|is not here/.test(line)).length, 1, stdout);
  writeFileSync(file, wrong.pem, { mode: 0o600 });
  assert.equal((await key('add', file, '--sid', wrong.sid)).code, 5, 'two keys for one SID: the server keeps those that it has');
  writeFileSync(join(folder, `${wrong.sid}.pem`), wrong.pem, { mode: 0o600 });
  server.child.kill('SIGHUP');
  await untilState(server, second.callSid, 'stored');
  assert.ok((await request(second.url)).body.equals(wav));
});

test('what waits for a key is found in a database, too, beside a server and without one', async (t) => {
  const key = keyPair();
  const upstream = await startUpstream(t);
  const postgres = await startPostgres(t);
  const check = (dataDir) => callspool(['key', 'check', '--set', `data_dir=${dataDir}`, '--set', `database=${postgres.url}`]);
  const server = await startServer(t, { upstream: upstream.url, settings: { ...AT_ONCE, database: postgres.url } });
  const nothing = await check(server.dataDir);
  assert.deepEqual([nothing.code, nothing.stdout], [0, 'no private keys, and nothing waits for one\n'], nothing.stderr);
  await untilState(server, (await announce(server, upstream, key)).callSid, 'dead');
  const beside = await check(server.dataDir);
  assert.equal(beside.code, 7, beside.stdout + beside.stderr);
  assert.match(beside.stdout, new RegExp(`${key.sid}.*not here`));
  await server.finish();
  assert.equal((await check(server.dataDir)).stdout, beside.stdout);
  const fresh = await callspool(['key', 'check', '--set', `data_dir=${temporaryFolder(t)}`]);
  assert.equal(fresh.code, 0, 'without a ledger nothing waits');
});

test('a key that was handed to the server alone is listed', async (t) => {
  const [handed, kept] = [keyPair(), keyPair()];
  const credentials = temporaryFolder(t);
  writeFileSync(join(credentials, 'twilio_private_key'), handed.pem, { mode: 0o600 });
  const server = await startServer(t, { env: { CREDENTIALS_DIRECTORY: credentials } });
  const key = (...args) => callspool(['key', ...args, '--set', `data_dir=${server.dataDir}`]);
  const { json: { keys: [served] } } = await requestJson(`${server.url}/api/keys`);
  const told = { public_key_sid: null, bits: 2048, fingerprint: served.fingerprint, kept_in: 'settings', good: true, finding: null };
  assert.deepEqual(JSON.parse((await key('list', '--json')).stdout).keys, [told]);
  const file = join(temporaryFolder(t), `${kept.sid}.pem`);
  writeFileSync(file, kept.pem, { mode: 0o600 });
  assert.equal((await key('add', file)).code, 0);
  const { keys } = JSON.parse((await key('list', '--json')).stdout);
  assert.deepEqual(keys.map(({ public_key_sid: sid }) => sid), [kept.sid, null], 'each once');
  await server.finish();
  const { stdout, code } = await key('list');
  assert.deepEqual([stdout.match(/^\S+/gm), code], [[kept.sid], 0], 'where no server runs nobody knows of it');
});

test('players wait until all of it is verified; what broke off is gone on with; Twilio is asked what was not told', async (t) => {
  const key = keyPair();
  const upstream = await startUpstream(t);
  const server = await startServer(t, {
    upstream: upstream.url, settings: { 'twilio.private_key_file': keyFolder(t, [key]), play_wait: '2s' },
  });
  const sealed = encrypt(wav, key);
  const gate = new Gate(sealed.body, { ranges: true, type: 'audio/x-wav' });
  const { callSid, url } = await announce(server, upstream, key, { sealed, answer: gate.answer });
  await until('it was asked for', () => gate.requests > 0);
  gate.open(sealed.body.length - 1);

  const early = await request(url);
  assert.equal(early.status, 503);
  assert.ok(early.headers['retry-after'] > 0);
  assertNoPlain(server);

  gate.cut();
  await until('it is gone on with', () => gate.headers.some(({ range }) => range === `bytes=${sealed.body.length - 1}-`));
  const waiting = request(url, { headers: { Range: 'bytes=1000-1999' } });
  gate.open();
  const { status, body } = await waiting;
  assert.equal(status, 206);
  assert.ok(body.equals(wav.subarray(1000, 2000)));
  await untilState(server, callSid, 'stored');
  assert.ok((await request(url)).body.equals(wav));

  // Nobody told that it is encrypted: as MP3 it is refused, and the metadata says how.
  const secret = encrypt(wav, key);
  const untold = await announce(server, upstream, key, {
    details: undefined, encryption: restDetails(key, secret),
    answer: (asked, reply) => (asked.url.includes('.mp3') ? reply.writeHead(400, { 'Content-Type': 'application/xml' }).end(xmlError(400, 16109, 'Use wav'))
      : reply.writeHead(200, { 'Content-Length': secret.body.length }).end(secret.body)),
  });
  await untilState(server, untold.callSid, 'stored');
  assert.ok((await request(untold.url)).body.equals(wav));

  // The callback's details are damaged, the metadata's are not.
  const made = encrypt(wav, key);
  for (const details of ['{"type":"rsa-aes"', callbackDetails(key, { ...made, iv: flipped(made.iv, 0) }), callbackDetails(key, { ...made, cek: flipped(made.cek, 9) })]) {
    const mended = await announce(server, upstream, key, { sealed: made, details, encryption: restDetails(key, made) });
    await untilState(server, mended.callSid, 'stored');
    assert.ok((await request(mended.url)).body.equals(wav));
  }

  // kill -9 while it arrives: what lies there is as Twilio sent it, and the next start fetches it anew.
  const again = new Gate(sealed.body, { type: 'audio/x-wav' });
  again.open(sealed.body.length >> 1);
  await announce(server, upstream, key, { sealed, answer: again.answer });
  const arriving = join(server.dataDir, 'arriving');
  await until('half of it is here', () => readdirSync(arriving).some((name) => statSync(join(arriving, name)).size === sealed.body.length >> 1));
  for (const name of readdirSync(join(server.dataDir, 'recordings'))) assert.ok(existsSync(join(server.dataDir, 'recordings', name)));
  assert.ok(!filesBelow(arriving).some((file) => readFileSync(file).includes(wav.subarray(44, 92))));
  await server.kill();
  assert.ok(!filesBelow(arriving).some((file) => readFileSync(file).includes(wav.subarray(44, 92))));
});

test('fetched as WAV, and the callback did not say that it is encrypted: the API does', async (t) => {
  const key = keyPair();
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: { 'twilio.private_key_file': keyFolder(t, [key]), format: 'wav' } });
  const sealed = encrypt(wav, key);
  // It comes in pieces, so that it is seen to be no audio before all of it is here.
  const gate = new Gate(sealed.body, { type: 'audio/x-wav' });
  gate.open(sealed.body.length >> 1);
  const [callSid, recordingSid] = [newSid('CA'), newSid('RE')];
  upstream.recordings.set(recordingSid, { callSid, encryption: restDetails(key, sealed), answer: gate.answer });
  const reply = await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid }));
  assert.equal(reply.status, 200);
  await until('all that is there was asked for, as what is encrypted', () => gate.requests > 1);
  gate.open();
  const { recordings: [{ attempts }] } = await untilState(server, callSid, 'stored');
  assert.equal(attempts.length, 2, JSON.stringify(attempts));
  assert.ok((await request(`${server.url}/api/recordings/${recordingSid}/media`)).body.equals(wav));
});

test('keys that cannot be used are refused with what to do', async (t) => {
  const folder = temporaryFolder(t);
  const { privateKey, publicKey, pem, sid } = keyPair();
  const cases = [
    [pem, 0o644, /can be read or changed by others.*chmod/],
    [privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' }), 0o600, /locked with a passphrase/],
    [privateKey.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' }), 0o600, /locked with a passphrase/],
    [publicKey.export({ type: 'spki', format: 'pem' }), 0o600, /public key/],
    [keyPair({ bits: 1024 }).pem, 0o600, /1024 bits/],
    ['nonsense', 0o600, /no private key in PEM/],
    ['', 0o600, /0 bytes/],
  ];
  for (const [index, [text, mode, expected]] of cases.entries()) {
    const file = join(folder, `key${index}.pem`);
    writeFileSync(file, text, { mode });
    const { code, stderr } = await callspool(['key', 'check', file, '--set', `data_dir=${folder}`]);
    assert.deepEqual([code, expected.test(stderr)], [2, true], stderr);
  }
  const file = join(folder, 'good.pem');
  writeFileSync(file, privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o400 });
  const [right, other] = [join(folder, 'right.pub'), join(folder, 'other.pub')];
  writeFileSync(right, publicKey.export({ type: 'spki', format: 'pem' }));
  writeFileSync(other, keyPair().publicKey.export({ type: 'spki', format: 'der' }));
  const check = (...args) => callspool(['key', 'check', file, ...args, '--set', `data_dir=${folder}`]);
  assert.equal((await check('--public', right)).code, 0);
  assert.equal((await check('--public', other)).code, 7);
  assert.equal((await callspool(['key', 'add', file, '--sid', sid, '--set', `data_dir=${folder}`])).code, 0);
  const served = await callspool(['serve', '--set', `data_dir=${folder}`, '--set', `twilio.private_key_file=${join(folder, 'key0.pem')}`]);
  assert.equal(served.code, 2);
  assert.match(served.stderr, /twilio.private_key_file.*chmod/);
});

test('the power goes once one is stored: it is there, and the key that was added', async (t) => {
  const key = keyPair();
  const folder = temporaryFolder(t);
  const [disk, shadow, after] = ['disk', 'shadow', 'after'].map((name) => join(folder, name));
  const dataDir = join(disk, 'data');
  const file = join(folder, `${key.sid}.pem`);
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(file, key.pem, { mode: 0o600 });
  const added = await callspool(['key', 'add', file, '--set', `data_dir=${dataDir}`], { env: forgetful(disk, shadow) });
  assert.deepEqual([added.code, /no server runs/.test(added.stdout)], [0, true], added.stderr);
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, dataDir, env: forgetful(disk, shadow) });
  const { callSid, recordingSid } = await announce(server, upstream, key);
  await untilState(server, callSid, 'stored');
  await server.kill();
  rebuild(disk, shadow, after);
  const again = await startServer(t, { upstream: upstream.url, dataDir: join(after, 'data') });
  assert.ok((await request(`${again.url}/api/recordings/${recordingSid}/media`)).body.equals(wav));
  assert.equal((await requestJson(`${again.url}/api/keys`)).json.keys[0].public_key_sid, key.sid);
});

/** Half a minute of it, which is decrypted in many pieces. */
const large = audio({ seconds: 30, format: 'wav' });
const holdsSound = (file) => {
  if (!existsSync(file)) return false; // removed since it was listed
  const bytes = readFileSync(file);
  return [44, large.length >> 2, large.length >> 1].some((at) => bytes.includes(large.subarray(at, at + 48)));
};
/** The environment of a server that stops in the middle of decrypting; `refused`: on a file system without files that have no name. */
const opening = ({ refused = false, stops } = {}) => ({
  ...preloaded([join(dirname(BINARY), 'tests/tools/opening.so')]), ...(refused && { OPENING_REFUSED: '1' }), ...(stops && { OPENING_STOPS: String(stops) }),
});

for (const refused of [false, true]) {
  test(`kill -9 in the middle of decrypting${refused ? ', where every file has a name: the next start removes it' : ' leaves no sound'}`, async (t) => {
    const key = keyPair();
    const upstream = await startUpstream(t);
    const settings = { 'twilio.private_key_file': keyFolder(t, [key]) };
    const server = await startServer(t, { upstream: upstream.url, settings, env: opening({ refused, stops: 4 }) });
    const sealed = encrypt(large, key);
    const { callSid, recordingSid } = await announce(server, upstream, key, { sealed });
    await until('it stopped in the middle', () => isFrozen(server.pid));
    const named = () => filesBelow(server.dataDir).filter(holdsSound);
    assert.equal(named().length, refused ? 1 : 0);
    if (refused) assert.match(named()[0], /\/arriving\/[^/]*\.open$/, 'where nothing serves it');
    await server.kill();
    assert.equal(named().length, refused ? 1 : 0);

    const again = await startServer(t, { upstream: 'http://127.0.0.1:9', dataDir: server.dataDir, settings, env: opening({ refused }) });
    assert.deepEqual(named(), [], 'before anything is fetched anew');
    await again.finish();
    const last = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir, settings, env: opening({ refused }) });
    await requestJson(`${last.url}/api/calls/${callSid}/retry`, { method: 'POST' });
    await untilState(last, callSid, 'stored');
    assert.ok((await request(`${last.url}/api/recordings/${recordingSid}/media`)).body.equals(large));
    assert.deepEqual(readdirSync(join(last.dataDir, 'arriving')), []);
  });
}
