// What Twilio calls: signed by Twilio's own library, answered only after the commit, and at once.
import test from 'node:test';
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { audio } from './harness/audio.js';
import webhooks from 'twilio/lib/webhooks/webhooks.js';
import { startCalm } from './harness/calm.js';
import { ACCOUNT, TOKEN, startServer, untilState } from './harness/callspool.js';
import { requestJson } from './harness/http.js';
import { startNginx } from './harness/nginx.js';
import { temporaryFolder } from './harness/process.js';
import { until } from './harness/until.js';
import { startUpstream } from './harness/upstream.js';
import { CALL_STATUS, PUBLIC_URL, RECORDING_STATUS, callCallback, get, newSid, postForm, postJson, recordingCallback } from './harness/webhook.js';

const callOf = async (server, callSid) => requestJson(`${server.url}/api/calls/${callSid}`);
const untilKnown = (server, callSid) => until(`${callSid} is known`, async () => (await callOf(server, callSid)).status === 200);

function assertAccepted(reply) {
  assert.equal(reply.status, 200, reply.body.toString());
  assert.match(reply.headers['content-type'], /^text\/xml\b/);
  assert.match(reply.body.toString(), /^(<\?xml [^>]*\?>\s*)?<Response\s*\/>\s*$|^(<\?xml [^>]*\?>\s*)?<Response><\/Response>\s*$/);
}

test('recording-status as Twilio sends it: a form by POST, by GET, and JSON', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url });
  for (const [way, send] of Object.entries({ postForm, get, postJson })) {
    const fields = recordingCallback({ RecordingStatus: 'in-progress', RecordingDuration: undefined });
    assertAccepted(await send(server.url, RECORDING_STATUS, fields));
    await untilKnown(server, fields.CallSid);
    const { json } = await callOf(server, fields.CallSid);
    assert.deepEqual((json.call ?? json).recordings.map(({ recording_sid: sid }) => sid), [fields.RecordingSid], way);
  }
});

test('as many fields as the body holds: none of them costs the event', async (t) => {
  const server = await startServer(t);
  const extra = (count) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`Added${(i * 7919) % 10_000}`, `${i}`]));
  for (const [way, send, counts] of [['form', postForm, [100, 130, 4000]], ['GET', get, [130, 300]], ['JSON', postJson, [130, 2000]]]) {
    for (const count of counts) {
      const fields = recordingCallback({ RecordingStatus: 'in-progress', RecordingDuration: undefined, ...extra(count) });
      const reply = await send(server.url, RECORDING_STATUS, fields);
      assert.equal(reply.status, 200, `${way}, ${count}: ${reply.body}`);
      await untilKnown(server, fields.CallSid);
    }
  }
});

test('call-status as Twilio sends it: a form by POST, by GET, and JSON', async (t) => {
  const server = await startServer(t);
  for (const send of [postForm, get, postJson]) {
    const fields = callCallback({ From: '+15550001111', To: 'client:agent-7', Direction: 'inbound' });
    assertAccepted(await send(server.url, CALL_STATUS, fields));
    await untilKnown(server, fields.CallSid);
    const { json } = await callOf(server, fields.CallSid);
    const call = json.call ?? json;
    assert.equal(call.from, '+15550001111');
    assert.equal(call.to, 'client:agent-7');
    assert.equal(call.direction, 'inbound');
    assert.equal(call.status, 'completed');
    assert.equal(call.duration, 7);
  }
});

test('a call callback that names its recording has it fetched', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url });
  const fields = callCallback({ RecordingSid: newSid('RE'), RecordingUrl: 'https://api.twilio.com/x', RecordingDuration: '5' });
  upstream.recordings.set(fields.RecordingSid, { callSid: fields.CallSid, media: audio() });
  assertAccepted(await postForm(server.url, CALL_STATUS, fields));
  const call = await untilState(server, fields.CallSid, 'stored');
  assert.equal(call.recordings[0].recording_sid, fields.RecordingSid);
});

