// GET /api/events: whoever follows it, by WebSocket or by long poll, knows what the list knows.
import test, { before, describe } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { audio } from './harness/audio.js';
import { callspool, startServer, untilState } from './harness/callspool.js';
import { Events, Rows, poll } from './harness/events.js';
import { Gate } from './harness/gated.js';
import { RawConnection, request, requestJson } from './harness/http.js';
import { lifetime } from './harness/lifetime.js';
import { startNginx } from './harness/nginx.js';
import { addPerson, addToken, firstAdministrator, startWithPeople } from './harness/people.js';
import { seeded } from './harness/seeded.js';
import { until } from './harness/until.js';
import { startUpstream } from './harness/upstream.js';
import { CALL_STATUS, PUBLIC_URL, RECORDING_STATUS, callCallback, newSid, postForm, recordingCallback } from './harness/webhook.js';

const CHANGES = Number(process.env.TEST_EVENTS ?? 500);
const SECOND = 1000;
const twilioTime = (ms) => new Date(ms).toUTCString().replace('GMT', '+0000');
const SENDERS = new http.Agent({ keepAlive: true, maxSockets: 8 });
test.after(() => SENDERS.destroy());

/** A call's webhook, committed; its fields. */
async function call(server, fields = {}) {
  const told = callCallback({ Timestamp: twilioTime(Date.now()), ...fields });
  assert.equal((await postForm(server.url, CALL_STATUS, told, { agent: SENDERS })).status, 200);
  return told;
}

const page = async (server, query = '') => (await requestJson(`${server.url}/api/calls?limit=200${query}`)).json;

/** All rows of the list, newest first, and the least seq of its pages: no later change is missing. */
async function list(server, query = '') {
  const first = await page(server, query);
  const calls = [...first.calls];
  for (let { next } = first; next !== null;) {
    const more = await page(server, `${query}&after=${next}`);
    calls.push(...more.calls);
    next = more.next;
  }
  return { calls, seq: first.seq };
}

const has = (sid) => ({ calls }) => calls?.some((row) => row.call_sid === sid);
const isGone = (sid) => ({ gone }) => gone?.includes(sid);

