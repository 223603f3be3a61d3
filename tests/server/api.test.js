// GET /api/calls and its kin: paging, filters, details, health.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { ACCOUNT, startServer, untilState } from './harness/callspool.js';
import { request, requestJson } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { seeded } from './harness/seeded.js';
import { startStored } from './harness/stored.js';
import { until } from './harness/until.js';
import { CALL_STATUS, RECORDING_STATUS, callCallback, newSid, postForm, recordingCallback } from './harness/webhook.js';

const HOUR = 3_600_000;
const rfc2822 = (ms) => new Date(ms).toUTCString().replace('GMT', '+0000');

describe('a list of 120 calls', () => {
  let server;
  const calls = [];

  before(async () => {
    server = await startServer(lifetime);
    const now = Date.now();
    for (let i = 0; i < 120; i += 1) {
      const call = {
        sid: newSid('CA'), at: now - (120 - i) * HOUR, direction: i % 3 === 0 ? 'inbound' : 'outbound-api',
        from: `+9723555${String(1000 + i)}`, to: i === 77 ? '+97250123456' : `+1202555${String(2000 + i)}`,
      };
      calls.unshift(call);
      const reply = await postForm(server.url, CALL_STATUS, callCallback({
        CallSid: call.sid, Direction: call.direction, From: call.from, To: call.to, Timestamp: rfc2822(call.at),
        CallStatus: 'no-answer', CallDuration: '0',
      }));
      assert.equal(reply.status, 200);
    }
    await until('all are known', async () => {
      const last = await request(`${server.url}/api/calls/${calls[0].sid}`);
      return last.status === 200;
    });
  });

  const list = async (query) => {
    const { status, json } = await requestJson(`${server.url}/api/calls${query}`);
    assert.equal(status, 200, JSON.stringify(json));
    return json;
  };

  test('pages follow each other newest first, without gap or repetition', async () => {
    const seen = [];
    let query = '?limit=50';
    for (let pages = 0; ; pages += 1) {
      assert.ok(pages < 10, 'it ends');
      const page = await list(query);
      assert.ok(page.calls.length <= 50);
      seen.push(...page.calls);
      if (!page.next) break;
      query = `?limit=50&after=${encodeURIComponent(page.next)}`;
    }
    assert.deepEqual(seen.map((call) => call.call_sid), calls.map(({ sid }) => sid));
  });

  test('a page has a bound of its own', async () => {
    const page = await list('');
    assert.ok(page.calls.length >= 20 && page.calls.length <= 200, `${page.calls.length}`);
    assert.ok(page.next);
  });

  test('a row says when, which way, from, to, how long and how it ended', async () => {
    const [row] = (await list('?limit=1')).calls;
    const [call] = calls;
    assert.equal(row.call_sid, call.sid);
    assert.equal(row.from, call.from);
    assert.equal(row.to, call.to);
    assert.equal(row.status, 'no-answer');
    assert.match(row.started_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
    assert.ok(Math.abs(Date.parse(row.started_at) - call.at) < 2000);
    assert.deepEqual(row.recordings, []);
  });

  test('direction', async () => {
    for (const direction of ['inbound', 'outbound']) {
      const page = await list(`?direction=${direction}&limit=200`);
      const wanted = calls.filter((call) => call.direction.startsWith(direction)).map(({ sid }) => sid);
      assert.deepEqual(page.calls.map((call) => call.call_sid), wanted);
    }
  });

  test('number, as a person types it', async () => {
    for (const typed of ['050-123 456', '0501 23456', '+97250123456', '97250123456', '50123456', '0123456']) {
      const page = await list(`?number=${encodeURIComponent(typed)}`);
      assert.deepEqual(page.calls.map((call) => call.to), ['+97250123456'], typed);
    }
    assert.deepEqual((await list('?number=5559999999')).calls, []);
  });

  test('dates', async () => {
    const [from, to] = [calls[20].at, calls[9].at];
    const page = await list(`?from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}&limit=200`);
    const sids = page.calls.map((call) => call.call_sid);
    assert.ok(sids.length >= 10 && sids.length <= 12, `${sids.length}`);
    for (const sid of sids) {
      const { at } = calls.find((call) => call.sid === sid);
      assert.ok(at >= from - 1000 && at <= to + 1000);
    }
  });

  test('every page tells where those beside it begin, and together they leave nothing out', async () => {
    const below = seeded(7);
    const wanted = calls.map(({ sid }) => sid);
    for (let round = 0; round < 12; round += 1) {
      const all = await list('?limit=200');
      assert.equal(all.previous, null, 'the first one reaches the newest');
      const place = below(wanted.length - 1);
      const page = await list(`?limit=${1 + below(9)}&after=${all.calls[place].key}`);
      let [from, until] = [place + 1, place + 1 + page.calls.length]; // what is held, and grows at both ends
      let [top, bottom] = [page.previous, page.next];
      assert.deepEqual(page.calls.map((call) => call.call_sid), wanted.slice(from, until));
      while (top !== null || bottom !== null) {
        const up = bottom === null || (top !== null && below(2) === 0);
        const more = await list(`?limit=${1 + below(40)}&${up ? 'before' : 'after'}=${up ? top : bottom}`);
        if (up) [from, top] = [from - more.calls.length, more.previous];
        else [until, bottom] = [until + more.calls.length, more.next];
        const held = up ? wanted.slice(from, from + more.calls.length) : wanted.slice(until - more.calls.length, until);
        assert.deepEqual(more.calls.map((call) => call.call_sid), held);
      }
      assert.deepEqual([from, until], [0, wanted.length]);
    }
  });

  test('an empty page tells of the call that it began behind', async () => {
    const all = (await list('?limit=200')).calls;
    const [newest, oldest] = [all[0], all.at(-1)];
    const above = await list(`?before=${newest.key}`);
    assert.deepEqual([above.calls, above.previous], [[], null], 'it reaches the newest');
    assert.equal((await list(`?limit=1&after=${above.next}`)).calls[0].call_sid, newest.call_sid);
    const below = await list(`?after=${oldest.key}`);
    assert.deepEqual([below.calls, below.next], [[], null], 'it is the end');
    assert.equal((await list(`?limit=1&before=${below.previous}`)).calls[0].call_sid, oldest.call_sid);
  });

  test('a page of newer ones keeps the filter', async () => {
    const inbound = (await list('?direction=inbound&limit=200')).calls;
    const page = await list(`?direction=inbound&limit=5&before=${inbound[9].key}`);
    assert.deepEqual(page.calls.map((call) => call.call_sid), inbound.slice(4, 9).map((call) => call.call_sid));
    const oldest = (await list('?limit=200')).calls.at(-1);
    const found = await list(`?number=50123456&before=${oldest.key}`);
    assert.deepEqual(found.calls.map((call) => call.to), ['+97250123456']);
  });

  test('a key is when it began and a number; a list and its rows say of which commit they are', async () => {
    const page = await list('?limit=200');
    for (const row of page.calls) {
      assert.match(row.key, /^\d+\.\d+$/);
      assert.equal(Number(row.key.split('.')[0]), Date.parse(row.started_at));
      assert.ok(row.seq > 0 && row.seq <= page.seq, `${row.seq} of ${page.seq}`);
      assert.equal(row.recording_count, 0);
    }
    await postForm(server.url, CALL_STATUS, callCallback({
      CallSid: calls[3].sid, CallStatus: 'completed', CallDuration: '4', Timestamp: rfc2822(calls[3].at + 1000),
    }));
    const later = await until('the list has it', async () => {
      const now = await list('?limit=200');
      return now.seq > page.seq && now.calls[3].status === 'completed' ? now : null;
    });
    assert.ok(later.calls[3].seq > page.seq && later.calls[4].seq <= page.seq, 'of one call the number rose');
  });

  test('calls that come meanwhile move nothing', async () => {
    const first = await list('?limit=10');
    await postForm(server.url, CALL_STATUS, callCallback({ CallSid: newSid('CA'), Timestamp: rfc2822(Date.now()) }));
    const second = await list(`?limit=10&after=${encodeURIComponent(first.next)}`);
    assert.deepEqual(second.calls.map((call) => call.call_sid), calls.slice(10, 20).map(({ sid }) => sid));
  });

  test('as many rows as are asked for, up to 200', async () => {
    assert.equal((await list('?limit=1')).calls.length, 1);
    assert.equal((await list('?limit=50')).calls.length, 50);
    assert.equal((await list('')).calls.length, 50, 'unless it is said');
    assert.ok((await list('?limit=200')).calls.length >= 120);
    assert.equal((await list('?limit=200')).next, null);
  });

  test('one call alone, by its SID; a filter of nothing is none', async () => {
    const page = await list(`?call=${calls[5].sid}`);
    assert.deepEqual([page.calls.map((call) => call.call_sid), page.next], [[calls[5].sid], null]);
    assert.ok((await list('?direction=all&number=&limit=200')).calls.length >= 120);
    assert.deepEqual((await list(`?call=${newSid('CA')}`)).calls, []);
  });

  test('where few numbers end alike none is vague', async () => {
    assert.equal((await list('?number=0501234')).number_is_vague, false);
    assert.equal((await list('')).number_is_vague, false);
  });

  const NUMBER_MAX = 127;
  test('a number is as long as a person may type', async () => {
    assert.equal((await request(`${server.url}/api/calls?number=${'1'.repeat(NUMBER_MAX)}`)).status, 200);
    assert.equal((await request(`${server.url}/api/calls?number=${'1'.repeat(NUMBER_MAX + 1)}`)).status, 400);
  });

  test('a filter that is refused is named, no longer than it has to be', async () => {
    const { json } = await requestJson(`${server.url}/api/calls?directoin=up`);
    assert.match(json.error, /^The filter 'directoin' is not known or its value is malformed\.$/);
    const long = await requestJson(`${server.url}/api/calls?${'x'.repeat(300)}=1`);
    assert.match(long.json.error, /^The filter 'x{60}' /);
    const malformed = await requestJson(`${server.url}/api/calls?number=%zz`);
    assert.deepEqual([malformed.status, malformed.json.error], [400, 'The query is malformed.']);
  });

  for (const query of ['?limit=0', '?limit=201', '?limit=x', '?limit=-1', '?after=zzz', '?after=1', '?after=1.', '?after=.1', '?after=1.x', '?after=1.0', '?after=-1.5', '?before=1', '?before=1.1&after=1.1', '?call=CA12', `?call=${newSid('RE')}`, '?cursor=1.1', '?direction=up', '?from=yesterday', '?state=odd']) {
    test(`refused: ${query}`, async () => {
      const { status, json } = await requestJson(`${server.url}/api/calls${query}`);
      assert.equal(status, 400);
      assert.equal(json.code, 'bad_request');
    });
  }
});

test('details: the recording, where it stands and every attempt', async (t) => {
  const { server, upstream, recording } = await startStored(t);
  const { json } = await requestJson(`${server.url}/api/calls/${recording.callSid}`);
  const call = json.call ?? json;
  assert.equal(call.call_sid, recording.callSid);
  assert.equal(call.recordings.length, 1);
  assert.deepEqual([call.main_recording_sid, call.recording_count, call.parent_call_sid], [recording.recordingSid, 1, null]);
  assert.deepEqual([call.account_sid, call.direction, call.from, call.status], [ACCOUNT, null, null, null], 'what no callback told is not known');
  const [one] = call.recordings;
  assert.equal(one.recording_sid, recording.recordingSid);
  assert.deepEqual([one.held, one.expired, one.duration_differs, one.reason, one.source], [false, false, false, null, 'OutboundAPI']);
  assert.ok(Math.abs(Date.parse(one.stored_at) - Date.now()) < 60_000, one.stored_at);
  assert.equal(one.state, 'stored');
  assert.equal(one.format, 'mp3');
  assert.equal(one.size, recording.bytes.length);
  assert.equal(one.channels, 2);
  assert.equal(one.duration, 5);
  assert.ok(Math.abs(one.measured_duration - 5) < 0.3, `${one.measured_duration}`);
  assert.equal(one.sha256, createHash('sha256').update(recording.bytes).digest('hex'));
  assert.ok(Date.parse(one.expires_at) > Date.now() + 5 * 24 * HOUR);
  assert.equal(upstream.mediaRequests(recording.recordingSid).length, 1);
  assert.equal(one.attempts.length, 1, JSON.stringify(one));
  assert.equal(one.attempts[0].http_status, 200);
  assert.deepEqual([one.attempts[0].generation, one.attempts[0].outcome, one.attempts[0].text], [1, 'stored', 'Stored.']);
  assert.equal(one.attempts[0].bytes, recording.bytes.length);
  assert.ok(Date.parse(one.attempts[0].ended_at) >= Date.parse(one.attempts[0].began_at));
});

test('a failed attempt gives its reason', async (t) => {
  const { server, upstream } = await startStored(t);
  const fields = recordingCallback();
  upstream.recordings.set(fields.RecordingSid, { answer: (_, reply) => reply.writeHead(503).end('busy') });
  await postForm(server.url, RECORDING_STATUS, fields);
  const call = await untilState(server, fields.CallSid, 'waiting');
  const [one] = call.recordings;
  assert.equal(one.reason.code, 'server_error', 'the word of the attempt');
  assert.match(one.reason.text, /Twilio/);
  assert.ok(Date.parse(one.next_try_at) > Date.now() - 60_000);
  assert.ok(one.attempts.some((attempt) => attempt.http_status === 503), 'beside the next, which may have begun');
});

test('state filters the list', async (t) => {
  const { server, recording } = await startStored(t);
  const absent = recordingCallback({ RecordingStatus: 'absent', ErrorCode: '16101', RecordingDuration: undefined });
  await postForm(server.url, RECORDING_STATUS, absent);
  await untilState(server, absent.CallSid, 'absent');
  const sids = async (state) => (await requestJson(`${server.url}/api/calls?state=${state}`)).json.calls.map((call) => call.call_sid);
  assert.deepEqual(await sids('stored'), [recording.callSid]);
  assert.deepEqual(await sids('absent'), [absent.CallSid]);
  assert.deepEqual(await sids('failed'), []);
});

test('/health: 200 as long as it can play', async (t) => {
  const server = await startServer(t);
  const { status, json, headers } = await requestJson(`${server.url}/health`);
  assert.equal(status, 200);
  assert.match(headers['content-type'], /^application\/json/);
  assert.equal(json.degraded, false);
  const head = await request(`${server.url}/health`, { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.equal(head.body.length, 0);
});

test('JSON is nobody\'s to keep, to run, to frame or to embed, errors included', async (t) => {
  const server = await startServer(t);
  for (const path of ['/api/calls', '/api/session', '/api/calls/what', '/no/such/path']) {
    const { headers } = await request(`${server.url}${path}`);
    assert.match(headers['content-type'], /^application\/json/, path);
    assert.equal(headers['cache-control'], 'no-store', path);
    assert.equal(headers['content-security-policy'], "default-src 'none'; frame-ancestors 'none'", path);
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin', path);
    assert.equal(headers['referrer-policy'], 'no-referrer', path);
  }
});

test('/ is the page, with the headers that keep it to itself', async (t) => {
  const server = await startServer(t);
  const reply = await request(`${server.url}/`);
  assert.equal(reply.status, 200);
  assert.match(reply.headers['content-type'], /^text\/html; ?charset=utf-8$/i);
  assert.match(reply.headers['content-security-policy'], /default-src '(self|none)'/);
  assert.equal(reply.headers['x-content-type-options'], 'nosniff');
  assert.match(reply.body.toString(), /<title[ >]/);
});
