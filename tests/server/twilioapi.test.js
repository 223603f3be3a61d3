// The addresses of Twilio's form: Twilio's own client reads them, a stored RecordingUrl plays with another host, and who
// asks shows a token as they show Twilio's credentials.  Who may call them: access.test.js.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import twilio from 'twilio';
import { audio } from './harness/audio.js';
import { ACCOUNT, startServer } from './harness/callspool.js';
import { request } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { SIGN_IN, addToken, firstAdministrator } from './harness/people.js';
import { store } from './harness/stored.js';
import { startUpstream } from './harness/upstream.js';
import { until } from './harness/until.js';
import { CALL_STATUS, RECORDING_STATUS, callCallback, newSid, postForm, recordingCallback } from './harness/webhook.js';

const OTHER_ACCOUNT = `AC${'1'.repeat(32)}`;
const MINUTE = 60_000;

let world;

/** Twilio's client, led to the server; everything else of it is as it comes. */
function clientOf(server, user, password, options) {
  const client = twilio(user, password, options);
  const send = client.httpClient.request.bind(client.httpClient);
  client.httpClient.request = (call) => send({ ...call, uri: call.uri.replace('https://api.twilio.com', server.url) });
  return client;
}

const rfc2822 = (at) => new Date(at).toUTCString().replace('GMT', '+0000');

async function tell(server, path, fields) {
  assert.equal((await postForm(server.url, path, fields)).status, 200);
}

/** Call n began n hours ago; its recording is told of as Twilio does. */
async function fill(server, upstream, now) {
  const calls = [];
  for (let n = 1; n <= 4; n++) {
    const callSid = newSid('CA');
    const at = now - n * 60 * MINUTE;
    await tell(server, CALL_STATUS, callCallback({
      CallSid: callSid, Timestamp: rfc2822(at + 7000), To: `+97250123456${n}`, CallStatus: n === 4 ? 'busy' : 'completed', ...(n === 4 ? { CallDuration: undefined } : {}),
    }));
    const recording = n === 4 ? undefined : await store(server, upstream, { callSid, seconds: n, format: n === 2 ? 'wav' : 'mp3', fields: { RecordingStartTime: rfc2822(at) } });
    calls.push({ callSid, at, recording });
  }
  const absentSid = newSid('RE');
  await tell(server, RECORDING_STATUS, recordingCallback({
    CallSid: calls[2].callSid, RecordingSid: absentSid, RecordingStatus: 'absent', RecordingDuration: '0', ErrorCode: '16101', RecordingStartTime: rfc2822(calls[2].at - MINUTE),
  }));
  await until('the absent one is known', async () => {
    const { body } = await request(`${server.url}/api/calls/${calls[2].callSid}`);
    return JSON.parse(body).recordings.some(({ state }) => state === 'absent');
  });
  return { calls, absentSid };
}

before(async () => {
  const upstream = await startUpstream(lifetime);
  const filling = await startServer(lifetime, { upstream: upstream.url });
  const now = Math.floor(Date.now() / 1000) * 1000;
  const filled = await fill(filling, upstream, now);
  await filling.stop('SIGTERM');
  filling.finished = { code: 0, signal: null };
  const server = await startServer(lifetime, { upstream: upstream.url, dataDir: filling.dataDir, settings: SIGN_IN });
  const admin = await firstAdministrator(server);
  const { bearer: token, name } = await addToken(admin, 'play,read');
  const client = clientOf(server, ACCOUNT, token);
  world = { server, upstream, admin, token, name, client, now, ...filled };
});