describe('a WebSocket', () => {
  let server;
  before(async () => { server = await startServer(lifetime); });

  test('hears of a call as the list has it', async (t) => {
    const events = await Events.open(t, server);
    const hello = await events.hears('the number', () => true);
    assert.deepEqual(Object.keys(hello), ['seq']);
    const { CallSid } = await call(server, { CallStatus: 'ringing', CallDuration: undefined });
    const told = await events.hears('the call', has(CallSid));
    const { calls: [row], seq } = await page(server);
    assert.deepEqual(told.calls, [row]);
    assert.ok(told.seq > hello.seq && told.seq >= row.seq && told.seq <= seq);
    assert.deepEqual(told.gone, []);
  });

  test('begins after the commit that it names, and says all that came since at once', async (t) => {
    const { seq } = await page(server);
    const sids = [];
    for (let i = 0; i < 3; i += 1) sids.push((await call(server, { CallStatus: 'ringing', CallDuration: undefined })).CallSid);
    await call(server, { CallSid: sids[0], CallStatus: 'completed' });
    await until('they are listed', async () => (await page(server)).calls.some((row) => row.call_sid === sids[0] && row.status === 'completed'));
    const events = await Events.open(t, server, `?after=${seq}`);
    const first = await events.hears('a message', () => true);
    assert.deepEqual(first.calls.map((row) => row.call_sid).sort(), [...sids].sort(), 'each once');
    assert.equal(first.calls.find((row) => row.call_sid === sids[0]).status, 'completed');
    const again = await Events.open(t, server, `?after=${first.seq}`);
    assert.deepEqual(await again.hears('a message', () => true), { seq: first.seq }, 'and then nothing');
  });

  test('a list that was just read is never too new for it, nor one in which nothing that is told has changed', async (t) => {
    for (let i = 0; i < 20; i += 1) {
      await call(server);
      const { seq } = await page(server);
      const events = await Events.open(t, server, `?after=${seq}`);
      const first = await events.hears('a message', () => true);
      assert.equal(first.reset, undefined, `${seq}: ${JSON.stringify(first)}`);
      events.socket.terminate();
    }
  });

  test('after a commit that never was, and after one of which nothing is known any more, all is to be read anew', async (t) => {
    const told = await call(server);
    const first = await startServer(t);
    await call(first, told);
    await until('it is listed', async () => (await page(first)).calls.length === 1);
    await first.stop();
    const restarted = await startServer(t, { dataDir: first.dataDir });
    for (const [at, after] of [[server, 2 ** 40], [restarted, 0]]) {
      const events = await Events.open(t, at, `?after=${after}`);
      const answer = await events.hears('a message', () => true);
      assert.deepEqual([answer.reset, Object.keys(answer).sort()], [true, ['reset', 'seq']]);
      assert.equal((await poll(at, `?after=${after}`)).json.reset, true, 'a poll, at once');
      const { CallSid } = await call(at);
      await events.hears('what comes from then on', has(CallSid));
    }
    const { seq } = await page(restarted);
    const events = await Events.open(t, restarted, `?after=${seq}`);
    assert.deepEqual(await events.hears('a message', () => true), { seq }, 'a restart in which nothing changed is none');
  });

  test('only what it shows: other directions, numbers and times are neither told nor said to be gone', async (t) => {
    const from = new Date(Date.now() - 3600 * SECOND).toISOString();
    const inbound = await Events.open(t, server, '?direction=inbound');
    const number = await Events.open(t, server, '?number=0501112222');
    const recent = await Events.open(t, server, `?from=${from}`);
    for (const events of [inbound, number, recent]) await events.hears('the number', () => true);
    const other = await call(server, { Direction: 'outbound-api', Timestamp: twilioTime(Date.now() - 7200 * SECOND), CallStatus: 'ringing', CallDuration: undefined });
    const wanted = await call(server, { Direction: 'inbound', From: '+972501112222', To: '+97235550100' });
    for (const events of [inbound, number, recent]) {
      await events.hears('the one that is shown', has(wanted.CallSid));
      assert.ok(!JSON.stringify(events.messages).includes(other.CallSid));
    }
  });

  test('what leaves what it shows is gone: by its direction or time that is told late, by its recording, below the bottom', async (t) => {
    const now = Date.now();
    const sid = newSid('CA');
    const all = await Events.open(t, server);
    await call(server, { CallSid: sid, Direction: undefined, From: undefined, To: undefined, CallStatus: 'ringing', CallDuration: undefined, Timestamp: twilioTime(now) });
    const { calls: [row] } = await all.hears('a call', has(sid));
    const top = await Events.open(t, server, `?bottom=${row.key}&after=${row.seq}`);
    const none = await Events.open(t, server, '?state=none');
    for (const events of [top, none]) await events.hears('the number', () => true);
    await call(server, { CallSid: sid, CallStatus: 'in-progress', CallDuration: undefined });
    await top.hears('it is at the bottom, and shown', has(sid));
    await call(server, { CallSid: sid, CallStatus: 'completed', CallDuration: '3600', Timestamp: twilioTime(now) });
    await top.hears('it began an hour before', isGone(sid));
    await all.hears('and is told to who shows all', ({ calls }) => calls?.some((one) => one.call_sid === sid && Date.parse(one.started_at) < now - 3000 * SECOND));
    await none.hears('without a recording', has(sid));
    const before = none.messages.length;
    assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid: sid, RecordingStatus: 'in-progress', RecordingDuration: undefined }))).status, 200);
    await none.hears('it has one now', isGone(sid), before);
    const below = top.messages.length;
    await call(server, { CallSid: newSid('CA'), Timestamp: twilioTime(now - 7200 * SECOND) });
    const { CallSid: above } = await call(server, { Timestamp: twilioTime(now + 60 * SECOND), CallDuration: '0', CallStatus: 'no-answer' });
    await top.hears('what is above', has(above), below);
    assert.ok(top.messages.slice(below).every(({ calls = [], gone = [] }) => gone.length === 0 && calls.every((one) => one.call_sid === above)), 'and nothing of what always was below');
  });

  test('it may ask for something else, from the commit on that it says, and is told when it counts', async (t) => {
    const events = await Events.open(t, server, '?direction=inbound');
    await events.hears('the number', () => true);
    const { seq } = await page(server);
    const { CallSid } = await call(server, { Direction: 'outbound-api' });
    await until('it is listed', async () => (await page(server)).calls.some((row) => row.call_sid === CallSid));
    events.say({ filter: { direction: 'outbound' }, bottom: null, after: seq, id: 7 });
    const answer = await events.hears('the answer', ({ id }) => id === 7);
    assert.deepEqual(answer.calls.map((row) => row.call_sid), [CallSid], 'what the other filter passed over');
    events.say({ id: 8 });
    assert.deepEqual(Object.keys(await events.hears('an answer', ({ id }) => id === 8)), ['seq', 'id']);
    const inbound = await call(server, { Direction: 'inbound' });
    const outbound = await call(server, { Direction: 'outbound-dial' });
    await events.hears('what the filter shows', has(outbound.CallSid));
    assert.ok(!JSON.stringify(events.messages).includes(inbound.CallSid));
  });

  for (const [what, message] of [
    ['no JSON', 'hello'], ['no object', '[]'], ['an unknown name', { fliter: {} }], ['an unknown filter', { filter: { colour: 'red' } }],
    ['a filter of another type', { filter: { direction: 1 } }], ['a malformed bottom', { bottom: '1' }], ['an after below zero', { after: -1 }], ['an id that is no number', { id: 'x' }],
  ]) {
    test(`a message that is not known ends it: ${what}`, async (t) => {
      const events = await Events.open(t, server);
      events.say(message);
      assert.equal((await events.closed).code, 1008);
    });
  }

  test('messages without end end it', async (t) => {
    const events = await Events.open(t, server);
    for (let id = 0; id < 200; id += 1) events.say({ after: Number.MAX_SAFE_INTEGER, id });
    assert.deepEqual(await events.closed, { code: 1008, reason: 'too many messages' });
  });

  for (const [what, query] of [['an unknown name', '?colour=red'], ['a malformed after', '?after=x'], ['an after below zero', '?after=-1'], ['a malformed bottom', '?bottom=1'], ['a malformed date', '?from=monday'], ['two digits of a number', '?number=12'], ['a number of zeros', '?number=000']]) {
    test(`refused: ${what}`, async () => {
      const { status, json } = await Events.refusal(server, query);
      assert.deepEqual([status, json.code], [400, 'bad_request']);
      assert.equal((await poll(server, query)).status, 400);
    });
  }
});

