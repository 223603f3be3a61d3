// What a person decides about a recording: to hold it, to lift the hold, to delete it.
import test from 'node:test';
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { audio } from './harness/audio.js';
import { callspool, pathOf, startServer, untilState } from './harness/callspool.js';
import { Events } from './harness/events.js';
import { Gate } from './harness/gated.js';
import { RawConnection, request, requestJson } from './harness/http.js';
import { atEnd } from './harness/lifetime.js';
import { Caller, addPerson, addToken, firstAdministrator, startWithPeople } from './harness/people.js';
import { scrape, valuesOf } from './harness/metrics.js';
import { startStored, store } from './harness/stored.js';
import { until } from './harness/until.js';
import { startUpstream } from './harness/upstream.js';
import { CALL_STATUS, RECORDING_STATUS, callCallback, newSid, postForm, recordingCallback } from './harness/webhook.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const daysAgo = (days) => new Date(Date.now() - days * DAY_MS).toUTCString().replace('GMT', '+0000');

const change = (server, method, path, json) => requestJson(server.url + path, {
  method, ...(json && { body: JSON.stringify(json), headers: { 'Content-Type': 'application/json' } }),
});
const remove = (server, sid) => change(server, 'DELETE', `/api/recordings/${sid}`);
const hold = (server, sid, reason) => change(server, 'POST', `/api/recordings/${sid}/hold`, { reason });
const lift = (server, sid) => change(server, 'DELETE', `/api/recordings/${sid}/hold`);
const shown = async (server, callSid) => (await requestJson(`${server.url}/api/calls/${callSid}`)).json.recordings[0];
const entries = async (server, kind) => (await requestJson(`${server.url}/api/audit?kind=${kind}`)).json.entries;
const filesOf = (server, sid) => readdirSync(join(server.dataDir, 'recordings'), { recursive: true }).map(String).filter((name) => name.includes(sid));

/** A WAV file of these samples: two channels, 16 bits, 8 kHz. */
function wav(samples) {
  const head = Buffer.from('RIFF____WAVEfmt \x10\0\0\0\x01\0\x02\0________\x04\0\x10\0data____', 'latin1');
  head.writeUInt32LE(samples.length + 36, 4);
  head.writeUInt32LE(8000, 24);
  head.writeUInt32LE(32000, 28);
  head.writeUInt32LE(samples.length, 40);
  return Buffer.concat([head, samples]);
}

/** A recording whose media waits behind a gate, announced; its flight has asked for it. */
async function arriving(server, upstream, options) {
  const [callSid, recordingSid] = [newSid('CA'), newSid('RE')];
  const gate = new Gate(audio({ seconds: 20 }), options);
  upstream.recordings.set(recordingSid, { callSid, answer: gate.answer });
  assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid }))).status, 200);
  await until('the flight has asked', () => gate.requests > 0);
  return { callSid, recordingSid, gate, mediaPath: `/api/recordings/${recordingSid}/media` };
}

test('what is held does not expire, and says who holds it, since when and why', async (t) => {
  const { server, upstream } = await startStored(t);
  const old = await store(server, upstream, { fields: { RecordingStartTime: daysAgo(8) } });
  assert.equal((await requestJson(server.url + old.mediaPath)).json.code, 'recording_expired');

  const before = Date.now();
  const held = await hold(server, old.recordingSid, ' a claim of the customer "Blå" ');
  assert.equal(held.status, 200, held.body.toString());
  const { since, ...rest } = held.json.hold;
  assert.deepEqual(rest, { by: null, reason: 'a claim of the customer "Blå"' }, 'without sign-in it is nobody by name');
  assert.ok(Date.parse(since) >= before - 1 && Date.parse(since) <= Date.now());
  const recording = await shown(server, old.callSid);
  assert.deepEqual([recording.held, recording.expired, recording.expires_at, recording.hold], [true, false, null, held.json.hold]);
  await until('it plays', async () => (await request(server.url + old.mediaPath)).status === 200);

  assert.deepEqual((await hold(server, old.recordingSid, 'a claim of the customer "Blå"')).json.hold, held.json.hold, 'once more is no other hold');
  assert.equal((await hold(server, old.recordingSid, 'a court order')).json.hold.reason, 'a court order');
  const lifted = await lift(server, old.recordingSid);
  assert.deepEqual([lifted.status, lifted.json.hold], [200, null]);
  assert.equal((await lift(server, old.recordingSid)).status, 200);
  await until('it expires again', async () => (await request(server.url + old.mediaPath)).status === 410);
  assert.deepEqual((await shown(server, old.callSid)).hold, null);

  assert.deepEqual((await entries(server, 'hold_set')).map(({ recording_sid, body }) => [recording_sid, JSON.parse(body).reason]),
    [[old.recordingSid, 'a court order'], [old.recordingSid, 'a claim of the customer "Blå"']]);
  assert.deepEqual((await entries(server, 'hold_lifted')).map(({ recording_sid }) => recording_sid), [old.recordingSid]);
});

