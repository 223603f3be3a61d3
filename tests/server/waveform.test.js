// The waveform of a recording: the same as a count of its samples, there a moment after the recording is, gone and made
// anew with it, and nobody's who may not play it.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import http from 'node:http';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import WaveformData from 'waveform-data';
import { audio } from './harness/audio.js';
import { pathOf, startServer, untilState } from './harness/callspool.js';
import { Gate } from './harness/gated.js';
import { request, requestJson } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { Caller, addLink, firstAdministrator, startWithPeople } from './harness/people.js';
import { run, temporaryFolder } from './harness/process.js';
import { extremes, noise, wavOf } from './harness/sound.js';
import { startStored, store } from './harness/stored.js';
import { startUpstream } from './harness/upstream.js';
import { until, within } from './harness/until.js';
import { CALL_STATUS, RECORDING_STATUS, callCallback, newSid, postForm, recordingCallback } from './harness/webhook.js';

const PENDING_WITHIN_S = 2; // Retry-After while it is computed

const addressOf = ({ recordingSid }, query = '') => `/api/recordings/${recordingSid}/waveform${query}`;

/** Waits for it; { headers, json }. */
async function waveformOf(server, recording, query = '') {
  const reply = await until('there is a waveform', async () => {
    const got = await request(server.url + addressOf(recording, query));
    if (got.status !== 200) throw new Error(`${got.status} ${got.body}`);
    return got;
  });
  return { ...reply, json: query.includes('binary') ? undefined : JSON.parse(reply.body) };
}

/** As a page reads it. */
async function drawnOf(server, recording, points) {
  const { body } = await waveformOf(server, recording, `?format=binary${points ? `&points=${points}` : ''}`);
  return WaveformData.create(body.buffer.slice(body.byteOffset, body.byteOffset + body.length));
}

const beside = (media) => media.replace(/\.(mp3|wav)$/, '.peaks');
const codeOf = (reply) => JSON.parse(reply.body).code;

async function refuses(server, recording, status, code) {
  const reply = await request(server.url + addressOf(recording));
  assert.deepEqual([reply.status, codeOf(reply)], [status, code]);
  return reply;
}

