// callspool simulate: Twilio's own client reads it, its media are what they say, and a server that
// is pointed at it keeps what it places.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import twilio from 'twilio';
import { keyPair, newSealing, placedDetails, restDetails, seal } from './harness/cipher.js';
import { ACCOUNT, TOKEN, startDemo, startServer, startSimulate, untilState } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { temporaryFolder } from './harness/process.js';
import { until } from './harness/until.js';

const AUTHORIZATION = `Basic ${Buffer.from(`${ACCOUNT}:${TOKEN}`).toString('base64')}`;
const API = `/2010-04-01/Accounts/${ACCOUNT}`;

/** Twilio's client, led to the simulated one; everything else of it is as it comes. */
function clientOf(simulated, token = TOKEN) {
  const client = twilio(ACCOUNT, token);
  const send = client.httpClient.request.bind(client.httpClient);
  client.httpClient.request = (options) => send({ ...options, uri: options.uri.replace('https://api.twilio.com', simulated.url) });
  return client;
}

async function place(simulated, wish) {
  const { status, json } = await requestJson(`${simulated.url}/simulate/calls`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(wish),
  });
  assert.equal(status, 201, JSON.stringify(json));
  return json.calls;
}

async function rules(simulated, ...list) {
  assert.equal((await request(`${simulated.url}/simulate/faults`, { method: 'DELETE' })).status, 204);
  const { status, json } = await requestJson(`${simulated.url}/simulate/faults`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ rules: list }),
  });
  assert.equal(status, 200, JSON.stringify(json));
}

/** Each of the two wants the other's address before it starts: one of them gets a port beforehand. */
async function freePort() {
  const held = createServer().listen(0, '127.0.0.1');
  await once(held, 'listening');
  const { port } = held.address();
  held.close();
  await once(held, 'close');
  return port;
}

const media = (simulated, sid, suffix) => request(`${simulated.url}${API}/Recordings/${sid}${suffix}`, { headers: { Authorization: AUTHORIZATION } });

describe("Twilio's REST client on the simulated one", () => {
  let simulated;
  let client;

  before(async () => {
    simulated = await startSimulate(lifetime, ['--past', '120', '--seed', '5']);
    client = clientOf(simulated);
  });

  test('lists recordings page by page, newest first, each once', async () => {
    const all = await client.recordings.list({ pageSize: 7 });
    assert.ok(all.length > 90, `${all.length}`);
    assert.equal(new Set(all.map(({ sid }) => sid)).size, all.length);
    const dates = all.map(({ dateCreated }) => dateCreated.getTime());
    assert.deepEqual(dates, [...dates].sort((a, b) => b - a));
    for (const one of all) {
      assert.match(one.sid, /^RE[0-9a-f]{32}$/);
      assert.equal(one.accountSid, ACCOUNT);
      assert.ok(['completed', 'absent'].includes(one.status), one.status);
      assert.ok(Number.isFinite(one.startTime.getTime()));
    }
  });

  test('filters by date and by call', async () => {
    const all = await client.recordings.list();
    const middle = all[Math.floor(all.length / 2)];
    const after = await client.recordings.list({ dateCreatedAfter: middle.dateCreated });
    const before_ = await client.recordings.list({ dateCreatedBefore: new Date(middle.dateCreated.getTime() - 1000) });
    assert.equal(after.length + before_.length, all.length);
    assert.ok(after.every((one) => one.dateCreated >= middle.dateCreated));
    const ofCall = await client.recordings.list({ callSid: middle.callSid });
    assert.ok(ofCall.length >= 1 && ofCall.every((one) => one.callSid === middle.callSid));
    const below = await client.calls(middle.callSid).recordings.list();
    assert.deepEqual(below.map(({ sid }) => sid), ofCall.map(({ sid }) => sid));
  });

  test('fetches a recording and its call', async () => {
    const [{ sid, callSid }] = await client.recordings.list({ limit: 1 });
    const one = await client.recordings(sid).fetch();
    assert.equal(one.callSid, callSid);
    assert.equal(one.channels, 2);
    assert.ok(Number(one.duration) > 5);
    const call = await client.calls(callSid).fetch();
    assert.equal(call.status, 'completed');
    assert.ok(call.endTime > call.startTime);
    assert.match(call.from, /^\+\d+$/);
  });

  test('deletes one, after which it is an error 20404', async () => {
    const done = (await client.recordings.list()).find(({ status }) => status === 'completed');
    assert.equal(await client.recordings(done.sid).remove(), true);
    await assert.rejects(client.recordings(done.sid).fetch(), { status: 404, code: 20404 });
    assert.equal((await client.recordings(done.sid).fetch({ includeSoftDeleted: true })).status, 'deleted');
    assert.equal((await media(simulated, done.sid, '.mp3')).status, 404);
  });

  test('is refused with a wrong token: 20003', async () => {
    await assert.rejects(clientOf(simulated, 'x'.repeat(32)).recordings.list({ limit: 1 }), { status: 401, code: 20003 });
  });
});