test('whoever looks on hears of a hold, and of its end', async (t) => {
  const { server, recording } = await startStored(t);
  const path = `/api/recordings/${recording.recordingSid}`;
  await until('nothing else changes it', async () => (await request(`${server.url}${path}/waveform`)).status === 200);
  const feed = await Events.open(t, server);
  const said = (is) => ({ calls }) => calls?.some(({ call_sid: sid, recordings }) => sid === recording.callSid && recordings.some(({ held }) => held === is));
  assert.equal((await hold(server, recording.recordingSid, 'kept')).status, 200);
  await feed.hears('that it is held', said(true));
  const behind = feed.messages.length;
  assert.equal((await lift(server, recording.recordingSid)).status, 200);
  await feed.hears('that it is not any more', said(false), behind);
});

test('a hold names the person, or whom a program acts for', async (t) => {
  const { server, recording } = await startWithPeople(t);
  const admin = await firstAdministrator(server);
  const program = await addToken(admin, 'change');
  const listener = await addPerson(admin, 'dana');
  const path = `/api/recordings/${recording.recordingSid}/hold`;
  assert.equal((await admin.asks(200, 'POST', path, { json: { reason: 'a' } })).json.hold.by, 'ruth');
  const acting = { headers: { 'Callspool-For': 'reviewer@example.com' } };
  assert.equal((await program.asks(200, 'POST', path, { json: { reason: 'b' }, ...acting })).json.hold.by, 'reviewer@example.com');
  assert.ok((await program.asks(200, 'POST', path, { json: {} })).json.hold.by.length > 0);
  await listener.asks(403, 'DELETE', `/api/recordings/${recording.recordingSid}`);
  assert.equal((await program.asks(409, 'DELETE', `/api/recordings/${recording.recordingSid}`)).json.code, 'conflict');
  assert.equal((await new Caller(server, { cookies: listener.cookies, address: listener.address }).ask('GET', recording.mediaPath)).status, 200);
});

test('what had expired before it was fetched is fetched once it is held', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url });
  const [callSid, recordingSid] = [newSid('CA'), newSid('RE')];
  const media = audio();
  upstream.recordings.set(recordingSid, { callSid, media, wav: media });
  await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid, RecordingStartTime: daysAgo(100) }));
  await until('it has expired', async () => (await shown(server, callSid))?.reason?.code === 'recording_expired');
  assert.equal((await hold(server, recordingSid, 'kept')).status, 200);
  await untilState(server, callSid, 'stored');
  assert.ok((await request(`${server.url}/api/recordings/${recordingSid}/media`)).body.equals(media));
});

