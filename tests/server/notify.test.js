// Webhooks that callspool sends: signed, at least once, in order, and to nobody where notify_url is not set.
import test from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { audio } from './harness/audio.js';
import { ACCOUNT, callspool, startServer, untilDigest, untilState } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { atEnd } from './harness/lifetime.js';
import { freePort } from './harness/nginx.js';
import { Program } from './harness/process.js';
import { newSecret, notifySettings, startReceiver } from './harness/receiver.js';
import { until } from './harness/until.js';
import { startUpstream } from './harness/upstream.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const GUIDE = readFileSync(new URL('../../docs/notify.md', import.meta.url), 'utf8');
const media = audio({ seconds: 5 });

const notifyOf = async (server) => (await requestJson(`${server.url}/api/status`)).json.notify;
const remove = async (server, recordingSid) => {
  const { status, body } = await request(`${server.url}/api/recordings/${recordingSid}`, { method: 'DELETE' });
  assert.equal(status, 200, body.toString());
};
const retryNotify = (server, ...args) => callspool(['retry', '--notify', ...args, '--set', `data_dir=${server.dataDir}`]);

/** A recording that Twilio has, and of which it tells. */
async function announce(server, upstream, fields = {}) {
  const recordingSid = newSid('RE');
  const callSid = newSid('CA');
  upstream.recordings.set(recordingSid, { callSid, media, wav: media });
  const { status } = await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid, ...fields }));
  assert.equal(status, 200);
  return { callSid, recordingSid };
}

test('what becomes of a recording is told, signed', async (t) => {
  const receiver = await startReceiver(t);
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: receiver.settings() });
  const { callSid, recordingSid } = await announce(server, upstream);
  const stored = await receiver.until('recording.stored', recordingSid);
  assert.equal(stored.verified, true);
  assert.deepEqual([stored.method, stored.url, stored.headers['content-type']], ['POST', '/hooks?from=callspool', 'application/json']);
  assert.match(stored.id, new RegExp(`^msg_${recordingSid}_\\d+$`));
  const { started_at: startedAt, generation, duration, ...data } = stored.data;
  assert.deepEqual(data, {
    recording_sid: recordingSid, call_sid: callSid, account_sid: ACCOUNT, direction: null,
    media_url: `http://callspool.test/api/recordings/${recordingSid}/media`, call_url: `http://callspool.test/api/calls/${callSid}`,
    format: 'mp3', size: media.length, channels: 2, sha256: await untilDigest(server, callSid, recordingSid),
  });
  assert.ok(generation > 0 && Math.abs(duration - 5) < 0.2);
  for (const instant of [stored.timestamp, startedAt]) assert.ok(Number.isFinite(Date.parse(instant)), instant);

  const failed = await announce(server, upstream, { RecordingStatus: 'absent', ErrorCode: '16101' });
  const { data: { reason, media_url: none } } = await receiver.until('recording.failed', failed.recordingSid);
  assert.deepEqual([reason.code, none], ['too_short', undefined]);

  await remove(server, recordingSid);
  const deleted = await receiver.until('recording.deleted', recordingSid);
  assert.equal(deleted.verified, true);
  assert.equal(new Set(receiver.told.map(({ id }) => id)).size, 3);
  assert.equal(receiver.told.length, 3);
});