const HANDSHAKE = {
  Host: 'callspool.test', Upgrade: 'websocket', Connection: 'Upgrade', Origin: PUBLIC_URL, 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
};
const handshake = (headers = {}, version = '1.1') => [`GET /api/events HTTP/${version}`, ...Object.entries({ ...HANDSHAKE, ...headers })
  .flatMap(([name, value]) => (value === undefined ? [] : [value].flat().map((one) => `${name}: ${one}`))), '', ''].join('\r\n');

describe('the bytes of RFC 6455', () => {
  let server;
  before(async () => { server = await startServer(lifetime); });

  const open = async (bytes) => {
    const connection = await RawConnection.open(server.url);
    return connection.send(bytes);
  };

  test('the handshake', async () => {
    const connection = await open(handshake());
    const [head] = await connection.receives(/^HTTP\/1\.1 101 [^]*?\r\n\r\n/);
    assert.match(head, /\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
    assert.match(head, /\r\nUpgrade: websocket\r\n/);
    assert.match(head, /\r\nDate: /);
    assert.doesNotMatch(head, /Sec-WebSocket-(Extensions|Protocol)/i);
    await connection.receives(/\r\n\r\n\x81[\x01-\x7d]\{"seq":\d+\}$/);
    connection.close();
  });

  for (const [what, headers, status] of [
    ['another version', { 'Sec-WebSocket-Version': '8' }, 426], ['two versions', { 'Sec-WebSocket-Version': ['13', '13'] }, 426], ['no key', { 'Sec-WebSocket-Key': undefined }, 400],
    ['a short key', { 'Sec-WebSocket-Key': 'AAAA' }, 400], ['two keys', { 'Sec-WebSocket-Key': ['dGhlIHNhbXBsZSBub25jZQ==', 'dGhlIHNhbXBsZSBub25jZQ=='] }, 400], ['no Connection: upgrade', { Connection: 'keep-alive' }, 400],
  ]) {
    test(`a handshake is refused: ${what}`, async () => {
      const connection = await open(handshake(headers));
      const [head] = await connection.receives(/^HTTP\/1\.1 \d+ [^]*?\r\n\r\n/);
      assert.match(head, new RegExp(`^HTTP/1.1 ${status} `));
      if (status === 426) assert.match(head, /\r\nSec-WebSocket-Version: 13\r\n/);
      connection.close();
    });
  }

  const MASK = Buffer.from([1, 2, 3, 4]);
  const frame = (head, payload = '', { masked = true } = {}) => {
    const bytes = Buffer.from(payload);
    const length = bytes.length < 126 ? [bytes.length] : [126, bytes.length >> 8, bytes.length & 255];
    length[0] |= masked ? 128 : 0;
    return Buffer.concat([Buffer.from([head, ...length]), ...(masked ? [MASK, bytes.map((byte, i) => byte ^ MASK[i % 4])] : [bytes])]);
  };
  const close = (code) => Buffer.from([code >> 8, code & 255]);

  for (const [what, bytes, code] of [
    ['a frame without a mask', frame(0x81, '{}', { masked: false }), 1002], ['a bit of an extension', frame(0xc1, '{}'), 1002], ['an opcode that is none', frame(0x83), 1002],
    ['a ping in pieces', frame(0x09), 1002], ['the rest of nothing', frame(0x80, '{}'), 1002], ['bytes that are no text', frame(0x82, '{}'), 1003],
    ['text that is no UTF-8', frame(0x81, Buffer.from([0xff])), 1007], ['more than 4 KiB', frame(0x81, 'x'.repeat(4097)), 1009],
    ['more than 4 KiB in pieces', Buffer.concat([frame(0x01, 'x'.repeat(4096)), frame(0x80, 'x')]), 1009], ['a close with a code that is never sent', frame(0x88, close(1005)), 1002],
    ['a close', frame(0x88, close(1000)), 1000], ['JSON that nests without end', frame(0x81, '['.repeat(4096)), 1008],
  ]) {
    test(`${what}: ${code}`, async () => {
      const connection = await open(Buffer.concat([Buffer.from(handshake()), bytes]));
      const text = await connection.untilClosed();
      const ended = Buffer.from(text, 'latin1').subarray(text.indexOf('\r\n\r\n') + 4);
      const at = ended.lastIndexOf(0x88);
      assert.equal(ended.readUInt16BE(at + 2), code, ended.toString('latin1'));
      connection.close();
    });
  }

  test('a ping is answered, in the middle of a message that comes byte by byte', async () => {
    const connection = await open(handshake());
    await connection.receives(/\{"seq":\d+\}$/);
    const message = JSON.stringify({ id: 5 });
    for (const byte of Buffer.concat([frame(0x01, message.slice(0, 3)), frame(0x89, 'still there?'), frame(0x80, message.slice(3))])) connection.send(Buffer.from([byte]));
    await connection.receives(/\x8a\x0cstill there\?[^]*"id":5\}$/);
    connection.close();
  });
});

