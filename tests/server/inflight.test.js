// A recording that is still arriving: every kind of Range is answered as if it were stored, as soon
// as its first byte is here and not before, directly and through nginx, whatever the upstream tells.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { audio } from './harness/audio.js';
import { startServer, untilState } from './harness/callspool.js';
import { Gate } from './harness/gated.js';
import { RawConnection, request, requestJson } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { startNginx } from './harness/nginx.js';
import { cases, fill } from './harness/range_cases.js';
import { check } from './harness/range_check.js';
import { oracle } from './harness/range_oracle.js';
import { startUpstream } from './harness/upstream.js';
import { until } from './harness/until.js';
import { RECORDING_STATUS, newSid, postForm, recordingCallback } from './harness/webhook.js';

const SECONDS = 20;
const UPSTREAMS = {
  'with a length, without ranges': { length: true, ranges: false },
  'with a length and ranges': { length: true, ranges: true },
  'without a length or ranges': { length: false, ranges: false },
  'without a length, with ranges': { length: false, ranges: true },
};
const STATES = [0, 1, 30, 99];
const ANY_TAG = '"nobody-has-it"';

let server, impatient, upstream; // impatient: its play_wait is short
const bases = {};
before(async () => {
  upstream = await startUpstream(lifetime);
  server = await startServer(lifetime, { upstream: upstream.url, settings: { play_wait: '55s', 'fetch.stall_timeout': '10m' } });
  impatient = await startServer(lifetime, { upstream: upstream.url, settings: { play_wait: '1500ms', 'fetch.stall_timeout': '10m' } });
  bases.directly = server.url;
  bases['through nginx'] = (await startNginx(lifetime, server.url)).url;
});

/** A recording whose media waits behind a gate, announced; its flight has asked for it. */
async function announce(bytes, options, to = server) {
  const callSid = newSid('CA');
  const recordingSid = newSid('RE');
  const gate = new Gate(bytes, options);
  upstream.recordings.set(recordingSid, { callSid, answer: gate.answer });
  const reply = await postForm(to.url, RECORDING_STATUS, recordingCallback({
    CallSid: callSid, RecordingSid: recordingSid, RecordingDuration: undefined,
  }));
  assert.equal(reply.status, 200);
  await until('the flight has asked', () => gate.requests > 0);
  return { callSid, recordingSid, gate, bytes, path: `/api/recordings/${recordingSid}/media` };
}