test('through nginx the signature still covers what Twilio called', async (t) => {
  const server = await startServer(t);
  const nginx = await startNginx(t, server.url);
  const path = `${RECORDING_STATUS}?tenant=a%20b&x=%27quoted%27&y=1+2`;
  const fields = recordingCallback({ RecordingStatus: 'in-progress' });
  assertAccepted(await postForm(nginx.url, path, fields));
  await untilKnown(server, fields.CallSid);
});

const twisted = [
  ['values with every kind of character', { Caller: 'Zoë & Co = 100% +plus "q" \'s\' \n\t ש🙂', Empty: '' }],
  ['blanks that must not be trimmed', { CallerName: '  two  ', Odd: ' ' }],
  ['names that are prefixes of each other', { Reason: 'Participant', ReasonConferenceEnded: 'test', reason: 'lower case' }],
  ['a name with many values', { Digits: ['5678', '1234', '1234'], MessageBinding: ['b', 'a'] }],
  ['fields that nobody knows yet', { SomethingNewFromTwilio: '1', 'Address.0': 'x', 'a[b]': 'c' }],
];
test('unusual fields', async (t) => {
  const server = await startServer(t);
  for (const [name, extra] of twisted) {
    await t.test(name, async () => {
      const fields = recordingCallback({ RecordingStatus: 'in-progress', ...extra });
      assertAccepted(await postForm(server.url, RECORDING_STATUS, fields));
      await untilKnown(server, fields.CallSid);
    });
  }
});

test('the spellings of the address that Twilio signs', async (t) => {
  const server = await startServer(t, { settings: { public_url: 'https://calls.example.com' } });
  for (const publicUrl of ['https://calls.example.com', 'https://calls.example.com:443']) {
    assertAccepted(await postForm(server.url, RECORDING_STATUS, recordingCallback(), { publicUrl }));
  }
  for (const publicUrl of ['http://calls.example.com', 'https://calls.example.org', 'https://calls.example.com:8443']) {
    assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback(), { publicUrl })).status, 403, publicUrl);
  }
});

test('without a signature 400, with a wrong one 403, and nothing is kept', async (t) => {
  const server = await startServer(t);
  const good = recordingCallback();
  const forged = [
    ['no signature', 400, () => postForm(server.url, RECORDING_STATUS, good, { signature: null })],
    ['no signature, GET', 400, () => get(server.url, RECORDING_STATUS, good, { signature: null })],
    ['no signature, JSON', 400, () => postJson(server.url, RECORDING_STATUS, good, { signature: null })],
    ['another token', 403, () => postForm(server.url, RECORDING_STATUS, good, { token: 'f'.repeat(32) })],
    ['another token, GET', 403, () => get(server.url, RECORDING_STATUS, good, { token: 'f'.repeat(32) })],
    ['another token, JSON', 403, () => postJson(server.url, RECORDING_STATUS, good, { token: 'f'.repeat(32) })],
    ['no base64', 403, () => postForm(server.url, RECORDING_STATUS, good, { signature: '!!!' })],
    ['the right length, wrong', 403, () => postForm(server.url, RECORDING_STATUS, good, { signature: `${'A'.repeat(27)}=` })],
    ['signed for another path', 403, () => postForm(server.url, `${RECORDING_STATUS}?x=1`, good, { signature: signatureOf(RECORDING_STATUS, good) })],
    ['a field changed after signing', 403, () => postForm(server.url, RECORDING_STATUS, { ...good, RecordingUrl: 'https://evil.example/x' }, { signature: signatureOf(RECORDING_STATUS, good) })],
    ['a field added after signing', 403, () => postForm(server.url, RECORDING_STATUS, { ...good, ZZ: '1' }, { signature: signatureOf(RECORDING_STATUS, good) })],
    ['JSON whose hash is of another body', 403, () => postJson(server.url, RECORDING_STATUS, good, { hashOf: '{}' })],
  ];
  for (const [name, status, send] of forged) {
    await t.test(name, async () => {
      const reply = await send();
      assert.equal(reply.status, status, reply.body.toString());
      const { success, code } = JSON.parse(reply.body);
      assert.equal(success, false);
      assert.equal(code, status === 400 ? 'bad_request' : 'forbidden');
    });
  }
  // Whatever was kept of them would be known before this one is.
  const last = recordingCallback();
  assertAccepted(await postForm(server.url, RECORDING_STATUS, last));
  await untilKnown(server, last.CallSid);
  assert.equal((await callOf(server, good.CallSid)).status, 404);
});