describe('what is told', () => {
  let server, upstream;
  before(async () => {
    upstream = await startUpstream(lifetime);
    server = await startServer(lifetime, { upstream: upstream.url });
  });

  const sounds = [
    ['two channels', [noise(20), noise(20, { seed: 7, peak: 32_767 })], 8000],
    ['one channel', [noise(7.3)], 8000],
    ['48 kHz', [noise(3, { rate: 48_000 }), noise(3, { rate: 48_000, seed: 3 })], 48_000],
    ['so long that its points are used up', [noise(150)], 8000],
    ['shorter than a point', [noise(0.005)], 8000],
  ];
  for (const [name, channels, rate] of sounds) {
    test(`WAV, ${name}: each point has the extremes of its samples`, async () => {
      const recording = await store(server, upstream, { format: 'wav', media: wavOf(channels, rate), channels: channels.length, seconds: 1 });
      for (const points of [undefined, 2000, 300, 1]) {
        const drawn = await drawnOf(server, recording, points);
        assert.deepEqual([drawn.channels, drawn.sample_rate, drawn.bits], [channels.length, rate, 8]);
        assert.ok(drawn.length <= (points ?? 8000), `${drawn.length} points`);
        channels.forEach((samples, i) => {
          const wanted = extremes(samples, drawn.scale);
          assert.deepEqual(drawn.channel(i).min_array(), wanted.min);
          assert.deepEqual(drawn.channel(i).max_array(), wanted.max);
        });
        const { json } = await waveformOf(server, recording, points ? `?points=${points}&format=json` : '');
        assert.deepEqual([json.version, json.bits, json.length, json.samples_per_pixel], [2, 8, drawn.length, drawn.scale]);
        assert.deepEqual(WaveformData.create(json).toJSON().data, drawn.toJSON().data, 'JSON says the same');
        assert.equal(json.duration, Math.round(channels[0].length / rate * 1000) / 1000);
      }
    });
  }

  test('MP3: as ffmpeg decodes it, within one step', async () => {
    const recording = await store(server, upstream, { seconds: 20 });
    const { stdout } = spawnSync('ffmpeg', ['-v', 'error', '-i', 'pipe:0', '-f', 's16le', 'pipe:1'], { input: recording.bytes, maxBuffer: 1 << 26 });
    const all = new Int16Array(stdout.buffer, stdout.byteOffset, stdout.length / 2);
    const drawn = await drawnOf(server, recording);
    let points = 0;
    for (const channel of [0, 1]) {
      const wanted = extremes(all.filter((_, i) => i % 2 === channel), drawn.scale);
      for (const [got, want] of [[drawn.channel(channel).min_array(), wanted.min], [drawn.channel(channel).max_array(), wanted.max]]) {
        assert.ok(Math.abs(got.length - want.length) <= 1, `${got.length} points, ${want.length}`);
        got.forEach((value, i) => i < want.length && assert.ok(Math.abs(value - want[i]) <= 1, `point ${i}: ${value}, not ${want[i]}`));
        points += got.length;
      }
    }
    assert.ok(points > 10_000, `${points} were looked at`);
  });

  test('where both sides are silent, how loud each is, and whose it is', async () => {
    const callSid = newSid('CA');
    await postForm(server.url, CALL_STATUS, callCallback({ CallSid: callSid, Direction: 'inbound', From: '+15550001111', To: '+15550002222' }));
    const isPause = (s) => s >= 4 && s < 6.5;
    const loud = noise(10, { isSilent: (s) => isPause(s) || s < 2 }), quiet = noise(10, { seed: 5, peak: 2000, isSilent: (s) => isPause(s) || s > 9 });
    const still = new Int16Array(80_000);
    const both = await store(server, upstream, { format: 'wav', media: wavOf([loud, quiet]), callSid, seconds: 10 });
    const { json } = await waveformOf(server, both);
    assert.equal(json.silence.length, 1, JSON.stringify(json.silence));
    const [[from, to]] = json.silence;
    assert.ok(Math.abs(from - 4) <= 0.1 && Math.abs(to - 6.5) <= 0.1, `${from} to ${to}`);
    assert.ok(Math.abs(json.loudness[0] - json.loudness[1] - 20) < 0.5, `ten times as loud: ${json.loudness}`);
    assert.deepEqual(json.sides, ['customer', 'agent']);
    const one = (await waveformOf(server, await store(server, upstream, { format: 'wav', media: wavOf([still]), channels: 1, seconds: 10 }))).json;
    assert.deepEqual([one.silence, one.loudness, one.sides], [[[0, 10]], [null], null]);
  });

  test('it goes when its recording is deleted', async () => {
    const recording = await store(server, upstream);
    await waveformOf(server, recording);
    const media = await pathOf(server, recording.callSid);
    assert.ok(existsSync(beside(media)));
    assert.equal((await request(`${server.url}/api/recordings/${recording.recordingSid}`, { method: 'DELETE' })).status, 200);
    await refuses(server, recording, 410, 'recording_deleted');
    await until('both files are gone', () => !existsSync(media) && !existsSync(beside(media)));
  });

  test('its ETag, preconditions, HEAD, and queries that are none', async () => {
    const recording = await store(server, upstream);
    const { headers, body } = await waveformOf(server, recording);
    const ask = (query, more) => request(server.url + addressOf(recording, query), more);
    assert.deepEqual([headers['cache-control'], headers['content-type'], headers['x-content-type-options'], headers['cross-origin-resource-policy']],
      ['private, no-cache', 'application/json', 'nosniff', 'same-origin']);
    const known = { headers: { 'If-None-Match': headers.etag } };
    const again = await ask('', known);
    assert.deepEqual([again.status, again.body.length, again.headers.etag], [304, 0, headers.etag]);
    for (const query of ['?points=7', '?format=binary']) assert.equal((await ask(query, known)).status, 200, `${query} is another`);
    assert.equal((await ask('?points=8000&format=json', known)).status, 304, 'the defaults spelt out are the same');
    assert.equal((await ask('', { headers: { 'If-Match': '"another"' } })).status, 412);
    const head = await ask('', { method: 'HEAD' });
    assert.deepEqual([head.status, head.body.length, Number(head.headers['content-length'])], [200, 0, body.length]);
    assert.equal((await ask('?points=99999999999')).status, 200, 'never more than there are');
    for (const query of ['?points=0', '?points=-1', '?points=x', '?points=', '?format=xml', '?zoom=2', '?points=1&%zz']) {
      const reply = await ask(query);
      assert.deepEqual([reply.status, codeOf(reply)], [400, 'bad_request'], query);
    }
    assert.equal((await request(`${server.url}/api/recordings/RE1/waveform`)).status, 400);
    await refuses(server, { recordingSid: newSid('RE') }, 404, 'recording_not_found');
  });
});