describe('what is missed', () => {
  /** Changes calls at random, as Twilio's callbacks do in no order: new ones, states, who called, when they began. */
  async function change(server, below, sids) {
    const kind = sids.length < 5 ? 0 : below(5);
    const CallSid = kind === 0 ? newSid('CA') : sids[below(sids.length)];
    if (kind === 0) sids.push(CallSid);
    if (kind === 3) {
      await postForm(server.url, RECORDING_STATUS, recordingCallback({ CallSid, RecordingStatus: 'in-progress', RecordingDuration: undefined }), { agent: SENDERS });
      return;
    }
    await call(server, {
      CallSid,
      CallStatus: ['ringing', 'in-progress', 'completed'][below(3)],
      CallDuration: String(below(100)),
      Timestamp: twilioTime(Date.now() - below(1000) * SECOND),
      Direction: below(4) === 0 ? undefined : ['inbound', 'outbound-api'][CallSid.charCodeAt(5) % 2],
      SequenceNumber: String(below(9)),
    });
  }

  /** Where it was too much for rows, the list is read anew. */
  async function readAgain(server, query, rows) {
    if (rows.mores === 0) return;
    rows.mores = 0;
    rows.become(await list(server, query));
  }

  /** Follows by WebSockets that break at random moments, each going on where the last one was. */
  async function followBySockets(server, query, rows, below, isOver) {
    while (!isOver()) {
      const events = new Events(server, `?after=${rows.seq}${query}`);
      events.socket.on('message', (data) => rows.take(JSON.parse(data)));
      await events.opened;
      const lives = 20 + below(600);
      for (let ms = 0; ms < lives && !isOver(); ms += 20) await pause(20);
      events.socket.removeAllListeners('message');
      events.socket.terminate();
      await readAgain(server, query, rows);
    }
  }

  async function followByPolls(server, query, rows, below, isOver) {
    while (!isOver()) {
      rows.take((await poll(server, `?after=${rows.seq}${query}`)).json);
      await readAgain(server, query, rows);
    }
  }

  test(`${CHANGES} changes while connections break: each client holds what the list holds, by socket and by poll, of all and of some`, async (t) => {
    const server = await startServer(t);
    const below = seeded(11);
    const { seq } = await page(server);
    const sids = [];
    const filters = ['', '&direction=inbound', '&state=none'];
    const followers = [];
    let target = Infinity;
    for (const query of filters) {
      for (const follow of [followBySockets, followByPolls]) {
        const rows = new Rows();
        rows.seq = seq;
        const isOver = () => rows.seq >= target;
        followers.push({ query, rows, how: follow.name, over: follow(server, query, rows, below, isOver) });
      }
    }
    for (let done = 0; done < CHANGES; done += 4) {
      await Promise.all(Array.from({ length: 4 }, () => change(server, below, sids)));
      if (below(20) === 0) await pause(below(300));
    }
    await until('all is projected', async () => (await requestJson(`${server.url}/api/status`)).json.events_waiting === 0);
    // One more that all hear of: a change that passes no filter moves nobody's number by itself.
    const last = await call(server, { Direction: 'inbound', CallStatus: 'ringing', CallDuration: undefined, Timestamp: twilioTime(Date.now()) });
    ({ seq: target } = await until('it is listed', async () => (await page(server)).calls.find((row) => row.call_sid === last.CallSid)));
    await Promise.all(followers.map(({ over }) => over));
    for (const { query, rows, how } of followers) {
      const { calls } = await list(server, query);
      assert.equal(rows.resets, 0, `${how} ${query}`);
      assert.deepEqual(rows.told.filter((told, i) => i > 0 && told <= rows.told[i - 1]), [], `${how} ${query}: no commit is told twice`);
      assert.deepEqual([...rows.bySid.keys()].sort(), calls.map((row) => row.call_sid).sort(), `${how} ${query}: the same calls`);
      for (const row of calls) assert.deepEqual(rows.bySid.get(row.call_sid), row, `${how} ${query}`);
    }
  });
});

