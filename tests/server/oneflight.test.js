// However many players want a recording there is one flight; they stay connected while the upstream
// breaks, jump ahead of it without waiting, and no storm of theirs or of the upstream's becomes one of
// requests.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { audio } from './harness/audio.js';
import { startServer, untilState } from './harness/callspool.js';
import { Gate } from './harness/gated.js';
import { RawConnection, parseReplies, request } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { scrape, valuesOf } from './harness/metrics.js';
import { startNginx } from './harness/nginx.js';
import { Simulator, tell } from './harness/simulator.js';
import { startUpstream } from './harness/upstream.js';
import { until } from './harness/until.js';
import { newSid } from './harness/webhook.js';

const mediaPath = (recordingSid) => `/api/recordings/${recordingSid}/media`;

/** A recording behind a gate, announced; its flight has asked for it. */
async function announce(server, upstream, bytes, options) {
  const gate = new Gate(bytes, options);
  const recording = { callSid: newSid('CA'), recordingSid: newSid('RE'), seconds: undefined, gate, bytes };
  upstream.recordings.set(recording.recordingSid, { callSid: recording.callSid, answer: gate.answer });
  await tell(server, recording, { RecordingDuration: undefined });
  await until('the flight has asked', () => gate.requests > 0);
  return { ...recording, path: mediaPath(recording.recordingSid) };
}

describe('a jump ahead of a slow flight', () => {
  const bytes = audio({ seconds: 60 });
  const size = bytes.length;
  const bases = {};
  let server, upstream;
  before(async () => {
    upstream = await startUpstream(lifetime);
    server = await startServer(lifetime, { upstream: upstream.url, settings: { play_wait: '20s', 'fetch.stall_timeout': '10m' } });
    bases.directly = server.url;
    bases['through nginx'] = (await startNginx(lifetime, server.url)).url;
  });

  for (const where of ['directly', 'through nginx']) {
    test(`the last second of it is played before the rest is here, ${where}`, async () => {
      const recording = await announce(server, upstream, bytes, { ranges: true, ahead: true });
      const { gate } = recording;
      gate.open(Math.floor(size / 10));
      const listener = request(bases[where] + recording.path);
      const reply = await request(bases[where] + recording.path, { headers: { Range: 'bytes=-4000' } });
      assert.equal(reply.status, 206);
      assert.equal(reply.headers['content-range'], `bytes ${size - 4000}-${size - 1}/${size}`);
      assert.ok(reply.body.equals(bytes.subarray(size - 4000)));
      assert.equal(gate.requests, 2);
      assert.equal(gate.headers[1].range, `bytes=${size - 4000}-`);
      assert.equal(gate.headers[1]['if-range'], gate.etag);
      // The part that is here is served again, and nobody is asked for it.
      const piece = await request(bases[where] + recording.path, { headers: { Range: `bytes=${size - 3000}-${size - 2001}` } });
      assert.ok(piece.body.equals(bytes.subarray(size - 3000, size - 2000)));
      assert.equal(gate.requests, 2);
      gate.open();
      const whole = await listener;
      assert.ok(whole.body.equals(bytes), 'who listened from the beginning hears all of it');
      assert.equal(whole.headers.etag, reply.headers.etag, 'one identity for all of it');
      await untilState(server, recording.callSid, 'stored');
      assert.ok((await request(server.url + recording.path)).body.equals(bytes));
    });
  }

  test('who jumps to and fro is served each time, by at most two requests at once', async () => {
    const recording = await announce(server, upstream, bytes, { ranges: true, ahead: true });
    const { gate } = recording;
    gate.open(2000);
    for (const share of [0.9, 0.3, 0.6, 0.2, 0.8, 0.1]) {
      const first = Math.floor(size * share);
      const reply = await request(server.url + recording.path, { headers: { Range: `bytes=${first}-${first + 999}` } });
      assert.equal(reply.status, 206, reply.body.toString());
      assert.ok(reply.body.equals(bytes.subarray(first, first + 1000)), `from ${first}`);
      assert.ok(gate.openMax <= 3, `${gate.openMax} requests at once`);
    }
    gate.open();
    await untilState(server, recording.callSid, 'stored');
  });

  test('who jumps is sent on by the flight when the jump\'s own request breaks', async () => {
    const recording = await announce(server, upstream, bytes, { ranges: true });
    const { gate } = recording;
    const first = Math.floor(size / 2);
    gate.open(2000);
    const player = await RawConnection.open(server.url);
    player.send(`GET ${recording.path} HTTP/1.1\r\nHost: localhost\r\nRange: bytes=${first}-\r\nConnection: close\r\n\r\n`);
    await until('the part was asked for', () => gate.requests === 2);
    gate.openAhead(first + 5000);
    await player.receives(/^HTTP\/1\.1 206 [^]*?\r\n\r\n[^]{5000}$/);
    gate.cutAhead();
    gate.open();
    await player.untilClosed();
    const [reply] = parseReplies(player.received);
    assert.ok(reply.body.equals(bytes.subarray(first)), `${reply.body.length} of ${size - first} bytes`);
    await untilState(server, recording.callSid, 'stored');
  });

  test('where the upstream serves no ranges the jump waits for the flight', async () => {
    const recording = await announce(server, upstream, bytes, { ranges: false });
    recording.gate.open(2000);
    const jump = request(server.url + recording.path, { headers: { Range: 'bytes=-1000' } });
    await request(server.url + recording.path, { headers: { Range: 'bytes=0-1' } });
    recording.gate.open();
    assert.ok((await jump).body.equals(bytes.subarray(size - 1000)));
    assert.equal(recording.gate.requests, 1);
  });

  test('an upstream that changed its mind about the bytes is not mixed in', async () => {
    const recording = await announce(server, upstream, bytes, { ranges: true, ahead: true });
    recording.gate.open(2000);
    await request(server.url + recording.path, { headers: { Range: 'bytes=0-1' } });
    recording.gate.etag = '"another"'; // If-Range no longer matches: 200 with all of it, held at the gate
    const jump = request(server.url + recording.path, { headers: { Range: 'bytes=-1000' } });
    await until('the part was asked for', () => recording.gate.requests === 2);
    recording.gate.open();
    assert.ok((await jump).body.equals(bytes.subarray(size - 1000)));
    await untilState(server, recording.callSid, 'stored');
  });
});