describe('media', () => {
  let simulated;
  const sid = 'REaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
  const single = 'REbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb';

  before(async () => {
    simulated = await startSimulate(lifetime);
    await place(simulated, { recording_sid: sid, duration: 90 });
    await place(simulated, { recording_sid: single, channels: 1 });
  });

  for (const [suffix, codec, channels, type] of [
    ['.mp3', 'mp3', 2, 'audio/mpeg'], ['.mp3?RequestedChannels=1', 'mp3', 1, 'audio/mpeg'],
    ['', 'pcm_s16le', 2, 'audio/x-wav'], ['.wav?RequestedChannels=1', 'pcm_s16le', 1, 'audio/x-wav'],
  ]) {
    test(`Recordings/{RE}${suffix} is ${codec} of ${channels} channels, 90 s long`, async (t) => {
      const reply = await media(simulated, sid, suffix);
      assert.equal(reply.status, 200);
      assert.equal(reply.headers['content-type'], type);
      const file = join(temporaryFolder(t), 'media');
      writeFileSync(file, reply.body);
      const probe = spawnSync('ffprobe', ['-v', 'error', '-of', 'json', '-show_entries', 'stream=codec_name,channels:format=duration', file], { encoding: 'utf8' });
      assert.equal(probe.stderr, '');
      const { streams: [stream], format } = JSON.parse(probe.stdout);
      assert.equal(stream.codec_name, codec);
      assert.equal(stream.channels, channels);
      assert.ok(Math.abs(Number(format.duration) - 90) < 0.2, format.duration);
    });
  }

  test('two channels of a recording that has one: 400', async () => {
    const reply = await media(simulated, single, '.mp3?RequestedChannels=2');
    assert.equal(reply.status, 400);
    assert.match(reply.body.toString(), /<RestException>/);
    assert.equal((await media(simulated, single, '.mp3?RequestedChannels=1')).status, 200);
  });

  test('ranges only where a rule says so', async () => {
    const ask = () => request(`${simulated.url}${API}/Recordings/${sid}.mp3`, { headers: { Authorization: AUTHORIZATION, Range: 'bytes=100-199' } });
    assert.equal((await ask()).status, 200);
    await rules(simulated, 'ranges');
    const part = await ask();
    assert.equal(part.status, 206);
    assert.equal(part.body.length, 100);
    await rules(simulated);
  });

  test('encrypted with a key of the asker: what Node makes of it, and nothing else than 32 bytes', async () => {
    const pair = keyPair();
    const sealing = newSealing(pair);
    const encryption = placedDetails(pair, sealing);
    const [{ recordings: [{ recording_sid: sid }] }] = await place(simulated, { duration: 2, encryption });
    const pristine = await request(`${simulated.url}/simulate/media/${sid}.wav`);
    assert.ok((await media(simulated, sid, '.wav')).body.equals(seal(pristine.body, sealing)));
    assert.equal((await media(simulated, sid, '.mp3')).status, 400);
    const { json } = await requestJson(`${simulated.url}${API}/Recordings/${sid}.json`, { headers: { Authorization: AUTHORIZATION } });
    assert.deepEqual(json.encryption_details, restDetails(pair, sealing));
    for (const wrong of [{ key: 'AAAA' }, { public_key_sid: 'PK' }, { iv: undefined }, { encrypted_cek: '?' }]) {
      const { status } = await requestJson(`${simulated.url}/simulate/calls`, {
        method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ encryption: { ...encryption, ...wrong } }),
      });
      assert.equal(status, 400, JSON.stringify(wrong));
    }
  });

  test('a cut and a slow body', async () => {
    await rules(simulated, 'cut=25%#1', 'slow=1000000');
    const whole = await request(`${simulated.url}/simulate/media/${sid}.mp3`);
    const cut = await media(simulated, sid, '.mp3');
    assert.equal(Number(cut.headers['content-length']), whole.body.length);
    assert.ok(cut.cut);
    assert.ok(Math.abs(cut.body.length - whole.body.length / 4) < 1000, `${cut.body.length} of ${whole.body.length}`);
    assert.ok(whole.body.subarray(0, cut.body.length).equals(cut.body));
    const slow = await media(simulated, sid, '.mp3');
    assert.ok(slow.body.equals(whole.body));
    assert.ok(slow.ms > 250, `${slow.ms}`);
    await rules(simulated);
  });
});