describe('a long poll', () => {
  let server;
  before(async () => { server = await startServer(lifetime); });

  test('without a number it says the number; with one it waits for something to say', async () => {
    const { status, headers, json } = await poll(server);
    assert.deepEqual([status, Object.keys(json)], [200, ['seq']]);
    assert.match(headers['content-type'], /^application\/json/);
    assert.ok(headers.date);
    const answers = [poll(server, `?after=${json.seq}`), poll(server, `?after=${json.seq}&direction=inbound`), poll(server, `?after=${json.seq}&direction=outbound`)];
    await pause(300); // so that they wait
    const { CallSid } = await call(server, { Direction: 'inbound' });
    for (const answer of [await answers[0], await answers[1]]) {
      assert.deepEqual(answer.json.calls.map((row) => row.call_sid), [CallSid]);
      assert.deepEqual((await poll(server, `?after=${json.seq}`)).json.calls, answer.json.calls, 'who asks later is told at once');
    }
    const other = await call(server, { Direction: 'outbound-api' });
    assert.deepEqual((await answers[2]).json.calls.map((row) => row.call_sid), [other.CallSid]);
  });

  test('HEAD is none', async () => {
    assert.equal((await request(`${server.url}/api/events`, { method: 'HEAD' })).status, 405);
  });
});