test('what is deleted is gone for good, and its file with it', async (t) => {
  const { server, upstream, recording } = await startStored(t, { settings: { reconcile_interval: '1s' } });
  const file = await pathOf(server, recording.callSid);
  assert.ok(existsSync(file));
  assert.equal((await request(server.url + recording.mediaPath)).status, 200);

  const gone = await remove(server, recording.recordingSid);
  assert.deepEqual([gone.status, gone.json.state], [200, 'deleted'], gone.body.toString());
  for (const path of [recording.mediaPath, recording.downloadPath]) {
    const { status, json } = await requestJson(server.url + path);
    assert.deepEqual([status, json.code], [410, 'recording_deleted'], path);
  }
  await until('its file is gone', () => filesOf(server, recording.recordingSid).length === 0);
  const { state, reason, removed_at: removedAt, size } = await shown(server, recording.callSid);
  assert.deepEqual([state, reason.code, size], ['deleted', 'recording_deleted', undefined]);
  assert.ok(Math.abs(Date.parse(removedAt) - Date.now()) < 60_000);
  const listed = async (filter) => (await requestJson(`${server.url}/api/calls?state=${filter}`)).json.calls.length;
  assert.deepEqual([await listed('deleted'), await listed('stored')], [1, 0]);

  // Nothing brings it back: neither Twilio's list nor its webhook, nor a person.
  const asked = upstream.requests.filter(({ path }) => path.includes(recording.recordingSid)).length;
  upstream.recordings.get(recording.recordingSid).listed = true;
  const lists = () => upstream.requests.filter(({ path }) => path.endsWith('/Recordings.json')).length;
  const read = lists();
  await until('its list was read', () => lists() > read + 1);
  assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: recording.callSid, RecordingSid: recording.recordingSid }))).status, 200);
  assert.equal((await change(server, 'POST', `/api/recordings/${recording.recordingSid}/retry`)).status, 409);
  assert.equal((await hold(server, recording.recordingSid, 'too late')).status, 409);
  const other = await store(server, upstream);
  assert.equal((await shown(server, recording.callSid)).state, 'deleted');
  assert.equal(upstream.requests.filter(({ path }) => path.includes(recording.recordingSid)).length, asked);
  assert.equal((await shown(server, other.callSid)).state, 'stored');

  assert.equal((await remove(server, recording.recordingSid)).status, 200, 'once more is as good');
  assert.deepEqual((await entries(server, 'recording_deleted')).map(({ recording_sid }) => recording_sid), [recording.recordingSid]);
});

test('what is held is not deleted', async (t) => {
  const { server, recording } = await startStored(t);
  await hold(server, recording.recordingSid, 'a claim');
  const refused = await remove(server, recording.recordingSid);
  assert.deepEqual([refused.status, refused.json.code], [409, 'conflict']);
  assert.equal((await request(server.url + recording.mediaPath)).status, 200);
  await lift(server, recording.recordingSid);
  assert.equal((await remove(server, recording.recordingSid)).status, 200);
});

test('who is hearing it from the store hears it to its end', async (t) => {
  const size = 24 << 20; // more than the sockets between us take
  const media = wav(Buffer.alloc(size, 'speech'));
  const { server, recording } = await startStored(t, { recording: { media, format: 'wav', seconds: size / 32000 } });
  const player = await RawConnection.open(server.url);
  atEnd(t, () => player.close());
  player.send(`GET ${recording.mediaPath} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  const [head] = await player.receives(/^HTTP\/1\.1 200 [^]*?\r\n\r\n/);
  player.socket.pause();
  assert.equal((await remove(server, recording.recordingSid)).status, 200);
  await until('its file is gone', () => filesOf(server, recording.recordingSid).length === 0);
  player.socket.resume();
  await player.untilClosed();
  assert.ok(player.received.subarray(head.length).equals(media));
});

test('a flight under way ends: who waits for it is told, who hears it is closed short', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: { 'fetch.stall_timeout': '10m', play_wait: '50s' } });
  const heard = await arriving(server, upstream);
  heard.gate.open(20_000);
  const player = await RawConnection.open(server.url);
  atEnd(t, () => player.close());
  player.send(`GET ${heard.mediaPath} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await player.receives(/^HTTP\/1\.1 200 /);
  const late = requestJson(server.url + heard.mediaPath, { headers: { Range: 'bytes=40000-' } });
  await until('both are there', async () => (await shown(server, heard.callSid)).attempts.length === 1);
  assert.equal((await remove(server, heard.recordingSid)).status, 200);
  await player.untilClosed();
  const told = await late;
  assert.deepEqual([told.status, told.json.code], [410, 'recording_deleted']);
  await until('its connection to Twilio is closed', () => heard.gate.streams.size === 0);
  const { state, attempts } = await until('its attempt is over', async () => {
    const recording = await shown(server, heard.callSid);
    return recording.attempts[0].ended_at && recording;
  });
  assert.deepEqual([state, attempts.map(({ outcome }) => outcome)], ['deleted', ['deleted']]);
  await until('nothing of it is left', () => readdirSync(join(server.dataDir, 'arriving')).length === 0);
  assert.equal((await requestJson(server.url + heard.mediaPath)).status, 410);
  assert.deepEqual(filesOf(server, heard.recordingSid), []);
});

test('what waits for its turn, its next try or its end is deleted as well', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: { 'fetch.retry_first': '1h', 'fetch.retry_most': '1h', play_wait: '50s' } });
  const told = async (fields, states) => {
    const [callSid, recordingSid] = [newSid('CA'), newSid('RE')];
    await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid, ...fields }));
    await until(`it is ${states}`, async () => states.includes((await shown(server, callSid))?.state));
    return { callSid, recordingSid };
  };
  const [waiting, announced, absent] = [
    await told({}, ['waiting']), await told({ RecordingStatus: 'in-progress' }, ['recording']), await told({ RecordingStatus: 'absent' }, ['absent']),
  ];
  const player = requestJson(`${server.url}/api/recordings/${waiting.recordingSid}/media`);
  await until('its player is there', async () => valuesOf(await scrape(server), 'callspool_flights')['state="waiting"'] === 1);
  for (const { recordingSid } of [waiting, announced, absent]) assert.equal((await remove(server, recordingSid)).status, 200);
  assert.equal((await player).status, 410);
  await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: announced.callSid, RecordingSid: announced.recordingSid }));
  for (const { callSid } of [waiting, announced, absent]) assert.equal((await shown(server, callSid)).state, 'deleted');
  const { causes } = (await requestJson(`${server.url}/api/health`)).json;
  assert.deepEqual(causes.filter((cause) => /wait/.test(cause)), []);
});