/** Waits until the server has as much of it as the gate lets through, told by a player who hears it. */
async function untilArrived(recording, at = server) {
  const player = await RawConnection.open(at.url);
  player.send(`GET ${recording.path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const [head] = await player.receives(/^HTTP\/1\.1 200 [^]*?\r\n\r\n/);
  if (recording.gate.length) await until('all that came was heard', () => player.received.length === head.length + recording.gate.limit);
  player.close();
  const value = (name) => head.match(new RegExp(`^${name}: (.*)\r$`, 'mi'))?.[1];
  return { etag: value('etag'), lastModified: value('last-modified') };
}

/** Requests for all of it: who jumps ahead may cause others, for the rest from there. */
const flights = (gate) => gate.headers.filter(({ range }) => !range).length;

/** Starts a request and keeps when its head came. */
function start(base, recording, method, headers) {
  const play = { hasHead: false, isOver: false };
  play.reply = request(base + recording.path, { method, headers, withinMs: 60_000, onHead: () => { play.hasHead = true; } })
    .catch((error) => ({ error }));
  play.reply.then(() => { play.isOver = true; });
  return play;
}

/** What an answer that `wanted` describes needs of the media: its first byte for the head, its last for all of it. */
function needs(wanted, method) {
  if (method === 'HEAD' || wanted.ranges.length === 0) return { head: 0, all: 0 };
  return {
    head: wanted.status === 200 ? 0 : wanted.ranges[0][0] + 1,
    all: Math.max(...wanted.ranges.map(([, last]) => last)) + 1,
  };
}

const isPlain = (headers) => Object.keys(headers).every((name) => name === 'If-Range');

/** Whether what the gate lets through is enough for a head; without a length, only a plain GET gets one. */
function mayHaveHead(gate, options, method, headers, guess) {
  if (gate.limit === 0) return false;
  return options.length ? needs(oracle(headers, guess), method).head <= gate.limit : method === 'GET' && isPlain(headers);
}

/** The answer to a plain GET whose length nobody knew: chunked, whole. */
function checkChunked(reply, media) {
  assert.equal(reply.status, 200);
  assert.equal(reply.cut, false);
  assert.equal(reply.headers['transfer-encoding'], 'chunked');
  assert.equal(reply.headers['content-length'], undefined);
  assert.equal(reply.headers.etag, undefined);
  assert.ok(reply.body.equals(media.bytes), 'the bytes');
}

describe('every kind of Range', () => {
  for (const [kind, options] of Object.entries(UPSTREAMS)) {
    for (const percent of STATES) {
      test(`${percent} % arrived, upstream ${kind}`, async (t) => {
        const recording = await announce(audio({ seconds: SECONDS }), options);
        const { bytes, gate } = recording;
        const size = bytes.length;
        let known = { etag: ANY_TAG, lastModified: new Date(Date.now() - 86_400_000).toUTCString() };
        gate.open(Math.floor(size * percent / 100));
        if (percent > 0) known = { ...known, ...await untilArrived(recording) };
        known.etag ??= ANY_TAG; // without a length there is none yet
        const modifiedAt = Date.parse(known.lastModified) / 1000;

        // While it is held: all of the table at once.
        const plays = [];
        for (const where of Object.keys(bases)) {
          for (const method of ['GET', 'HEAD']) {
            for (const [name, template] of cases) {
              const headers = Object.fromEntries(Object.entries(template).map(([key, value]) => [key, fill(value, { size, etag: known.etag, modifiedAt })]));
              plays.push(Object.assign(start(bases[where], recording, method, headers), { name, where, method, headers }));
            }
          }
        }
        const guess = { size, etag: known.etag, modifiedAt };
        for (const play of plays) {
          play.mustHaveHead = mayHaveHead(gate, options, play.method, play.headers, guess);
          play.mustBeOver = play.mustHaveHead && options.length && needs(oracle(play.headers, guess), play.method).all <= gate.limit;
        }
        const behind = () => plays.filter((play) => (play.mustHaveHead && !play.hasHead) || (play.mustBeOver && !play.isOver))
          .map(({ name, method, where, hasHead }) => `${method} ${name} ${where}: ${hasHead ? 'not all' : 'no head'}`);
        await t.test('is answered before the rest arrives where it can be', () => until('those who can be answered are', () => {
          if (behind().length > 0) throw new Error(`not: ${behind().slice(0, 20).join('; ')}`);
          return true;
        }));

        gate.open();
        await Promise.all(plays.map((play) => play.reply));
        await untilState(server, recording.callSid, 'stored');
        const stored = await request(server.url + recording.path, { method: 'HEAD' });
        const media = {
          bytes, size, etag: stored.headers.etag, lastModified: stored.headers['last-modified'],
          modifiedAt: Date.parse(stored.headers['last-modified']) / 1000,
        };
        if (percent > 0) assert.equal(known.lastModified, media.lastModified, 'Last-Modified is the same in flight and stored');
        if (percent > 0 && options.length) assert.equal(known.etag, media.etag, 'ETag is the same in flight and stored');
        assert.equal(flights(gate), 1, 'it was asked for once');

        for (const where of Object.keys(bases)) {
          for (const method of ['GET', 'HEAD']) {
            await t.test(`${method} ${where} is answered as if it were stored`, async () => {
              const wrong = [];
              for (const play of plays.filter((one) => one.where === where && one.method === method)) {
                const reply = await play.reply;
                try {
                  if (reply.error) throw reply.error;
                  if (reply.headers['transfer-encoding'] && isPlain(play.headers) && !options.length) checkChunked(reply, media);
                  else check(reply, oracle(play.headers, media), media, method);
                } catch (error) {
                  wrong.push(`${play.name} ${JSON.stringify(play.headers)}: ${reply.status} ${error.message}`);
                }
              }
              assert.deepEqual(wrong, []);
            });
          }
        }
      });
    }
  }
});

// A head that has not come yet says nothing: it may come a moment later.  So the gate stays closed, and each
// play is waited for until it is told, after play_wait, that its first byte has not come.  That answer must be
// the first: a head before it has another status.
describe('is not answered before its first byte arrives', { concurrency: STATES.length }, () => {
  for (const [kind, options] of Object.entries(UPSTREAMS)) {
    for (const percent of STATES) {
      test(`${percent} % arrived, upstream ${kind}`, async () => {
        const recording = await announce(audio({ seconds: SECONDS }), options, impatient);
        const size = recording.bytes.length;
        const { gate } = recording;
        gate.open(Math.floor(size * percent / 100));
        let known = { etag: ANY_TAG, lastModified: new Date(Date.now() - 86_400_000).toUTCString() };
        if (percent > 0) known = { ...known, ...await untilArrived(recording, impatient) };
        known.etag ??= ANY_TAG;
        const guess = { size, etag: known.etag, modifiedAt: Date.parse(known.lastModified) / 1000 };
        const plays = [];
        for (const method of ['GET', 'HEAD']) {
          for (const [name, template] of cases) {
            const headers = Object.fromEntries(Object.entries(template).map(([key, value]) => [key, fill(value, guess)]));
            if (mayHaveHead(gate, options, method, headers, guess)) continue;
            plays.push({ name, method, headers, answer: request(impatient.url + recording.path, { method, headers, withinMs: 60_000 }) });
          }
        }
        if (percent === 0) assert.equal(plays.length, 2 * cases.length, 'all of them');
        const early = [];
        for (const { name, method, headers, answer } of plays) {
          const { status } = await answer;
          // All of it from the first byte on is chunked at play_wait where nobody knows the length.
          const isAll = JSON.stringify(headers) === '{"Range":"bytes=0-"}' && method === 'GET';
          if (status !== (isAll && percent > 0 && !options.length ? 200 : 503)) early.push(`${method} ${name} ${JSON.stringify(headers)}: ${status}`);
        }
        assert.deepEqual(early, []);
        gate.open();
        await untilState(impatient, recording.callSid, 'stored');
      });
    }
  }
});

describe('an iPhone: two bytes, all of it broken off, then pieces', () => {
  for (const [kind, options] of Object.entries(UPSTREAMS)) {
    for (const percent of STATES) {
      for (const where of ['directly', 'through nginx']) {
        test(`${percent} % arrived, ${where}, upstream ${kind}`, async () => {
          const recording = await announce(audio({ seconds: SECONDS }), options);
          const { bytes, gate } = recording;
          const size = bytes.length;
          const headers = {
            'Accept-Encoding': 'identity', 'X-Playback-Session-Id': '6F1B8E2E-0000-4000-8000-0000C0FFEE00', Connection: 'keep-alive',
            'User-Agent': 'AppleCoreMedia/1.0.0.21F90 (iPhone; U; CPU OS 17_5 like Mac OS X; en_us)',
          };
          const piece = async (first, last) => {
            const reply = await request(bases[where] + recording.path, { headers: { ...headers, Range: `bytes=${first}-${last}` } });
            assert.equal(reply.status, 206);
            assert.equal(reply.headers['content-range'], `bytes ${first}-${last}/${size}`);
            assert.equal(reply.headers['content-length'], String(last - first + 1));
            assert.equal(reply.headers['transfer-encoding'], undefined);
            assert.ok(reply.body.equals(bytes.subarray(first, last + 1)), `the bytes ${first}-${last}`);
          };
          gate.open(Math.floor(size * percent / 100));
          const probe = piece(0, 1);
          // Nothing can be said before the length is known, or before a byte is here.
          if (percent === 0) gate.open(1000);
          if (!options.length) gate.open();
          await probe;
          const whole = await RawConnection.open(bases[where]);
          whole.send(`GET ${recording.path} HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-${size - 1}\r\nAccept-Encoding: identity\r\n\r\n`);
          await whole.receives(/^HTTP\/1\.1 206 [^]*?\r\n\r\n[^]{100}/);
          whole.close();
          for (let first = 0; first < size; first += 16_384) {
            const last = Math.min(first + 16_383, size - 1);
            const answer = piece(first, last);
            if (gate.limit <= last) gate.open(last + 1); // what it asks for arrives while it waits
            await answer;
          }
          gate.open();
          await untilState(server, recording.callSid, 'stored');
          assert.equal(flights(gate), 1);
        });
      }
    }
  }
});

describe('players come and go', () => {
  test('fifty players who leave at once do not stop the flight', async () => {
    const recording = await announce(audio({ seconds: SECONDS }), { length: true });
    recording.gate.open(5000);
    const players = await Promise.all(Array.from({ length: 50 }, async (_, i) => {
      const player = await RawConnection.open(bases[i % 2 ? 'through nginx' : 'directly']);
      player.send(`GET ${recording.path} HTTP/1.1\r\nHost: localhost\r\n${i % 3 ? '' : 'Range: bytes=0-\r\n'}\r\n`);
      await player.receives(/\r\n\r\n[^]{4000}/);
      return player;
    }));
    for (const player of players) player.close();
    recording.gate.open(6000);
    recording.gate.open();
    await untilState(server, recording.callSid, 'stored');
    assert.equal(recording.gate.requests, 1);
    assert.ok((await request(server.url + recording.path)).body.equals(recording.bytes));
  });

  test('players who leave before anything is known do not stop the flight', async () => {
    const recording = await announce(audio({ seconds: SECONDS }), { length: true });
    const players = await Promise.all(Array.from({ length: 20 }, async (_, i) => {
      const player = await RawConnection.open(bases[i % 2 ? 'through nginx' : 'directly']);
      player.send(`GET ${recording.path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      return player;
    }));
    for (const player of players) player.close();
    recording.gate.open();
    await untilState(server, recording.callSid, 'stored');
    assert.equal(recording.gate.requests, 1);
  });

  test('a player faster than the upstream hears each piece as it arrives', async () => {
    const recording = await announce(audio({ seconds: SECONDS }), { length: true });
    const { bytes, gate } = recording;
    const player = await RawConnection.open(server.url);
    player.send(`GET ${recording.path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    gate.open(1500);
    const [head] = await player.receives(/^HTTP\/1\.1 200 [^]*?\r\n\r\n/);
    for (const limit of [1500, 1501, 1502, 4000, 4001, 20_000, 65_536, bytes.length - 1, bytes.length]) {
      gate.open(limit);
      await until(`${limit} bytes were heard`, () => player.received.length === head.length + limit);
    }
    player.close();
    assert.ok(player.received.subarray(head.length).equals(bytes));
  });

  for (const where of ['directly', 'through nginx']) {
    test(`players slower than the upstream get all of it, ${where}`, async () => {
      const bytes = audio({ seconds: 900, format: 'wav' }); // more than sockets hold
      const recording = await announce(bytes, { length: true, type: 'audio/x-wav' });
      recording.gate.open(100_000);
      const players = await Promise.all([0, 5_000_000, bytes.length - 2_000_000].map(async (first) => {
        const player = await RawConnection.open(bases[where]);
        player.first = first;
        player.chunks = [];
        player.send(`GET ${recording.path} HTTP/1.1\r\nHost: localhost\r\nRange: bytes=${first}-\r\nConnection: close\r\n\r\n`);
        return player;
      }));
      await players[0].receives(/^HTTP\/1\.1 206 [^]*?\r\n\r\n[^]{1000}/);
      for (const player of players) player.socket.pause();
      recording.gate.open();
      await untilState(server, recording.callSid, 'stored');
      for (const player of players) {
        player.socket.removeAllListeners('data');
        const parts = [player.received];
        player.socket.on('data', (chunk) => parts.push(chunk));
        player.socket.resume();
        await player.closed;
        const all = Buffer.concat(parts);
        const body = all.subarray(all.indexOf('\r\n\r\n') + 4);
        assert.ok(body.equals(bytes.subarray(player.first)), `from ${player.first}: ${body.length} of ${bytes.length - player.first} bytes`);
      }
    });
  }
});

test('the list and the details say how far it is, while it arrives and no longer', async () => {
  const recording = await announce(audio(SECONDS), { length: true });
  const { gate, bytes } = recording;
  const shown = async () => {
    const { json: list } = await requestJson(`${server.url}/api/calls?call=${recording.callSid}`);
    const { json: call } = await requestJson(`${server.url}/api/calls/${recording.callSid}`);
    return [list.calls[0].recordings[0], call.recordings[0]];
  };
  for (const one of await shown()) assert.equal(one.arriving, null, 'no byte is here');
  for (const limit of [Math.floor(bytes.length / 3), Math.floor(bytes.length / 2)]) {
    gate.open(limit);
    const both = await until(`${limit} bytes are here`, async () => {
      const now = await shown();
      return now.every(({ arriving }) => arriving?.bytes === limit) && now;
    });
    for (const { arriving, state } of both) assert.deepEqual([arriving, state], [{ bytes: limit, total: bytes.length }, 'queued']);
  }
  gate.open();
  await until('it is stored', async () => (await shown()).every(({ state, arriving }) => state === 'stored' && arriving === null));
});