describe('who may', () => {
  let server, admin;
  before(async () => {
    ({ server } = await startWithPeople(lifetime, { settings: { cors_origins: 'https://crm.example.com' } }));
    admin = await firstAdministrator(server);
  });
  const cookie = (person) => ({ Cookie: Object.entries(person.cookies).map(([name, value]) => `${name}=${value}`).join('; ') });
  const bearer = (token) => ({ Authorization: `Bearer ${token.bearer}` });

  test('our own page with a cookie, a program with a token from anywhere, and nobody else', async (t) => {
    const listener = await addPerson(admin, 'dana');
    await Events.open(t, server, '', { headers: cookie(listener) });
    for (const [what, origin, status, code] of [
      ['a foreign page', 'https://elsewhere.test', 403, 'foreign_origin'], ['a sibling', 'http://other.callspool.test', 403, 'foreign_origin'], ['a page that may read', 'https://crm.example.com', 403, 'foreign_origin'],
      ['a page without an origin', 'null', 403, 'foreign_origin'], ['something that says no origin', null, 403, 'foreign_origin'],
    ]) {
      const refused = await Events.refusal(server, '', { headers: cookie(listener), origin });
      assert.deepEqual([refused.status, refused.json.code], [status, code], what);
    }
    const read = await listener.ask('GET', '/api/events', { headers: { Origin: 'https://crm.example.com' } });
    assert.equal(read.status, 200, 'a page that may read may poll');
    assert.equal((await Events.refusal(server)).status, 401);
    const token = await addToken(admin, 'read');
    for (const origin of [null, 'https://elsewhere.test']) await Events.open(t, server, '', { headers: bearer(token), origin });
    assert.equal((await Events.refusal(server, '', { headers: bearer(await addToken(admin, 'play')) })).status, 403);
  });

  const followers = async (by) => Number((await admin.asks(200, 'GET', '/metrics')).body.toString().match(new RegExp(`callspool_followers\\{by="${by}"\\} (\\d+)\n`))[1]);

  for (const [what, then, end] of [
    ['signs out', 401, (name, person) => person.asks(200, 'DELETE', '/api/session')],
    ['is signed out', 401, (name) => admin.asks(200, 'DELETE', `/api/users/${name}/sessions`)],
    ['is given another role', 101, (name) => admin.asks(200, 'POST', `/api/users/${name}`, { json: { role: 'admin' } })],
    ['is disabled', 401, (name) => admin.asks(200, 'POST', `/api/users/${name}`, { json: { disabled: true } })],
    ['is deleted', 401, (name) => admin.asks(200, 'DELETE', `/api/users/${name}`)],
  ]) {
    test(`who ${what} is told nothing any more, unless they may again`, async (t) => {
      const name = what.replaceAll(' ', '.');
      const [person, bystander] = [await addPerson(admin, name), await addPerson(admin, `${name}.by`)];
      const [events, other] = [await Events.open(t, server, '', { headers: cookie(person) }), await Events.open(t, server, '', { headers: cookie(bystander) })];
      const { seq } = (await person.asks(200, 'GET', '/api/calls')).json;
      const waiting = person.ask('GET', `/api/events?after=${seq}&call=${newSid('CA')}`); // nothing that happens is for it
      await until('it waits', async () => await followers('poll') > 0);
      await end(name, person);
      assert.equal((await events.closed).code, 1008);
      assert.equal((await waiting).status, 401);
      if (then === 101) await Events.open(t, server, '', { headers: cookie(person) });
      else assert.equal((await Events.refusal(server, '', { headers: cookie(person) })).status, then);
      assert.equal(other.socket.readyState, other.socket.OPEN, 'nobody else');
    });
  }

  test('a token that is revoked, or over, is told nothing any more', async (t) => {
    const revoked = await addToken(admin, 'read');
    const over = await addToken(admin, 'read', { expires_in: '2s' });
    const events = [await Events.open(t, server, '', { headers: bearer(revoked) }), await Events.open(t, server, '', { headers: bearer(over) })];
    await admin.asks(200, 'DELETE', `/api/tokens/${revoked.name}`);
    for (const one of events) assert.equal((await one.closed).code, 1008);
  });

  test('one user or token has 100 places of a loop, and others have theirs', async (t) => {
    const one = await startWithPeople(t, { settings: { threads: 1 } });
    const ruth = await firstAdministrator(one.server);
    const token = await addToken(ruth, 'read');
    for (let i = 0; i < 100; i += 1) await Events.open(t, one.server, '', { headers: bearer(token) });
    const { status, headers, json } = await Events.refusal(one.server, '', { headers: bearer(token) });
    assert.deepEqual([status, json.code], [429, 'rate_limited']);
    assert.ok(Number(headers['retry-after']) > 0);
    assert.equal((await token.ask('GET', '/api/events')).status, 429, 'a poll takes a place, too');
    await Events.open(t, one.server, '', { headers: cookie(ruth) });
  });
});