test('a crash behind the commit forgets no file', async (t) => {
  const { server, upstream, recording } = await startStored(t);
  const more = [];
  for (let i = 0; i < 3; i += 1) more.push(await store(server, upstream));
  const gone = await Promise.all([recording, ...more].map(({ recordingSid }) => remove(server, recordingSid)));
  await server.kill();
  assert.deepEqual(gone.map(({ status }) => status), [200, 200, 200, 200]);
  const next = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir });
  for (const { recordingSid, mediaPath } of [recording, ...more]) {
    assert.equal((await request(next.url + mediaPath)).status, 410);
    await until('its file is gone', () => filesOf(next, recordingSid).length === 0);
  }
});

test('what cannot be changed is refused in words', async (t) => {
  const { server, recording } = await startStored(t);
  const sid = recording.recordingSid;
  for (const [method, path, json, status, code] of [
    ['DELETE', `/api/recordings/${newSid('RE')}`, undefined, 404, 'recording_not_found'],
    ['DELETE', '/api/recordings/RE1', undefined, 400, 'bad_request'],
    ['DELETE', `/api/recordings/${recording.callSid}`, undefined, 400, 'bad_request'],
    ['POST', `/api/recordings/${newSid('RE')}/hold`, {}, 404, 'recording_not_found'],
    ['DELETE', `/api/recordings/${newSid('RE')}/hold`, undefined, 404, 'recording_not_found'],
    ['POST', `/api/recordings/${sid}/hold`, { reason: 'x'.repeat(301) }, 400, 'bad_request'],
    ['POST', `/api/recordings/${sid}/hold`, { reason: '<'.repeat(300) }, 400, 'bad_request'],
    ['POST', `/api/recordings/${sid}/hold`, { reason: 'two\nlines' }, 400, 'bad_request'],
    ['POST', `/api/recordings/${sid}/hold`, { reason: '\u009b31m' }, 400, 'bad_request'],
    ['POST', `/api/recordings/${sid}/hold`, { reason: 7 }, 400, 'bad_request'],
    ['POST', `/api/recordings/${sid}/hold`, [], 400, 'bad_request'],
  ]) {
    const { status: got, json: answer } = await change(server, method, path, json);
    assert.deepEqual([got, answer.code], [status, code], `${method} ${path} ${JSON.stringify(json)}`);
  }
  assert.equal((await request(`${server.url}/api/recordings/${sid}`)).status, 405);
  assert.equal((await shown(server, recording.callSid)).hold, null);
});