test('pending while the recording arrives, and until it is computed; the list says when it is there', async (t) => {
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url });
  const recording = { callSid: newSid('CA'), recordingSid: newSid('RE') };
  const gate = new Gate(audio());
  upstream.recordings.set(recording.recordingSid, { callSid: recording.callSid, answer: gate.answer });
  await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: recording.callSid, RecordingSid: recording.recordingSid }));
  await until('it is being fetched', () => gate.requests > 0);
  const waits = await refuses(server, recording, 404, 'waveform_pending');
  assert.ok(Number(waits.headers['retry-after']) > 0);
  const says = async () => (await requestJson(`${server.url}/api/calls/${recording.callSid}`)).json.recordings[0].waveform;
  assert.equal(await says(), false);
  const { seq } = (await requestJson(`${server.url}/api/calls`)).json;
  gate.open();
  const seen = new Set();
  await until('there is one', async () => {
    const reply = await request(server.url + addressOf(recording));
    if (reply.status === 404) seen.add(`${codeOf(reply)} ${Number(reply.headers['retry-after']) >= PENDING_WITHIN_S}`);
    return reply.status === 200;
  });
  assert.deepEqual([...seen], ['waveform_pending true']);
  assert.equal(await says(), true);
  const hears = async (after) => {
    const { json } = await requestJson(`${server.url}/api/events?after=${after}`);
    return json.calls.some((row) => row.recordings[0]?.waveform) || hears(json.seq);
  };
  assert.ok(await within('who follows the calls hears of it', hears(seq)));
});

test('what cannot be decoded is told of once, and is not pending for ever', async (t) => {
  const { server, recording } = await startStored(t, { recording: { format: 'wav', media: wavOf([noise(1)], 8000, { codec: 0x1234 }), seconds: 1 } });
  const reply = await until('it was tried', async () => {
    const got = await request(server.url + addressOf(recording));
    return codeOf(got) !== 'waveform_pending' && got;
  });
  assert.deepEqual([reply.status, codeOf(reply), reply.headers['retry-after']], [404, 'waveform_unavailable', undefined]);
  assert.equal((await request(server.url + recording.mediaPath)).status, 200, 'it plays all the same');
  await server.stop('SIGTERM');
  const again = await startServer(t, { dataDir: server.dataDir });
  await refuses(again, recording, 404, 'waveform_unavailable');
  assert.deepEqual([server, again].map(({ err }) => err.filter((line) => /has no waveform/.test(line)).length), [1, 0]);
});