test('a receiver that fails is told again, under the same id and in the order of each recording', async (t) => {
  const receiver = await startReceiver(t);
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: receiver.settings({ notify_timeout: '300ms' }) });
  const first = await announce(server, upstream);
  const taken = await receiver.until('recording.stored', first.recordingSid);

  // What is no success, whatever it looks like; then it is taken.
  const failures = [
    (reply) => reply.writeHead(500).end(),
    (reply) => reply.writeHead(302, { Location: receiver.url.replace('/hooks', '/elsewhere') }).end(),
    () => {}, // says nothing at all
    (reply) => reply.destroy(),
    (reply) => reply.writeHead(404).end(),
  ];
  const tries = [];
  receiver.answer = (_, reply, webhook) => {
    tries.push(webhook);
    if (tries.length > failures.length) reply.writeHead(200).end();
    else failures[tries.length - 1](reply);
  };
  const second = await announce(server, upstream);
  await until('it was tried', () => tries.length > 0);
  await remove(server, second.recordingSid);
  await receiver.until('recording.deleted', second.recordingSid);
  assert.deepEqual(tries.map(({ type }) => type), [...failures.map(() => 'recording.stored'), 'recording.stored', 'recording.deleted']);
  assert.equal(new Set(tries.slice(0, -1).map(({ id }) => id)).size, 1);
  assert.equal(new Set(tries.slice(0, -1).map(({ body }) => body)).size, 1);
  for (const { verified, url } of tries) assert.deepEqual([verified, url], [true, '/hooks?from=callspool']);
  assert.notEqual(tries[0].id, taken.id);

  // The status is the answer: what hangs or never ends behind it changes nothing.
  for (const endless of [(reply) => reply.writeHead(200).flushHeaders(), (reply) => {
    reply.writeHead(200);
    const pour = () => { while (reply.write('x'.repeat(65536))); };
    reply.on('drain', pour);
    pour();
  }]) {
    receiver.answer = (_, reply) => endless(reply);
    const { recordingSid } = await announce(server, upstream);
    await receiver.until('recording.stored', recordingSid);
    receiver.answer = (_, reply) => reply.writeHead(204).end();
    await until('nothing waits', async () => (await notifyOf(server)).waiting === 0);
    assert.equal(receiver.of('recording.stored', recordingSid).length, 1);
  }

  // How long it asks for.
  const asked = Date.now();
  let again;
  receiver.answer = (_, reply) => {
    receiver.answer = (__, next) => { again = Date.now(); next.writeHead(204).end(); };
    reply.writeHead(503, { 'Retry-After': '1' }).end();
  };
  await announce(server, upstream);
  await until('it was told again', () => again);
  assert.ok(again - asked >= 1000, `${again - asked} ms`);
});

test('what waits outlives a crash, and goes to the new address, with both secrets of a rotation', async (t) => {
  const upstream = await startUpstream(t);
  const none = await startServer(t, { upstream: upstream.url });
  const before = await announce(none, upstream);
  await untilState(none, before.callSid, 'stored');
  await until('it has its digest', () => untilDigest(none, before.callSid, before.recordingSid));
  assert.deepEqual(await notifyOf(none), { waiting: 0, oldest_at: null, dead: 0, on: false, gone: false, failing_since: null, failure: null });
  await none.finish();

  const refused = notifySettings(t, 'http://127.0.0.1:1/hooks', newSecret());
  const server = await startServer(t, { upstream: upstream.url, dataDir: none.dataDir, settings: refused });
  const recordings = [];
  for (let i = 0; i < 20; i++) recordings.push(await announce(server, upstream));
  for (const { callSid } of recordings) await untilState(server, callSid, 'stored');
  await until('it fails', async () => /127\.0\.0\.1/.test((await notifyOf(server)).failure));
  assert.equal((await notifyOf(server)).waiting, 20);
  await server.kill();

  // kill -9 while it is told, and at the next start what was not acknowledged is told again.
  const receiver = await startReceiver(t);
  const settings = { ...receiver.settings(), ...notifySettings(t, receiver.url, newSecret(24), receiver.secret) };
  receiver.answer = (_, reply) => (receiver.told.length > 5 ? undefined : reply.writeHead(204).end());
  const killed = await startServer(t, { upstream: upstream.url, dataDir: none.dataDir, settings });
  await until('some are under way', () => receiver.told.length > 8);
  await killed.kill();
  receiver.answer = (_, reply) => reply.writeHead(204).end();
  const last = await startServer(t, { upstream: upstream.url, dataDir: none.dataDir, settings });
  await until('nothing waits', async () => (await notifyOf(last)).waiting === 0);
  const { id: signedTwice } = receiver.told.find(({ headers }) => headers['webhook-signature'].split(' ').length === 2);
  assert.ok(signedTwice);
  for (const webhook of receiver.told) assert.equal(webhook.verified, true);
  assert.deepEqual(new Set(receiver.told.map(({ data }) => data.recording_sid)), new Set(recordings.map(({ recordingSid }) => recordingSid)), 'all of them, and none from before');
  assert.equal(new Set(receiver.told.map(({ id }) => id)).size, 20, 'one id each, however often it was told');
  assert.ok(receiver.mostUnderWay > 1 && receiver.mostUnderWay <= 8, `${receiver.mostUnderWay} at once`);
});