describe('through nginx', () => {
  let server;
  before(async () => { server = await startServer(lifetime, { settings: { trusted_proxies: '127.0.0.1' } }); });

  test('as the packaged configuration has it, nothing is missing', async (t) => {
    const proxied = { url: (await startNginx(t, server.url)).url };
    const { seq } = await page(server);
    const events = await Events.open(t, proxied, `?after=${seq}`);
    const answer = poll(proxied, `?after=${seq}`);
    const { CallSid } = await call(server);
    await events.hears('the call', has(CallSid));
    assert.ok(has(CallSid)((await answer).json));
    events.socket.close();
    await until('it is let go', async () => (await request(`${server.url}/metrics`)).body.toString().includes('callspool_followers{by="websocket"} 0\n'));
  });

  test('one that lets no WebSocket through is named at once, and a poll works', async (t) => {
    const proxied = { url: (await startNginx(t, server.url, { stock: true })).url };
    const { seq } = await page(server);
    const { status, json } = await Events.refusal(proxied, `?after=${seq}`);
    assert.deepEqual([status, json.code], [426, 'upgrade_required']);
    assert.match(json.error, /proxy in between/);
    const answer = poll(proxied, `?after=${seq}`);
    const { CallSid } = await call(server);
    assert.ok(has(CallSid)((await answer).json));
  });
});