function signatureOf(path, fields) {
  return webhooks.getExpectedTwilioSignature(TOKEN, PUBLIC_URL + path, fields);
}

test('signed but not a callback: 400', async (t) => {
  const server = await startServer(t);
  for (const fields of [{ AccountSid: ACCOUNT }, recordingCallback({ RecordingSid: 'RE123' }), recordingCallback({ CallSid: '../../etc/passwd' })]) {
    const reply = await postForm(server.url, RECORDING_STATUS, fields);
    assert.equal(reply.status, 400, reply.body.toString());
    assert.equal(JSON.parse(reply.body).code, 'bad_request');
  }
});

test('JSON that is no object: 400, and it says so', async (t) => {
  const server = await startServer(t);
  const told = JSON.stringify(recordingCallback());
  for (const body of ['[]', `[${told}]`, '"text"', '7', 'null', 'true', '', `${told}${told}`, told.slice(0, -1)]) {
    const reply = await postJson(server.url, RECORDING_STATUS, {}, { body });
    assert.equal(reply.status, 400, body);
    assert.match(JSON.parse(reply.body).error, /not a JSON object/, body);
  }
});

test('an account with two tokens: both are good while they are rotated', async (t) => {
  const [first, second] = ['a'.repeat(32), 'b'.repeat(32)];
  const account = newSid('AC');
  const file = join(temporaryFolder(t), 'accounts');
  writeFileSync(file, `# rotating\n${account} - ${first},${second}\n`, { mode: 0o600 });
  const server = await startServer(t, { settings: { 'twilio.accounts_file': file } });
  const fields = () => recordingCallback({ AccountSid: account, RecordingStatus: 'in-progress' });
  for (const token of [first, second]) assertAccepted(await postForm(server.url, RECORDING_STATUS, fields(), { token }));
  assert.equal((await postForm(server.url, RECORDING_STATUS, fields(), { token: 'c'.repeat(32) })).status, 403);
  // The first account's token does not speak for the second account.
  assert.equal((await postForm(server.url, RECORDING_STATUS, fields())).status, 403);
});

test('without public_url webhooks are refused until it is set, and the log says what to write', async (t) => {
  const forwarded = { 'X-Forwarded-Proto': 'https', 'X-Forwarded-Host': 'calls.example.com' };
  for (const [proxy, likely] of [['127.0.0.1', 'https://calls.example.com'], ['192.0.2.1', undefined]]) {
    const server = await startServer(t, { settings: { public_url: undefined, trusted_proxies: proxy } });
    const publicUrl = likely ?? server.url;
    for (let sent = 0; sent < 3; sent++) {
      // Signed for the Host that the caller picks: signed all the same, but not for an address that somebody chose.
      const reply = await postForm(server.url, RECORDING_STATUS, recordingCallback(), { publicUrl, headers: forwarded });
      assert.equal(reply.status, 503, reply.body.toString());
      assert.equal(JSON.parse(reply.body).code, 'not_configured');
    }
    await server.line(/public_url = /);
    const lines = server.err.filter((line) => /public_url = /.test(line));
    assert.equal(lines.length, 1, server.err.join('\n'));
    assert.ok(lines[0].includes(`public_url = ${publicUrl}`) && /\blevel=warn\b/.test(lines[0]), lines[0]);
    const { json: status } = await requestJson(`${server.url}/api/status`);
    assert.equal(status.webhooks.refused.no_public_url, 3);
    assert.match(status.causes.join('\n'), /^Webhooks are refused: public_url is not set/);
  }
});

test('X-Forwarded-Host changes nothing about the address that is signed', async (t) => {
  const server = await startServer(t, { settings: { trusted_proxies: '127.0.0.1' } });
  assertAccepted(await postForm(server.url, RECORDING_STATUS, recordingCallback(), { headers: { 'X-Forwarded-Host': 'elsewhere.example' } }));
});