test('one that is lost or damaged is computed again; with other media there is another', async (t) => {
  const { server, upstream, recording } = await startStored(t, { expectErrors: [/is lost, and queued/] });
  const first = await waveformOf(server, recording);
  const media = await pathOf(server, recording.callSid);
  const ways = [() => rmSync(beside(media)), () => truncateSync(beside(media), 100), () => writeFileSync(beside(media), Buffer.alloc(5000))];
  for (const lose of ways) {
    lose();
    await refuses(server, recording, 404, 'waveform_pending');
    const again = await waveformOf(server, recording);
    assert.deepEqual([again.headers.etag, again.body.equals(first.body)], [first.headers.etag, true]);
  }
  await until('each was told of', () => server.err.filter((line) => /its waveform is lost/.test(line)).length === ways.length);

  await server.stop('SIGTERM');
  truncateSync(media, 1000);
  const other = audio({ seconds: 3 });
  upstream.recordings.get(recording.recordingSid).media = other;
  const after = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir, expectErrors: [/is lost, and queued/] });
  assert.ok((await request(after.url + recording.mediaPath)).body.equals(other));
  await untilState(after, recording.callSid, 'stored');
  const anew = await waveformOf(after, recording);
  assert.notEqual(anew.headers.etag, first.headers.etag);
  assert.ok(anew.json.duration < first.json.duration);
  await until('the old one went with its media', () => !existsSync(beside(media)));
  assert.ok(existsSync(beside(await pathOf(after, recording.callSid))));
});

test('while the disk does not answer lists do, and who has a waveform is told so', async (t) => {
  const { server, upstream, recording } = await startStored(t, { expectErrors: [/cannot answer/] });
  const recordings = [recording, ...await Promise.all([1, 2, 3].map(() => store(server, upstream)))];
  const pipes = [];
  for (const each of recordings) {
    each.etag = (await waveformOf(server, each)).headers.etag;
    const path = beside(await pathOf(server, each.callSid));
    rmSync(path);
    assert.equal((await run('mkfifo', [path])).code, 0); // to be opened once somebody writes to it
    pipes.push(path);
  }
  const replies = recordings.map((each) => request(server.url + addressOf(each)));
  const impatient = recordings.map((each) => http.get(server.url + addressOf(each)).on('error', () => {}));
  const opened = [];
  t.after(() => opened.forEach((fd) => closeSync(fd))); // once the server has stopped, which may look at one still
  try {
    await Promise.all(impatient.map((asked) => once(asked, 'socket').then(([socket]) => socket.connecting && once(socket, 'connect'))));
    for (const each of recordings) {
      const known = request(server.url + addressOf(each), { headers: { 'If-None-Match': each.etag } });
      assert.equal((await within('it is answered', known)).status, 304);
      assert.equal((await within('a list is answered', request(`${server.url}/api/calls`))).status, 200);
      assert.equal((await within('it plays', request(server.url + each.mediaPath))).status, 200);
    }
    for (const asked of impatient) asked.destroy();
  } finally {
    for (const path of pipes) opened.push(openSync(path, 'r+'));
  }
  assert.deepEqual((await Promise.all(replies)).map(({ status }) => status), [500, 500, 500, 500]);
});

test('kill -9 while they are computed: the next start goes on, and nothing is left over', async (t) => {
  const upstream = await startUpstream(t);
  let server = await startServer(t, { upstream: upstream.url });
  const recordings = [];
  const media = wavOf([noise(30), noise(30, { seed: 2 })]);
  for (let round = 0; round < 2; round++) {
    const told = [];
    for (let i = 0; i < 4; i++) told.push(store(server, upstream, { format: 'wav', media, seconds: 30 }));
    recordings.push(...await Promise.all(told));
    if (round > 0) await until('one is there', async () => (await request(server.url + addressOf(recordings[round * 4]))).status === 200);
    await server.kill();
    server = await startServer(t, { upstream: upstream.url, dataDir: server.dataDir });
  }
  for (const recording of recordings) assert.equal((await drawnOf(server, recording)).channel(0).min_array().length, (await drawnOf(server, recording)).length);
  const names = readdirSync(join(server.dataDir, 'recordings'), { recursive: true }).map(String);
  assert.equal(names.filter((name) => name.endsWith('.peaks')).length, recordings.length);
  await until('arriving/ is empty', () => readdirSync(join(server.dataDir, 'arriving')).length === 0);
});

