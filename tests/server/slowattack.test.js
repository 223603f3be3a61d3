// Slow requests in their hundreds, as slowhttptest sends them in its thousands: heads, bodies, readers and lists
// of ranges.  While they last the others are answered right; each is ended by the limit for its sort.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { RawConnection, request } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { startStored } from './harness/stored.js';
import { until } from './harness/until.js';
import { RECORDING_STATUS, callCallback, postForm, recordingCallback } from './harness/webhook.js';

const COUNT = 300;
const READERS = 40; // the kernel holds megabytes for each, most of them at the reader's end
const LIMITS = { head_timeout: '4s', body_timeout: '4s', send_timeout: '4s' };
const POST = `POST ${RECORDING_STATUS} HTTP/1.1\r\nHost: callspool.test\r\nContent-Type: application/x-www-form-urlencoded\r\n`;

const descriptors = (server) => readdirSync(`/proc/${server.pid}/fd`).length;
const residentKib = (server) => Number(readFileSync(`/proc/${server.pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]);

describe('slow requests in their hundreds', () => {
  let server, recording;
  before(async () => {
    ({ server, recording } = await startStored(lifetime, { settings: { format: 'wav', ...LIMITS }, recording: { format: 'wav', seconds: 1200 } }));
  });

  async function crowd(t, bytes, count = COUNT) {
    const connections = [];
    t.after(() => connections.forEach((one) => one.close()));
    for (let i = 0; i < count; i++) {
      const one = await RawConnection.open(server.url);
      connections.push(one);
      one.send(bytes);
    }
    return connections;
  }

  // What honest players and Twilio do meanwhile.
  async function othersAreServed() {
    for (let i = 0; i < 10; i++) {
      const first = 1000 * i;
      const reply = await request(`${server.url}${recording.mediaPath}`, { headers: { Range: `bytes=${first}-${first + 99}` } });
      assert.equal(reply.status, 206);
      assert.deepEqual(reply.body, recording.bytes.subarray(first, first + 100));
      assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback({ RecordingStatus: 'in-progress' }))).status, 200);
    }
  }

  // One more piece for each of them, for as long as they last: it must not keep them.
  function drip(t, connections, piece) {
    const timer = setInterval(() => connections.forEach((one) => one.ended || one.socket.writableEnded || one.send(piece)), 500);
    t.after(() => clearInterval(timer));
  }

  for (const [name, bytes, piece] of [
    ['heads', `GET /health HTTP/1.1\r\nHost: callspool.test\r\n`, 'X-a: b\r\n'],
    ['bodies', `${POST}Content-Length: 4096\r\n\r\nfoo=bar`, '&a=b'],
    ['long bodies', `${POST}Content-Length: 50000\r\n\r\nfoo=bar`, '&a=b'],
    ['bodies in chunks', `${POST}Transfer-Encoding: chunked\r\n\r\n4\r\na=bc\r\n`, '1\r\n&\r\n'],
  ]) {
    test(`slow ${name}: others are served, each is told 408 and closed`, async (t) => {
      const before = descriptors(server);
      const connections = await crowd(t, bytes);
      drip(t, connections, piece);
      await othersAreServed();
      assert.ok(connections.every(({ text }) => text === ''), 'they were there meanwhile');
      await Promise.all(connections.map((one) => one.untilClosed()));
      for (const { text } of connections) assert.match(text, /^HTTP\/1\.1 408 [^]*"too_slow"/);
      await until('their descriptors are free', () => descriptors(server) <= before + 10);
    });
  }

  test('a body that comes in pieces just fast enough is served like any other', async (t) => {
    const fields = callCallback();
    const whole = await postForm(server.url, '/webhook/call-status', fields);
    assert.equal(whole.status, 200);
    const body = `a=${'b'.repeat(600)}`;
    const connections = await crowd(t, `${POST}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`);
    for (let at = 0; at < body.length; at += 200) {
      for (const one of connections) one.send(body.slice(at, at + 200));
      await othersAreServed();
    }
    await Promise.all(connections.map((one) => one.untilClosed()));
    for (const { text } of connections) assert.match(text, /^HTTP\/1\.1 400 /, 'it has no signature');
  });

  test('readers who take nothing: others are served, each is closed', async (t) => {
    const before = descriptors(server);
    const connections = await crowd(t, `GET ${recording.mediaPath} HTTP/1.1\r\nHost: callspool.test\r\n\r\n`, READERS);
    connections.forEach((one) => one.socket.pause());
    await othersAreServed();
    await until('all are let go', () => descriptors(server) <= before + 10);
  });

  test('lists of 1,500 ranges: the whole, as RFC 9110 allows, and no memory for each', async (t) => {
    const ranges = Array.from({ length: 1500 }, (_, i) => `5-${i + 5}`).join();
    const before = residentKib(server);
    const connections = await crowd(t, `HEAD ${recording.mediaPath} HTTP/1.1\r\nHost: callspool.test\r\nRange: bytes=0-,${ranges}\r\nConnection: close\r\n\r\n`);
    await othersAreServed();
    await Promise.all(connections.map((one) => one.untilClosed()));
    for (const { text } of connections) {
      assert.match(text, /^HTTP\/1\.1 200 /);
      assert.match(text, new RegExp(`Content-Length: ${recording.bytes.length}\r\n`));
    }
    assert.ok(residentKib(server) - before < 100 * COUNT, `${residentKib(server) - before} KiB more`);
  });
});