test('what expires is told once: in its time, when a hold ends, by a shorter retention, and not from before', async (t) => {
  const upstream = await startUpstream(t);
  const none = await startServer(t, { upstream: upstream.url });
  const old = await announce(none, upstream);
  await untilState(none, old.callSid, 'stored');
  await none.finish();

  const receiver = await startReceiver(t);
  const begin = (settings) => startServer(t, { upstream: upstream.url, dataDir: none.dataDir, settings: receiver.settings(settings) });
  const first = await begin({ retention: '5s' });
  const now = () => ({ RecordingStartTime: new Date().toUTCString().replace('GMT', '+0000') });
  const timely = await announce(first, upstream, now());
  const held = await announce(first, upstream, now());
  await receiver.until('recording.stored', timely.recordingSid);
  await receiver.until('recording.stored', held.recordingSid);
  const hold = (method) => request(`${first.url}/api/recordings/${held.recordingSid}/hold`, { method });
  assert.equal((await hold('POST')).status, 200);
  const { data, verified, timestamp } = await receiver.until('recording.expired', timely.recordingSid);
  assert.deepEqual([data.call_sid, data.media_url, data.size, verified], [timely.callSid, undefined, media.length, true]);
  assert.ok(Date.parse(timestamp) - Date.parse(data.started_at) > 5000);
  assert.equal((await request(`${first.url}/api/recordings/${timely.recordingSid}/media`)).status, 410);
  assert.deepEqual(receiver.of('recording.expired').map((one) => one.data.recording_sid), [timely.recordingSid]);
  assert.equal((await hold('DELETE')).status, 200);
  await receiver.until('recording.expired', held.recordingSid);
  await first.finish();

  const second = await begin({ retention: '7d' });
  const shortened = await announce(second, upstream, now());
  await receiver.until('recording.stored', shortened.recordingSid);
  await second.finish();
  const third = await begin({ retention: '1s' });
  await receiver.until('recording.expired', shortened.recordingSid);
  const last = await announce(third, upstream, { RecordingStatus: 'absent' });
  await receiver.until('recording.failed', last.recordingSid);
  await until('nothing waits', async () => (await notifyOf(third)).waiting === 0);
  assert.deepEqual(receiver.of('recording.expired').map((one) => one.data.recording_sid), [timely, held, shortened].map(({ recordingSid }) => recordingSid));
  assert.equal(receiver.of('recording.stored', old.recordingSid).length + receiver.of('recording.expired', old.recordingSid).length, 0);
});

test('what is given up is listed and sent again, and who is gone is left alone', async (t) => {
  const receiver = await startReceiver(t);
  const upstream = await startUpstream(t);
  const settings = receiver.settings({ notify_give_up_after: '1ms', notify_retry_first: '5ms' });
  const server = await startServer(t, { upstream: upstream.url, settings });
  receiver.answer = (_, reply) => reply.writeHead(500).end();
  const letters = [await announce(server, upstream), await announce(server, upstream)];
  await until('both are given up', async () => (await notifyOf(server)).dead === 2);
  assert.deepEqual(JSON.parse((await callspool(['retry', '--list', '--json', '--set', `data_dir=${server.dataDir}`])).stdout), { dead: [] });
  const { dead } = JSON.parse((await retryNotify(server, '--list', '--json')).stdout);
  assert.deepEqual(new Set(dead.map((letter) => letter.recording_sid)), new Set(letters.map(({ recordingSid }) => recordingSid)));
  for (const letter of dead) {
    assert.deepEqual([letter.type, letter.http_status, letter.failure], ['recording.stored', 500, 'the receiver answered 500']);
    assert.ok(letter.tries >= 2);
  }
  assert.match((await retryNotify(server, '--list')).stdout, new RegExp(`^${dead[0].id}  recording.stored  \\S+  the receiver answered 500$`, 'm'));
  const status = await callspool(['status', '--set', `data_dir=${server.dataDir}`]);
  assert.equal(status.code, 6);
  assert.match(status.stdout, /^notify {6}0 waiting, 2 given up$/m);
  assert.match(status.stdout, /^! 2 webhooks to notify_url were given up/m);
  const metrics = (await request(`${server.url}/metrics`)).body.toString();
  assert.match(metrics, /^callspool_notices_dead 2$/m);
  assert.match(metrics, /^callspool_notices_total\{result="given_up"\} 2$/m);

  for (const [args, code] of [[[], 2], [['RE1'], 2], [['--all', '--reason', 'x'], 2], [[`msg_${letters[0].recordingSid}_999999`], 3]]) {
    const wrong = await retryNotify(server, ...args);
    assert.equal(wrong.code, code, `${args}: ${wrong.stderr}`);
  }
  receiver.answer = (_, reply) => reply.writeHead(204).end();
  const told = receiver.told.length;
  const one = await retryNotify(server, dead[0].id);
  assert.deepEqual([one.code, one.stdout], [0, '1 webhook to notify_url is sent again\n']);
  await until('it was taken', async () => (await notifyOf(server)).waiting === 0 && receiver.told.length === told + 1);
  assert.equal(receiver.told.at(-1).id, dead[0].id);
  const all = await retryNotify(server, '--all', '--json');
  assert.deepEqual(JSON.parse(all.stdout), { queued: 1 });
  await until('the other, too', () => receiver.told.at(-1).id === dead[1].id);
  assert.equal((await retryNotify(server, '--all')).stdout, 'no dead letters\n');

  // 410: not once more until somebody says so.
  receiver.answer = (_, reply) => reply.writeHead(410).end();
  const gone = await announce(server, upstream);
  await until('it is gone', async () => (await notifyOf(server)).gone);
  const after = receiver.told.length;
  const later = await announce(server, upstream);
  await untilState(server, later.callSid, 'stored');
  await untilDigest(server, later.callSid, later.recordingSid);
  assert.equal(receiver.told.length, after);
  const { json: health } = await requestJson(`${server.url}/api/health`);
  assert.ok(health.causes.some((cause) => /answered 410/.test(cause)), health.causes.join());
  receiver.answer = (_, reply) => reply.writeHead(204).end();
  assert.equal((await retryNotify(server, '--all')).code, 0);
  for (const { recordingSid } of [gone, later]) await receiver.until('recording.stored', recordingSid);
  await until('all is well', async () => (await requestJson(`${server.url}/api/health`)).json.degraded === false);
});