test('callbacks carry signatures that the twilio package accepts, in the order of a call', async (t) => {
  const received = [];
  const webhook = createServer(async (call, reply) => {
    let body = '';
    for await (const chunk of call) body += chunk;
    const params = Object.fromEntries(new URLSearchParams(body));
    received.push({ url: call.url, params, headers: call.headers,
      good: twilio.validateRequest(TOKEN, call.headers['x-twilio-signature'], `https://calls.example.com${call.url}`, params) });
    reply.setHeader('Content-Type', 'text/xml').end('<Response/>');
  }).listen(0, '127.0.0.1');
  t.after(() => { webhook.close(); webhook.closeAllConnections(); });
  await once(webhook, 'listening');
  const simulated = await startSimulate(t, ['--webhook', `http://127.0.0.1:${webhook.address().port}#rc=5&rp=all`, '--signed-url', 'https://calls.example.com']);
  const [call] = await place(simulated, { direction: 'outbound-api', speed: 100, dialogue: 9 });
  await until('the recording is told completed', () => received.some(({ params }) => params.RecordingStatus === 'completed'));

  assert.ok(received.every(({ good }) => good));
  assert.ok(received.every(({ params }) => params.CallSid === call.call_sid && params.AccountSid === ACCOUNT));
  assert.ok(received.every(({ headers }) => headers['user-agent'] === 'TwilioProxy/1.1' && headers['i-twilio-idempotency-token']));
  const calls = received.filter(({ url }) => url === '/webhook/call-status').map(({ params }) => params);
  assert.deepEqual(calls.map(({ CallStatus }) => CallStatus), ['initiated', 'ringing', 'in-progress', 'completed']);
  assert.deepEqual(calls.map(({ SequenceNumber }) => SequenceNumber), ['0', '1', '2', '3']);
  const recordings = received.filter(({ url }) => url === '/webhook/recording-status').map(({ params }) => params);
  assert.deepEqual(recordings.map(({ RecordingStatus }) => RecordingStatus), ['in-progress', 'completed']);
  assert.equal(recordings[0].RecordingDuration, undefined);
  assert.equal(recordings[1].RecordingDuration, '17');
});

test('a server pointed at it stores what it places, byte for byte', async (t) => {
  const port = await freePort();
  const simulated = await startSimulate(t, ['--webhook', `http://127.0.0.1:${port}#rc=5&rp=all`, '--signed-url', 'http://callspool.test']);
  const server = await startServer(t, { upstream: simulated.url, settings: { listen: `127.0.0.1:${port}` } });
  const calls = await place(simulated, { count: 5 });
  for (const { call_sid: callSid, recordings: [{ recording_sid: sid }] } of calls) {
    await untilState(server, callSid, 'stored');
    const [kept, whole] = await Promise.all([
      request(`${server.url}/api/calls/${callSid}/download`), request(`${simulated.url}/simulate/media/${sid}.mp3`),
    ]);
    assert.equal(kept.status, 200);
    assert.ok(kept.body.equals(whole.body), sid);
  }
  const { json } = await requestJson(`${simulated.url}/simulate/requests`);
  for (const { recordings: [{ recording_sid: sid }] } of calls) {
    assert.equal(json.recordings[sid].requests, 1, JSON.stringify(json.recordings[sid]));
    assert.equal(json.recordings[sid].authorized, 1);
  }
});