describe('one flight for everybody', () => {
  const PLAYERS = 500;

  test(`${PLAYERS} players at once on a recording that is not here: one request`, async (t) => {
    const simulator = await Simulator.start(t);
    const server = await startServer(t, { upstream: simulator.url });
    await simulator.addFaults('delay=300ms', 'slow=40000');
    const recording = await simulator.place({ duration: 20 });
    await tell(server, recording);
    const replies = await Promise.all(Array.from({ length: PLAYERS }, (_, i) =>
      request(server.url + recording[i % 2 ? 'mediaPath' : 'downloadPath'], i % 3 ? {} : { headers: { Range: 'bytes=0-' } })));
    assert.deepEqual([...new Set(replies.map(({ status }) => status))].sort(), [200, 206]);
    assert.equal(replies.filter(({ body }) => body.equals(recording.bytes)).length, PLAYERS);
    assert.equal(new Set(replies.map(({ headers }) => headers.etag)).size, 1);
    await untilState(server, recording.callSid, 'stored');
    const counts = await simulator.counts(recording.recordingSid);
    assert.equal(counts.requests, 1);
    assert.equal(counts.open_max, 1);
  });

  for (const [how, rules, rangesAsked] of [['by ranges', ['ranges', 'cut=20%#5'], 5], ['from the start', ['cut=20%#5'], 0]]) {
    for (const where of ['directly', 'through nginx', 'through nginx as most people write it']) {
      test(`an upstream that breaks five times and is taken up ${how}: one connection, the right bytes, ${where}`, async (t) => {
        const simulator = await Simulator.start(t);
        const server = await startServer(t, { upstream: simulator.url, settings: { 'fetch.retry_most': '200ms' } });
        const base = where === 'directly' ? server.url : (await startNginx(t, server.url, { stock: where !== 'through nginx' })).url;
        await simulator.addFaults(...rules);
        const recording = await simulator.place({ duration: 20 });
        await tell(server, recording);
        const player = await RawConnection.open(base);
        player.send(`GET ${recording.mediaPath} HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-\r\nConnection: close\r\n\r\n`);
        await player.untilClosed();
        const replies = parseReplies(player.received);
        assert.equal(replies.length, 1);
        assert.equal(replies[0].status, 206);
        assert.equal(replies[0].headers['content-length'], String(recording.bytes.length));
        assert.ok(replies[0].body.equals(recording.bytes));
        await untilState(server, recording.callSid, 'stored');
        const counts = await simulator.counts(recording.recordingSid);
        assert.equal(counts.requests, 6);
        assert.equal(counts.ranges.length, rangesAsked);
      });
    }
  }
});