test('a full disk holds waveforms up, and nothing else', async (t) => {
  const dataDir = join(temporaryFolder(t), 'data');
  mkdirSync(dataDir);
  const upstream = await startUpstream(t);
  const server = await startServer(t, { upstream: upstream.url, dataDir, diskMiB: 48, settings: { min_free: '4M' } });
  const filler = server.seenFrom(join(dataDir, 'filler'));
  const free = Number((await run('stat', ['-f', '-c', '%a', server.seenFrom(dataDir)])).stdout) * 4096;
  assert.equal((await run('fallocate', ['-l', String(free - 10 * 2 ** 20), filler])).code, 0);
  const recording = await store(server, upstream);
  await server.line(/waveforms have to wait/);
  assert.ok((await request(server.url + recording.mediaPath)).body.equals(recording.bytes), 'it plays');
  await refuses(server, recording, 404, 'waveform_pending');
  rmSync(filler);
  await waveformOf(server, recording);
});

test('a folder of the store that is gone holds up no waveform of the others', async (t) => {
  const upstream = await startUpstream(t);
  const first = await startServer(t, { upstream: upstream.url });
  const stored = async () => {
    const recording = await store(first, upstream);
    await waveformOf(first, recording);
    return { ...recording, path: await pathOf(first, recording.callSid) };
  };
  // What is left is done newest first, or oldest first: the lost one stands before another either way.
  const three = [];
  do three.splice(0, 3, await stored(), await stored(), await stored()); while (new Set(three.map(({ path }) => dirname(path))).size < 3);
  const [oldest, lost, newest] = three;
  await first.finish();
  rmSync(dirname(lost.path), { recursive: true });
  for (const { path } of [oldest, newest]) rmSync(beside(path));
  const { status } = spawnSync('sqlite3', [join(first.dataDir, 'ledger.db'), 'UPDATE recordings SET waveform = 0']);
  assert.equal(status, 0);
  const again = await startServer(t, { upstream: 'http://127.0.0.1:9', dataDir: first.dataDir, expectErrors: [/./] });
  for (const recording of [oldest, newest]) await waveformOf(again, recording);
});

test('a link opens the waveform of its recording, counts no play, and ends as its media does', async (t) => {
  const { server, recording } = await startWithPeople(t);
  const admin = await firstAdministrator(server);
  await until('it is computed', async () => (await admin.ask('GET', addressOf(recording))).status === 200);
  const playsOf = async ({ name }) => (await admin.asks(200, 'GET', '/api/links')).json.links.find((link) => link.name === name).plays;
  const link = await addLink(admin, recording, { plays: 1 });
  const visitor = new Caller(server);
  await visitor.asks(401, 'GET', addressOf(recording));
  await visitor.asks(404, 'GET', `/l/${link.name}/waveform`);
  await visitor.asks(200, 'POST', `/l/${link.name}/open`, { json: { secret: link.secret } });
  for (const path of [`/l/${link.name}/waveform`, `/l/${link.name}${link.secret}/waveform`]) {
    const { json, headers } = await visitor.asks(200, 'GET', `${path}?points=100`);
    assert.ok(json.length > 0 && json.length <= 100);
    assert.deepEqual([headers['access-control-allow-origin'], headers['cross-origin-resource-policy'], headers['referrer-policy']], ['*', 'cross-origin', 'no-referrer']);
  }
  assert.equal(await playsOf(link), 0);
  await visitor.asks(200, 'GET', `/l/${link.name}/media`);
  assert.equal(await playsOf(link), 1);
  await visitor.asks(200, 'GET', `/l/${link.name}/waveform`);
  const late = new Caller(server);
  await late.asks(410, 'GET', `/l/${link.name}${link.secret}/waveform`);
  await admin.asks(200, 'DELETE', `/api/links/${link.name}`);
  await new Caller(server).asks(404, 'GET', `/l/${link.name}${link.secret}/waveform`);
});

test('what has expired is refused as its play is', async (t) => {
  const { server, recording } = await startStored(t);
  await waveformOf(server, recording);
  await server.stop('SIGTERM');
  const again = await startServer(t, { dataDir: server.dataDir, settings: { retention: '1s' } });
  await until('it has expired', async () => (await request(again.url + addressOf(recording))).status === 410);
  await refuses(again, recording, 410, 'recording_expired');
  assert.ok(readFileSync(beside(await pathOf(again, recording.callSid))).length > 0, 'it is there until its media goes');
});