const basic = (user, password) => ({ Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` });
const ask = (path, options = {}) => request(`${world.server.url}/2010-04-01/Accounts/${ACCOUNT}/${path}`, { headers: basic(ACCOUNT, world.token), ...options });

/** What Twilio's client makes of an error. */
const refused = (status, code) => (error) => {
  assert.deepEqual({ status: error.status, code: error.code }, { status, code }, error.message);
  assert.equal(error.moreInfo, `https://www.twilio.com/docs/errors/${code}`);
  return true;
};

test("Twilio's client lists recordings page by page, newest first, each once", async () => {
  const { client, calls, absentSid, server } = world;
  const wanted = [calls[0], calls[1], calls[2]].map(({ recording }) => recording.recordingSid);
  wanted.splice(2, 0, absentSid); // of a call the latest told of first
  for (const pageSize of [1, 2, 50]) {
    const found = await client.recordings.list({ pageSize });
    assert.deepEqual(found.map(({ sid }) => sid), wanted, `${pageSize} a page`);
  }
  const [first, second, absent] = await client.recordings.list();
  assert.equal(first.accountSid, ACCOUNT);
  assert.equal(first.callSid, calls[0].callSid);
  assert.equal(first.status, 'completed');
  assert.equal(first.duration, '1');
  assert.equal(first.channels, 2);
  assert.equal(first.source, 'OutboundAPI');
  assert.equal(first.startTime.getTime(), calls[0].at);
  assert.equal(first.dateCreated.getTime(), calls[0].at);
  assert.equal(first.encryptionDetails, null);
  assert.equal(first.uri, `/2010-04-01/Accounts/${ACCOUNT}/Recordings/${first.sid}.json`);
  assert.equal(first.mediaUrl, `http://callspool.test/2010-04-01/Accounts/${ACCOUNT}/Recordings/${first.sid}`);
  assert.equal(second.duration, '2');
  assert.deepEqual({ status: absent.status, errorCode: absent.errorCode }, { status: 'absent', errorCode: 16101 });
  assert.ok(server.url);
});

test('a page tells its neighbours as Twilio does', async () => {
  const path = `/2010-04-01/Accounts/${ACCOUNT}/Recordings.json`;
  const page = JSON.parse((await ask('Recordings.json?PageSize=3')).body);
  assert.equal(page.recordings.length, 3);
  assert.deepEqual([page.page, page.page_size, page.start, page.end], [0, 3, 0, 2]);
  assert.equal(page.first_page_uri, `${path}?PageSize=3&Page=0`);
  assert.equal(page.previous_page_uri, null);
  assert.match(page.next_page_uri, /\?PageSize=3&Page=1&PageToken=PA[0-9.]+$/);
  const next = JSON.parse((await request(world.server.url + page.next_page_uri, { headers: basic(ACCOUNT, world.token) })).body);
  assert.deepEqual([next.recordings.length, next.page, next.start, next.next_page_uri], [1, 1, 3, null]);
  assert.deepEqual(JSON.parse((await ask('Recordings?PageSize=3')).body).recordings, page.recordings, 'without .json it is the same');
});

test('recordings are filtered by date and by call', async () => {
  const { client, calls, now } = world;
  const sids = async (filter) => (await client.recordings.list(filter)).map(({ sid }) => sid);
  const sidOf = (n) => calls[n].recording.recordingSid;
  assert.deepEqual(await sids({ dateCreatedAfter: new Date(calls[1].at) }), [sidOf(0), sidOf(1)]);
  assert.deepEqual(await sids({ dateCreatedBefore: new Date(calls[2].at) }), [world.absentSid, sidOf(2)]);
  assert.deepEqual(await sids({ dateCreated: new Date(calls[1].at) }), [sidOf(1)]);
  assert.deepEqual(await sids({ callSid: calls[1].callSid }), [sidOf(1)]);
  assert.deepEqual(await sids({ conferenceSid: newSid('CF') }), []);
  assert.deepEqual(await sids({ dateCreatedAfter: new Date(now + MINUTE) }), []);
  const day = new Date(calls[0].at).toISOString().slice(0, 10);
  const { recordings } = JSON.parse((await ask(`Recordings.json?DateCreated>=${day}&DateCreated<=${day}`)).body);
  assert.ok(recordings.some(({ sid }) => sid === sidOf(0)), 'a day is all of it');
});

test("Twilio's client reads one recording, and those of a call", async () => {
  const { client, calls, absentSid } = world;
  const one = await client.recordings(calls[1].recording.recordingSid).fetch();
  assert.equal(one.callSid, calls[1].callSid);
  const ofCall = await client.calls(calls[2].callSid).recordings.list();
  assert.deepEqual(ofCall.map(({ sid }) => sid), [absentSid, calls[2].recording.recordingSid]);
  assert.deepEqual(await client.calls(calls[3].callSid).recordings.list(), [], 'none of a call without one');
  await assert.rejects(client.recordings(newSid('RE')).fetch(), refused(404, 20404));
  await assert.rejects(client.calls(newSid('CA')).recordings.list(), refused(404, 20404));
});

test("Twilio's client lists and reads calls", async () => {
  const { client, calls } = world;
  const sids = async (filter) => (await client.calls.list(filter)).map(({ sid }) => sid);
  const all = calls.map(({ callSid }) => callSid);
  for (const pageSize of [1, 3, 50]) assert.deepEqual(await sids({ pageSize }), all, `${pageSize} a page`);
  assert.deepEqual(await sids({ status: 'busy' }), [all[3]]);
  assert.deepEqual(await sids({ to: '+972501234562' }), [all[1]]);
  assert.deepEqual(await sids({ from: '+97235550100' }), all);
  assert.deepEqual(await sids({ from: '+972501234562' }), [], 'another end');
  assert.deepEqual(await sids({ to: 'client:ruth' }), []);
  assert.deepEqual(await sids({ startTimeAfter: new Date(calls[1].at) }), all.slice(0, 2));
  assert.deepEqual(await sids({ startTimeBefore: new Date(calls[2].at + MINUTE) }), all.slice(2));
  assert.deepEqual(await sids({ parentCallSid: newSid('CA') }), []);
  const one = await client.calls(all[0]).fetch();
  assert.deepEqual({ to: one.to, from: one.from, status: one.status, direction: one.direction, duration: one.duration, account: one.accountSid },
    { to: '+972501234561', from: '+97235550100', status: 'completed', direction: 'outbound-api', duration: '7', account: ACCOUNT });
  assert.equal(one.subresourceUris.recordings, `/2010-04-01/Accounts/${ACCOUNT}/Calls/${all[0]}/Recordings.json`);
  await assert.rejects(client.calls(newSid('CA')).fetch(), refused(404, 20404));
});

test('a stored RecordingUrl plays with another host', async () => {
  const { calls } = world;
  const [mp3, wav] = [calls[0].recording, calls[1].recording];
  for (const [path, { bytes }, type] of [
    [`Recordings/${mp3.recordingSid}`, mp3, 'audio/mpeg'], [`Recordings/${mp3.recordingSid}.mp3`, mp3, 'audio/mpeg'],
    [`Recordings/${wav.recordingSid}`, wav, 'audio/wav'], [`Recordings/${wav.recordingSid}.wav?RequestedChannels=2`, wav, 'audio/wav'],
  ]) {
    const whole = await ask(path);
    assert.deepEqual([whole.status, whole.headers['content-type'], whole.body.equals(bytes)], [200, type, true], path);
    const part = await ask(path, { headers: { ...basic(ACCOUNT, world.token), Range: 'bytes=10-19' } });
    assert.deepEqual([part.status, part.body.equals(bytes.subarray(10, 20))], [206, true], path);
    assert.equal((await ask(path, { method: 'HEAD' })).headers['content-length'], String(bytes.length));
  }
  const own = await request(`${world.server.url}${mp3.mediaPath}`, { headers: { Authorization: `Bearer ${world.token}` } });
  assert.equal((await ask(`Recordings/${mp3.recordingSid}.mp3`)).headers.etag, own.headers.etag, 'it is the same media');
});

/** As on Twilio's addresses of media: XML. */
function readXml(reply) {
  assert.equal(reply.headers['content-type'], 'application/xml');
  const [, code, message, status] = reply.body.toString().match(/^<\?xml [^>]*>\n<TwilioResponse><RestException><Code>(\d+)<\/Code><Message>([^<]+)<\/Message><MoreInfo>[^<]+<\/MoreInfo><Status>(\d+)<\/Status><\/RestException><\/TwilioResponse>$/);
  assert.equal(Number(status), reply.status);
  return { status: reply.status, code: Number(code), message };
}

test('a format that is not kept is not found, nor what is another account\'s', async () => {
  const { calls, absentSid } = world;
  const [mp3, wav] = [calls[0].recording, calls[1].recording];
  for (const [path, words] of [
    [`Recordings/${mp3.recordingSid}.wav`, /kept as mp3/], [`Recordings/${wav.recordingSid}.mp3`, /kept as wav/],
    [`Recordings/${absentSid}.mp3`, /./], ['Recordings/RE123.mp3', /./], ['Recordings/RE123', /./],
  ]) {
    const { status, code, message } = readXml(await ask(path));
    assert.deepEqual([status, code], [404, 20404], path);
    assert.match(message, words, path);
  }
  const other = (path) => request(`${world.server.url}/2010-04-01/Accounts/${OTHER_ACCOUNT}/${path}`, { headers: basic(OTHER_ACCOUNT, world.token) });
  await ask(`Recordings/${mp3.recordingSid}`); // it is in the cache
  assert.equal(readXml(await other(`Recordings/${mp3.recordingSid}`)).code, 20404);
  for (const path of [`Recordings/${mp3.recordingSid}.json`, `Calls/${calls[0].callSid}.json`, `Calls/${calls[0].callSid}/Recordings.json`]) {
    assert.equal((await other(path)).status, 404, path);
  }
  assert.deepEqual(JSON.parse((await other('Recordings.json')).body).recordings, []);
  assert.deepEqual(JSON.parse((await other('Calls.json')).body).calls, []);
});

test('what is not here yet is fetched for whoever plays it, in the format that comes', async () => {
  const sids = ['', '.mp3', '.wav'].map((ending) => ({ sid: newSid('RE'), ending, media: audio({ seconds: 2 }) }));
  for (const { sid, media } of sids) world.upstream.recordings.set(sid, { media, callSid: newSid('CA'), duration: 2 });
  for (const { sid, ending, media } of sids) {
    const reply = await ask(`Recordings/${sid}${ending}`);
    if (ending === '.wav') assert.deepEqual([readXml(reply).code, /kept as mp3/.test(readXml(reply).message)], [20404, true]);
    else assert.deepEqual([reply.status, reply.body.equals(media)], [200, true], ending);
  }
});

test('a user is the account or the token, and errors are as Twilio\'s', async () => {
  const { server, token, name, calls } = world;
  const byName = clientOf(server, name, token, { accountSid: ACCOUNT });
  assert.equal((await byName.recordings.list({ limit: 1 })).length, 1);
  for (const [user, password] of [[ACCOUNT, 'csp_'.padEnd(36, 'A')], [ACCOUNT, token.slice(4)], ['somebody', token], ['', token], [`SK${'1'.repeat(32)}`, token]]) {
    const reply = await ask('Calls.json', { headers: basic(user, password) });
    assert.equal(reply.status, 401, `${user}:${password.slice(0, 6)}`);
    assert.equal(reply.headers['www-authenticate'], 'Basic realm="callspool"');
    assert.equal(JSON.parse(reply.body).code, 20003);
  }
  await assert.rejects(clientOf(server, ACCOUNT, 'csp_'.padEnd(36, 'B')).calls.list(), refused(401, 20003));
  assert.equal(readXml(await ask(`Recordings/${calls[0].recording.recordingSid}.mp3`, { headers: {} })).code, 20003);
  for (const authorization of ['Basic', 'Basic !', `Basic ${Buffer.from('x'.repeat(500)).toString('base64')}`, 'Digest x']) {
    assert.equal((await ask('Calls.json', { headers: { Authorization: authorization } })).status, 401, authorization.slice(0, 30));
  }
  assert.equal((await request(`${server.url}/api/calls`, { headers: basic(ACCOUNT, token) })).status, 401, 'Basic counts here alone');
  for (const [path, status, code, options] of [
    ['Recordings.json?Nonsense=1', 400, 20001], ['Recordings.json?PageSize=none', 400, 20001], ['Recordings.json?Page=2', 400, 20001],
    ['Recordings.json?PageToken=PAx', 400, 20001], ['Calls.json?PageToken=PA1.x', 400, 20001], ['Calls.json?StartTime=yesterday', 400, 20001],
    [`Calls.json?From=${'%31'.repeat(400)}`, 400, 20001], ['Calls/CA1.json', 404, 20404], ['Messages.json', 404, 20404],
    ['Calls.json', 405, 20004, { method: 'POST' }],
  ]) {
    const reply = await ask(path, options);
    assert.equal(reply.status, status, path);
    const body = JSON.parse(reply.body);
    assert.deepEqual([body.code, body.status, body.more_info], [code, status, `https://www.twilio.com/docs/errors/${code}`], path);
    assert.ok(body.message.length > 5, path);
  }
});

test('the audit names the token that plays by Basic, and for whom', async () => {
  const { admin, calls, name } = world;
  const { recordingSid } = calls[2].recording;
  assert.equal((await ask(`Recordings/${recordingSid}.mp3`, { headers: { ...basic(ACCOUNT, world.token), 'Callspool-For': 'noa@example.com' } })).status, 200);
  const entry = await until('the play is in the audit', async () => (await admin.asks(200, 'GET', `/api/audit?recording=${recordingSid}&kind=play_began`)).json.entries[0]);
  assert.deepEqual({ credential: entry.credential, for: entry.for }, { credential: name, for: 'noa@example.com' });
});

test('what was deleted is deleted: told where it is asked for, and not found elsewhere', async () => {
  const { admin, client, calls } = world;
  const { recordingSid } = calls[0].recording;
  await admin.asks(200, 'DELETE', `/api/recordings/${recordingSid}`);
  assert.ok(!(await client.recordings.list()).some(({ sid }) => sid === recordingSid));
  const deleted = (await client.recordings.list({ includeSoftDeleted: true })).find(({ sid }) => sid === recordingSid);
  assert.equal(deleted.status, 'deleted');
  await assert.rejects(client.recordings(recordingSid).fetch(), refused(404, 20404));
  assert.equal((await client.recordings(recordingSid).fetch({ includeSoftDeleted: true })).status, 'deleted');
  assert.deepEqual([readXml(await ask(`Recordings/${recordingSid}.mp3`)).code], [20404]);
});