test('the demo begins with a call of each kind', async (t) => {
  const demo = await startDemo(t);
  const wanted = {
    'no answer': ({ status }) => status === 'no-answer',
    busy: ({ status }) => status === 'busy',
    'never recorded': ({ status, recording_count: count }) => status === 'completed' && count === 0,
    'none kept': ({ recordings }) => recordings[0]?.state === 'absent',
    'four recordings': ({ recording_count: count }) => count === 4,
    'by SIP': ({ from }) => from?.startsWith('sip:'),
    'an hour': ({ duration, recordings }) => duration > 3600 && recordings[0]?.state === 'stored',
    'Twilio limits': ({ recordings }) => recordings[0]?.reason?.text.includes('429') || /limit/.test(recordings[0]?.reason?.text ?? ''),
    'not there any more': ({ recordings }) => /no media/.test(recordings[0]?.reason?.text ?? '') || recordings[0]?.state === 'gone',
    'of yesterday': ({ started_at: at }) => Date.now() - Date.parse(at) > 24 * 3600_000,
  };
  const missing = () => until('a call of each kind', async () => {
    const { calls } = (await requestJson(`${demo.url}/api/calls?limit=200`)).json;
    for (const [kind, fits] of Object.entries(wanted)) if (calls.some(fits)) delete wanted[kind];
    return Object.keys(wanted).length === 0;
  }, 60_000);
  await missing().catch((error) => assert.fail(`missing: ${Object.keys(wanted).join(', ')} (${error.message})`));
});

const anyStored = (demo) => until('a recording is stored', async () => {
  const { calls } = (await requestJson(`${demo.url}/api/calls?limit=200`)).json;
  return calls.some(({ recordings }) => recordings.some(({ state }) => state === 'stored'));
}, 60_000);

test("the demo signs in as its own account, where Twilio's tools have a key in the environment", async (t) => {
  await anyStored(await startDemo(t, { env: { TWILIO_API_KEY: `SK${'1'.repeat(32)}`, TWILIO_API_SECRET: 'x'.repeat(32) } }));
});

test('the demo takes nothing of a deployment from the environment', async (t) => {
  const folder = temporaryFolder(t);
  const [dataDir, accessLog] = [join(folder, 'data'), join(folder, 'access.log')];
  const demo = await startDemo(t, {
    env: {
      CALLSPOOL_DATA_DIR: dataDir, CALLSPOOL_ACCESS_LOG: accessLog,
      CALLSPOOL_TWILIO_PRIVATE_KEY_FILE: '/dev/null/key', CALLSPOOL_AUDIT_KEY_FILE: '/dev/null/key', CALLSPOOL_AUDIT_KEY_FILE_OLD: '/dev/null/key',
      CALLSPOOL_DATABASE_LISTEN: 'postgresql://callspool@127.0.0.1:1/none', CALLSPOOL_CLUSTER_LISTEN: '127.0.0.1:0',
      CALLSPOOL_STORE: 's3://calls/prefix', CALLSPOOL_S3_ENDPOINT: 'http://127.0.0.1:1', AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x',
      CALLSPOOL_NOTIFY_URL: 'http://127.0.0.1:1/', CALLSPOOL_FETCH_PROXY: 'http://127.0.0.1:1', CALLSPOOL_TWILIO_ACCOUNTS_FILE: '/nowhere',
    },
  });
  await anyStored(demo);
  assert.deepEqual([dataDir, accessLog].filter((path) => existsSync(path)), []);
});

test('nor the ledger, on which it would be one of several; what --set says is meant for it', async (t) => {
  const dataDir = join(temporaryFolder(t), 'data');
  const demo = await startDemo(t, { settings: { data_dir: dataDir }, env: { CALLSPOOL_DATABASE: 'postgresql://callspool@127.0.0.1:1/none' } });
  await anyStored(demo);
  assert.ok(existsSync(join(dataDir, 'ledger.db')));
});
