// callspool retry: dead letters are listed with their attempts, and fetched again.
import test from 'node:test';
import assert from 'node:assert/strict';
import { audio } from './harness/audio.js';
import { callspool, startServer, untilState } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { startStored } from './harness/stored.js';
import { startUpstream } from './harness/upstream.js';
import { until } from './harness/until.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const media = audio({ seconds: 5 });
const AT_ONCE = { 'fetch.give_up_after': '1ms', 'fetch.retry_first': '1ms', 'fetch.retry_most': '2ms' };

const retry = (dataDir, ...args) => callspool(['retry', ...args, '--set', `data_dir=${dataDir}`]);
const post = (url) => requestJson(url, { method: 'POST' });

/** A recording that Twilio answers with `status` until `heal` is called, and that is given up by now. */
async function dead(server, upstream, status, fields = {}) {
  const recordingSid = newSid('RE');
  const callSid = fields.CallSid ?? newSid('CA');
  upstream.recordings.set(recordingSid, { callSid, answer: (_, reply) => reply.writeHead(status).end() });
  assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid, ...fields }))).status, 200);
  await untilState(server, callSid, 'dead');
  const heal = () => upstream.recordings.set(recordingSid, { callSid, media, wav: media });
  return { callSid, recordingSid, heal };
}

test('a dead letter is listed with its attempts, and retried by its SID', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: AT_ONCE });
  assert.deepEqual(JSON.parse((await retry(server.dataDir, '--list', '--json')).stdout), { dead: [] });
  const first = await dead(server, upstream, 500);
  const second = await dead(server, upstream, 500);

  const { code, stdout } = await retry(server.dataDir, '--list');
  assert.equal(code, 0);
  for (const { recordingSid, callSid } of [first, second]) assert.match(stdout, new RegExp(`^${recordingSid}  ${callSid}  \\S+  \\w`, 'm'));
  const { dead: letters } = JSON.parse((await retry(server.dataDir, '--list', '--json')).stdout);
  assert.deepEqual(letters.map((letter) => letter.recording_sid), [first.recordingSid, second.recordingSid]);
  for (const { attempts, reason } of letters) {
    assert.ok(reason.code && reason.text);
    assert.ok(attempts.length > 0);
    for (const attempt of attempts) assert.equal(attempt.http_status, 500);
  }

  first.heal();
  const one = await retry(server.dataDir, first.recordingSid);
  assert.deepEqual([one.code, one.stdout], [0, `${first.recordingSid} is fetched again\n`]);
  await untilState(server, first.callSid, 'stored');
  assert.ok((await request(`${server.url}/api/calls/${first.callSid}/download`)).body.equals(media));

  second.heal();
  assert.equal((await retry(server.dataDir, second.callSid)).code, 0);
  await untilState(server, second.callSid, 'stored');
  assert.deepEqual(JSON.parse((await retry(server.dataDir, '--list', '--json')).stdout), { dead: [] });
  const { entries } = (await requestJson(`${server.url}/api/audit?kind=retried`)).json;
  assert.deepEqual(entries.map((entry) => entry.recording_sid), [second.recordingSid, first.recordingSid]);
});

test('all of them are retried, or those of a reason', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: AT_ONCE });
  const failing = [await dead(server, upstream, 500), await dead(server, upstream, 500)];
  const failed = newSid('CA'); // Twilio itself could not keep it
  const recordingSid = newSid('RE');
  await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: failed, RecordingSid: recordingSid, RecordingStatus: 'failed' }));
  await untilState(server, failed, 'dead');

  const none = await retry(server.dataDir, '--all', '--reason', 'no such reason');
  assert.deepEqual([none.code, none.stdout], [0, 'no dead letters\n']);
  const listed = JSON.parse((await retry(server.dataDir, '--list', '--json', '--reason', 'UPSTREAM_FAILED')).stdout).dead;
  assert.deepEqual(listed.map((letter) => letter.recording_sid), [recordingSid]);
  for (const { heal } of failing) heal();
  upstream.recordings.set(recordingSid, { callSid: failed, media, wav: media });
  const some = await retry(server.dataDir, '--all', '--reason', 'upstream_failed', '--json');
  assert.deepEqual(JSON.parse(some.stdout), { queued: [recordingSid] });
  await untilState(server, failed, 'stored');
  const all = await retry(server.dataDir, '--all', '--json');
  assert.deepEqual(new Set(JSON.parse(all.stdout).queued), new Set(failing.map((one) => one.recordingSid)));
  for (const { callSid } of failing) await untilState(server, callSid, 'stored');
});

test('a retry during an attempt is not taken back by its end', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: AT_ONCE });
  const held = [];
  const callSid = newSid('CA'), recordingSid = newSid('RE');
  upstream.recordings.set(recordingSid, { callSid, answer: (_, reply) => held.push(reply) });
  await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid }));
  for (const tries of [1, 2]) { // of which none would be followed by another
    await until(`it is asked for, try ${tries}`, () => held.length === tries);
    const { status, json } = await post(`${server.url}/api/recordings/${recordingSid}/retry`);
    assert.deepEqual([status, json.queued], [200, [recordingSid]]);
    held[tries - 1].writeHead(500).end();
  }
  await until('it is asked for once more', () => held.length === 3);
  held[2].writeHead(500).end();
  const { recordings: [{ attempts }] } = await untilState(server, callSid, 'dead');
  assert.equal(attempts.length, 3, 'each click is worth one try');
});

test('where no server runs, the next start fetches', async (t) => {
  const upstream = await startUpstream(t);
  const first = await startServer(t, { upstream: upstream.url, settings: AT_ONCE });
  const letter = await dead(first, upstream, 500);
  await first.finish();
  letter.heal();
  assert.equal((await retry(first.dataDir, '--all')).code, 0);
  const server = await startServer(t, { upstream: upstream.url, dataDir: first.dataDir });
  await untilState(server, letter.callSid, 'stored');
});

test('what cannot be retried is refused in words', async (t) => {
  const { server, recording } = await startStored(t);
  for (const [sid, code] of [[recording.callSid, 4], [recording.recordingSid, 4], [newSid('CA'), 3], [newSid('RE'), 3]]) {
    const refused = await retry(server.dataDir, sid);
    assert.equal(refused.code, code, `${sid}: ${refused.stderr}`);
    assert.notEqual(refused.stderr, '');
  }
  for (const args of [[], ['--all', '--list'], ['--all', newSid('RE')], [newSid('RE'), '--reason', 'x'], ['RE1']]) {
    assert.equal((await retry(server.dataDir, ...args)).code, 2, args.join(' '));
  }
  for (const [path, status, code] of [
    [`/api/recordings/${recording.recordingSid}/retry`, 409, 'conflict'], [`/api/calls/${recording.callSid}/retry`, 409, 'conflict'],
    [`/api/recordings/${newSid('RE')}/retry`, 404, 'recording_not_found'], [`/api/calls/${newSid('CA')}/retry`, 404, 'call_not_found'],
    ['/api/recordings/RE1/retry', 400, 'bad_request'], ['/api/calls/CA1/retry', 400, 'bad_request'],
  ]) {
    const { status: got, json } = await post(`${server.url}${path}`);
    assert.deepEqual([got, json.code], [status, code], path);
  }
});