describe('how much', () => {
  test('where all places are taken it is said, and one that is left is free again', async (t) => {
    const server = await startServer(t, { settings: { threads: 1, events_max: 2 } });
    const [first] = [await Events.open(t, server), await Events.open(t, server)];
    const { status, headers, json } = await Events.refusal(server);
    assert.deepEqual([status, json.code], [503, 'overloaded']);
    assert.ok(Number(headers['retry-after']) > 0);
    first.socket.close();
    assert.equal((await first.closed).code, 1005);
    await until('there is room', async () => { await Events.open(t, server); return true; });
  });

  test('a thousand calls in a second: few messages, and the number of those that are not in them', async (t) => {
    const server = await startServer(t);
    const events = await Events.open(t, server);
    const rows = new Rows();
    rows.become(await list(server));
    const began = Date.now();
    let sent = 0;
    await Promise.all(Array.from({ length: 8 }, async () => { while (sent < 1000) { sent += 1; await call(server); } }));
    await until('all is projected', async () => (await requestJson(`${server.url}/api/status`)).json.events_waiting === 0);
    const seq = (await page(server)).calls.reduce((most, row) => Math.max(most, row.seq), 0);
    await events.hears('the last of it', (message) => message.seq >= seq);
    const lasted = Date.now() - began;
    const { messages } = events;
    assert.ok(messages.length <= 5 + (lasted / SECOND) * 4.4, `${messages.length} messages in ${lasted} ms`);
    const told = messages.flatMap(({ calls = [] }) => calls);
    const more = messages.reduce((sum, message) => sum + (message.more ?? 0), 0);
    assert.ok(more > 0);
    assert.equal(new Set(told.map((row) => row.call_sid)).size + more, sent, 'each once: in a row, or counted');
    assert.ok(told.length <= 100 + (lasted / SECOND) * 20 + 1, `${told.length} rows in ${lasted} ms`);
  });

  test('who reads nothing costs nobody anything, and is told a number when they read again', async (t) => {
    const server = await startServer(t, { settings: { threads: 1 } });
    const [slow, quick] = [await Events.open(t, server), await Events.open(t, server)];
    await slow.hears('the number', () => true);
    slow.socket.pause();
    const long = 'x'.repeat(150);
    const fill = async () => { // rows as long as they can be
      for (let i = 0; i < 20; i += 1) await call(server, { From: `sip:${long}@${i}.example.com`, To: `sip:${long}@b.example.com` });
      await until('all is projected', async () => (await requestJson(`${server.url}/api/status`)).json.events_waiting === 0);
    };
    const skipped = async () => {
      const { CallSid } = await call(server);
      await quick.hears('what others are told', ({ calls, more }) => more > 0 || calls?.some((row) => row.call_sid === CallSid));
    };
    await fill();
    await skipped();
    slow.socket.resume();
    const seq = (await page(server)).calls.reduce((most, row) => Math.max(most, row.seq), 0);
    await slow.hears('it is where all are', (message) => message.seq >= seq);
  });

  test('what is arriving is told while it does, to those who show it', async (t) => {
    const upstream = await startUpstream(t);
    const server = await startServer(t, { upstream: upstream.url, settings: { 'fetch.stall_timeout': '10m', retention: '2d' } });
    const bytes = audio({ seconds: 5 });
    const gate = new Gate(bytes);
    const [callSid, recordingSid] = [newSid('CA'), newSid('RE')];
    upstream.recordings.set(recordingSid, { callSid, answer: gate.answer });
    const [all, later] = [await Events.open(t, server), await Events.open(t, server, `?bottom=${Date.now() + 3_600_000}.1`)];
    const [other, coming, held, expired] = await Promise.all([`call=${newSid('CA')}`, 'state=on_the_way', 'state=held', 'state=expired']
      .map((query) => Events.open(t, server, `?${query}`)));
    const recording = recordingCallback({ CallSid: callSid, RecordingSid: recordingSid });
    assert.equal((await postForm(server.url, RECORDING_STATUS, recording)).status, 200);
    await until('it is asked for', () => gate.requests > 0);
    const half = Math.floor(bytes.length / 2);
    gate.open(half);
    const { progress } = await all.hears('how far it is', (message) => message.progress?.some((one) => one.bytes === half));
    assert.deepEqual(progress, [{ recording_sid: recordingSid, call_sid: callSid, bytes: half, total: bytes.length }]);
    const answer = poll(server, `?after=${(await page(server)).seq}`);
    await pause(100);
    gate.open(half + 1000);
    assert.deepEqual((await answer).json.progress?.map((one) => one.bytes), [half + 1000], 'a poll is answered for it, too');
    gate.open();
    await untilState(server, callSid, 'stored');
    await all.hears('the row', ({ calls }) => calls?.some((row) => row.recordings[0]?.state === 'stored' && row.recordings[0].arriving === null));
    assert.ok([...later.messages, ...other.messages].every((message) => !message.progress), 'of what began below the bottom nothing, and of another call');
    await coming.hears('it is on the way no more', isGone(callSid));
    for (const [method, told] of [['POST', has(callSid)], ['DELETE', isGone(callSid)]]) {
      const sent = { method, ...(method === 'POST' && { body: '{"reason":"a dispute"}', headers: { 'Content-Type': 'application/json' } }) };
      assert.equal((await requestJson(`${server.url}/api/recordings/${recordingSid}/hold`, sent)).status, 200);
      await held.hears(`${method} of a hold`, told);
    }
    const old = newSid('CA');
    const began = { CallSid: old, RecordingSid: newSid('RE'), RecordingStartTime: twilioTime(Date.now() - 72 * 3600 * SECOND) };
    assert.equal((await postForm(server.url, RECORDING_STATUS, recordingCallback(began))).status, 200);
    await expired.hears('what is too old', has(old));
  });
});

describe('the end', () => {
  test('a server that stops says so, and where another goes on, that', async (t) => {
    const server = await startServer(t);
    const { seq } = await page(server);
    const [events, waiting] = [await Events.open(t, server), poll(server, `?after=${seq}`)];
    await until('it waits', async () => (await request(`${server.url}/metrics`)).body.toString().includes('callspool_followers{by="poll"} 1\n'));
    const stopping = server.stop();
    assert.deepEqual(await events.closed, { code: 1001, reason: 'the server stops' });
    assert.equal((await waiting).status, 503);
    await stopping;
  });

  test('an upgrade is told as a restart, and the next process goes on from the same number', async (t) => {
    const server = await startServer(t, { manager: [] });
    await call(server);
    await until('it is listed', async () => (await page(server)).calls.length === 1);
    const events = await Events.open(t, server);
    const { seq } = await events.hears('the number', () => true);
    const { code } = await callspool(['upgrade', '--set', `data_dir=${server.dataDir}`]);
    assert.equal(code, 0);
    assert.equal((await events.closed).code, 1012);
    const again = await Events.open(t, server, `?after=${seq}`);
    assert.deepEqual(await again.hears('a message', () => true), { seq });
  });
});