test('callspool hold: by the server that runs, or without one', async (t) => {
  const { server, upstream, recording } = await startStored(t);
  const second = await store(server, upstream, { callSid: recording.callSid });
  const third = await store(server, upstream, { callSid: recording.callSid });
  await remove(server, third.recordingSid);
  const command = (...args) => callspool(['hold', ...args, '--set', `data_dir=${server.dataDir}`]);
  const both = await command(recording.callSid, '--reason', 'claim 4711');
  assert.equal(both.code, 0, both.stderr);
  assert.deepEqual(both.stdout.trim().split('\n').sort(), [recording, second].map(({ recordingSid }) => `${recordingSid} is held`).sort());
  assert.equal((await remove(server, second.recordingSid)).status, 409);
  const lifted = await command(second.recordingSid, '--lift', '--json');
  assert.deepEqual(JSON.parse(lifted.stdout).recordings.map(({ recording_sid: sid, hold: one }) => [sid, one]), [[second.recordingSid, null]]);
  for (const [args, code] of [
    [[newSid('CA')], 3], [[newSid('RE')], 3], [[third.recordingSid], 4], [['RE1'], 2], [[], 2], [[recording.recordingSid, '--lift', '--reason', 'x'], 2],
    [[recording.recordingSid, '--reason', 'x'.repeat(301)], 2],
  ]) {
    const refused = await command(...args);
    assert.deepEqual([refused.code, refused.stdout], [code, ''], `${args}: ${refused.stderr}`);
    assert.notEqual(refused.stderr, '');
  }
  await server.finish();
  const alone = await command(second.recordingSid);
  assert.deepEqual([alone.code, alone.stdout], [0, `${second.recordingSid} is held\n`], alone.stderr);
  const next = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir });
  const { recordings } = (await requestJson(`${next.url}/api/calls/${recording.callSid}`)).json;
  assert.deepEqual(recordings.map(({ recording_sid: sid, hold: one }) => [sid, one && one.reason]).sort(),
    [[recording.recordingSid, 'claim 4711'], [second.recordingSid, null], [third.recordingSid, null]].sort());
  assert.deepEqual(recordings.filter(({ held }) => held).length, 2);
});

test('what Twilio is recording is shown as that, until its call is over', async (t) => {
  const server = await startServer(t);
  const [callSid, recordingSid] = [newSid('CA'), newSid('RE')];
  const tell = (status) => postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid, RecordingStatus: status }));
  const becomes = (state) => until(`it is ${state}`, async () => (await shown(server, callSid))?.state === state);
  await tell('in-progress');
  await becomes('recording');
  await tell('paused');
  await becomes('paused');
  assert.equal((await requestJson(`${server.url}/api/calls?state=pending`)).json.calls[0].recordings[0].state, 'paused');
  await tell('in-progress');
  await becomes('recording');
  await postForm(server.url, CALL_STATUS, callCallback({ CallSid: callSid }));
  await becomes('announced');
});

test('the list is filtered by what is held, has expired, or is on its way', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, settings: { 'fetch.retry_first': '1h', 'fetch.retry_most': '1h' } });
  const old = { RecordingStartTime: daysAgo(8) };
  const [fresh, held, expired, heldOld] = [
    await store(server, upstream), await store(server, upstream), await store(server, upstream, { fields: old }), await store(server, upstream, { fields: old }),
  ];
  const tell = async (fields) => {
    const [callSid, recordingSid] = [newSid('CA'), newSid('RE')];
    await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: callSid, RecordingSid: recordingSid, ...fields }));
    await until('it is there', async () => (await shown(server, callSid))?.attempts);
    return { callSid, recordingSid };
  };
  const [waiting, coming, tooOld] = [await tell({}), await tell({ RecordingStatus: 'in-progress' }), await tell({ RecordingStartTime: daysAgo(100) })];
  for (const { recordingSid } of [held, heldOld]) await hold(server, recordingSid, '');
  const listed = async (state) => (await requestJson(`${server.url}/api/calls?state=${state}`)).json.calls.map(({ call_sid: sid }) => sid).sort();
  const of = (...recordings) => recordings.map(({ callSid }) => callSid).sort();
  for (const [state, wanted] of [
    ['held', of(held, heldOld)], ['expired', of(expired, tooOld)], ['on_the_way', of(waiting, coming)],
    ['stored', of(fresh, held, expired, heldOld)], ['pending', of(waiting, coming, tooOld)],
  ]) assert.deepEqual(await listed(state), wanted, state);
  await lift(server, heldOld.recordingSid);
  await hold(server, tooOld.recordingSid, 'wanted after all');
  assert.deepEqual(await listed('expired'), of(expired, heldOld));
  assert.deepEqual(await listed('held'), of(held, tooOld));
  assert.equal((await requestJson(`${server.url}/api/calls?state=kept`)).status, 400);
});