test('twice, late and out of order: one call, one recording, one download', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url });
  const [callSid, recordingSid] = [newSid('CA'), newSid('RE')];
  upstream.recordings.set(recordingSid, { media: audio(), callSid });
  const recording = (status) => recordingCallback({ CallSid: callSid, RecordingSid: recordingSid, RecordingStatus: status, RecordingDuration: status === 'completed' ? '5' : undefined });
  const call = (status, n) => callCallback({ CallSid: callSid, CallStatus: status, SequenceNumber: String(n), CallDuration: status === 'completed' ? '7' : undefined });
  const events = [
    [RECORDING_STATUS, recording('completed')],
    [CALL_STATUS, call('completed', 3)],
    [RECORDING_STATUS, recording('in-progress')],
    [CALL_STATUS, call('in-progress', 2)],
    [RECORDING_STATUS, recording('completed')],
    [CALL_STATUS, call('initiated', 0)],
    [CALL_STATUS, call('completed', 3)],
    [CALL_STATUS, call('ringing', 1)],
    [RECORDING_STATUS, recording('completed')],
  ];
  for (const [path, fields] of events) assertAccepted(await postForm(server.url, path, fields));
  const known = await untilState(server, callSid, 'stored');
  assert.equal(known.status, 'completed');
  assert.equal(known.duration, 7);
  assert.equal(known.recordings.length, 1);
  const { json } = await requestJson(`${server.url}/api/calls`);
  assert.equal(json.calls.filter((one) => one.call_sid === callSid).length, 1);
  assert.equal(upstream.mediaRequests(recordingSid).length, 1);
});

test('200 means committed: nothing acknowledged is lost by kill -9', async (t) => {
  const upstream = await startUpstream(t);
  const first = await startServer(t, { upstream: upstream.url });
  const sids = Array.from({ length: 40 }, () => newSid('CA'));
  // Killed in the moment when the last of them is answered.
  const replies = await Promise.all(sids.map((callSid, i) => postForm(first.url, i % 2 ? RECORDING_STATUS : CALL_STATUS,
    i % 2 ? recordingCallback({ CallSid: callSid, RecordingStatus: 'in-progress' }) : callCallback({ CallSid: callSid }))));
  await first.kill();
  for (const reply of replies) assertAccepted(reply);
  const second = await startServer(t, { upstream: upstream.url, dataDir: first.dataDir });
  for (const callSid of sids) await untilKnown(second, callSid);
});

test('answered as fast as ever while the upstream stalls', async (t) => {
  const calm = await startCalm(t);
  const upstream = await startUpstream(t);
  upstream.answer = () => {}; // takes each request and never says a word
  const server = await startServer(t, { upstream: upstream.url });
  const sent = [];
  const send = async () => {
    const at = performance.now();
    const reply = await postForm(server.url, RECORDING_STATUS, recordingCallback());
    assertAccepted(reply);
    sent.push({ at, ms: reply.ms });
  };
  for (let i = 0; i < 120; i += 1) await send();
  await until('the downloads are under way', () => upstream.requests.length >= 32);
  for (let i = 0; i < 80; i += 1) await send();
  assert.deepEqual(calm.tooSlow(sent), []);
});

test('Twilio asks again with the same connection and its odd headers', async (t) => {
  const server = await startServer(t);
  const fields = recordingCallback();
  for (const headers of [{ Accept: '*/*', 'Cache-Control': 'max-age=259200' }, { Expect: '100-continue' }, { 'Transfer-Encoding': 'chunked' }]) {
    assertAccepted(await postForm(server.url, RECORDING_STATUS, fields, { headers }));
  }
});

test('an empty form names no account, so nobody can have signed it', async (t) => {
  const server = await startServer(t);
  const reply = await postForm(server.url, RECORDING_STATUS, {});
  assert.equal(reply.status, 403);
  assert.equal(JSON.parse(reply.body).code, 'forbidden');
});