describe('no storm', () => {
  const RECORDINGS = 60;
  const STORM_MS = 6000;
  const WINDOW_MS = 100;

  for (const status of [429, 503]) {
    test(`${RECORDINGS} recordings while everything is answered ${status} and people press Play`, async (t) => {
      const upstream = await startUpstream(t);
      const server = await startServer(t, {
        upstream: upstream.url, settings: { play_wait: '500ms', 'fetch.retry_first': '100ms', 'fetch.retry_most': '5s' },
      });
      const bytes = audio({ seconds: 2 });
      upstream.answer = (_, reply) => reply.writeHead(status).end();
      const recordings = Array.from({ length: RECORDINGS }, () => ({ callSid: newSid('CA'), recordingSid: newSid('RE') }));
      for (const { callSid, recordingSid } of recordings) upstream.recordings.set(recordingSid, { media: bytes, callSid });
      const startedAt = Date.now();
      await Promise.all(recordings.map((recording) => tell(server, recording, { RecordingDuration: '2' })));
      // People press Play all the while; each waits for the answer, then presses again.
      const ends = new Set();
      await Promise.all(recordings.slice(0, 20).map(async ({ recordingSid }) => {
        while (Date.now() < startedAt + STORM_MS) ends.add((await request(server.url + mediaPath(recordingSid))).status);
      }));
      upstream.answer = null;
      const asked = upstream.requests.filter(({ path }) => path.includes('/Recordings/RE')).map(({ at, path }) => ({ at: at - startedAt, path })).filter(({ at }) => at < STORM_MS);
      const perRecording = recordings.map(({ recordingSid }) => asked.filter(({ path }) => path.includes(recordingSid)).length).sort((a, b) => a - b);
      const late = asked.filter(({ at }) => at > STORM_MS / 2);
      const windows = new Map();
      for (const { at } of late) windows.set(Math.floor(at / WINDOW_MS), (windows.get(Math.floor(at / WINDOW_MS)) ?? 0) + 1);
      const busiest = Math.max(0, ...windows.values());
      const mean = asked.length / RECORDINGS;
      console.log(`| ${status} for ${STORM_MS / 1000} s: ${mean.toFixed(1)} requests a recording (most ${perRecording.at(-1)}); ` +
        `in its second half ${late.length} in all, at most ${busiest} in ${WINDOW_MS} ms`);
      assert.deepEqual([...ends], [503]);
      assert.ok(perRecording.at(-1) <= 25, `${perRecording.at(-1)} requests for one recording`);
      assert.ok(mean <= 12, `${mean} requests a recording`);
      assert.ok(busiest <= Math.max(10, late.length / 4), `${busiest} of ${late.length} requests at one time`);
      for (const { callSid, recordingSid } of recordings) {
        await until('it plays', async () => (await request(server.url + mediaPath(recordingSid))).body.equals(bytes));
        await untilState(server, callSid, 'stored');
      }
    });
  }

  test('a play that is over brings one try forward, and no other', async (t) => {
    const upstream = await startUpstream(t);
    const server = await startServer(t, {
      upstream: upstream.url, settings: { play_wait: '500ms', 'fetch.retry_first': '1h', 'fetch.retry_most': '1h' },
    });
    upstream.answer = (_, reply) => reply.writeHead(503).end();
    const recording = { callSid: newSid('CA'), recordingSid: newSid('RE') };
    await tell(server, recording, { RecordingDuration: '2' });
    await untilState(server, recording.callSid, 'waiting');
    assert.equal((await request(server.url + mediaPath(recording.recordingSid))).status, 503);
    const tries = () => upstream.mediaRequests(recording.recordingSid).length;
    await until('it is tried for the play', () => tries() === 2);
    await until('nothing of it is left but its row', async () => Object.keys(valuesOf(await scrape(server), 'callspool_flights')).length === 0);
    assert.equal(tries(), 2);
    await untilState(server, recording.callSid, 'waiting');
  });
});