/** The fenced block of docs/notify.md in that language. */
const example = (language) => GUIDE.match(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'm'))[1];

test('what the guide has a product write checks signatures', async (t) => {
  const secret = newSecret();
  const env = { ...process.env, NOTIFY_SECRET: secret };
  const port = await freePort();
  const folder = fileURLToPath(new URL('..', import.meta.url)); // where node_modules is found
  const product = new Program(process.execPath, ['--input-type=module', '-e', example('js')], { env: { ...env, PORT: String(port) }, cwd: folder });
  atEnd(t, () => product.stop('SIGKILL'));
  const url = `http://127.0.0.1:${port}/`;
  const sent = async (headers, body) => {
    const { status } = await until('the product listens', async () => fetch(url, { method: 'POST', headers, body }));
    const python = spawnSync('python3', ['-c', `${example('python')}\nimport json, sys\nh, b = json.load(sys.stdin)\nprint(verify(h, b.encode()))`], { env, input: JSON.stringify([headers, body]), encoding: 'utf8' });
    return [status, python.stdout.trim(), python.stderr];
  };
  const receiver = await startReceiver(t, { secret });
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: { ...receiver.settings(), ...notifySettings(t, receiver.url, newSecret(), secret) } });
  const { recordingSid } = await announce(server, upstream);
  const { headers: all, body } = await receiver.until('recording.stored', recordingSid);
  const headers = Object.fromEntries(Object.entries(all).filter(([name]) => name.startsWith('webhook-')));
  assert.deepEqual(await sent(headers, body), [204, 'True', '']);
  await product.line(new RegExp(`^recording.stored ${recordingSid}$`));
  assert.deepEqual(await sent(headers, body.replace('stored', 'gored!')), [401, 'False', '']);
  assert.deepEqual(await sent({ ...headers, 'webhook-timestamp': '1700000000' }, body), [401, 'False', '']);
});

test('a receiver that cannot be used is refused at the start', async (t) => {
  const url = 'http://127.0.0.1:1/hooks';
  for (const [settings, words] of [
    [{ notify_url: url }, /notify_url needs a secret to sign with: notify_secret_file/],
    [notifySettings(t, 'ftp://127.0.0.1/x', newSecret()), /notify_url/],
    [notifySettings(t, 'http://me:secret@127.0.0.1/x', newSecret()), /notify_url/],
    [notifySettings(t, url, 'whsec_AAAA'), /notify_secret: secret 1 has 3 bytes: at least 24 are needed/],
    [notifySettings(t, url, newSecret(), 'hunter2'), /notify_secret: secret 2 is not whsec_/],
  ]) {
    const sets = Object.entries({ listen: '127.0.0.1:0', auth: 'none', ...settings }).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
    const { code, stderr } = await callspool(['serve', ...sets, '--set', `data_dir=${t.name.length}/nowhere`]);
    assert.notEqual(code, 0);
    assert.match(stderr, words);
    assert.doesNotMatch(stderr, /hunter2|me:secret/);
  }
});
